"""functional_call: a module as a function of its parameters."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydp import _context
from pydp._tensor import Tensor
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.nn._where import join

Slot = tuple[str, Module, str]  # path, the module that holds it, its name there

# A call puts its tensors into the module itself, so one goes after the other.
_turn = threading.RLock()


def functional_call(module: Module, state: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    """module(*args, **kwargs) with the tensors of `state` in place of its parameters and buffers.

    - `state`: path -> tensor, such as `module.state_dict()` or `dict(module.named_parameters())`.
      What it does not name stays the module's own; of a shared parameter one path is enough.

    The module has its own tensors again afterwards, whatever happens. While the call lasts it has
    the others, for every thread: calls of this function wait for each other. ValueError for a path
    that the module does not have, TypeError for a value that is no tensor. PyTorch's
    `torch.func.functional_call` takes the arguments as a tuple.

    >>> import pydp
    >>> model = pydp.nn.Linear(2, 1, bias=False)
    >>> weight = pydp.tensor([[3.0, 4.0]])
    >>> pydp.functional_call(model, {"weight": weight}, pydp.tensor([[1.0, 10.0]]))
    tensor([[43.]])
    """
    if not isinstance(module, Module):
        raise TypeError(f"functional_call: module must be a module, got {type(module).__name__}")
    with _context.surrounding(lambda: _swapped(module, state)):
        return module(*args, **kwargs)


def _slots(module: Module, path: str = "") -> Iterator[Slot]:
    """Every place of a parameter or buffer; a tie has several."""
    for name, _ in [*module._own_parameters(), *module._own_buffers()]:
        yield join(path, name), module, name
    for name, child in module._own_modules():
        yield from _slots(child, join(path, name))


def _swaps(module: Module, state: Mapping[str, Any]) -> list[tuple[Module, str, Tensor]]:
    """(module, name, new tensor) for every place that the state names or ties."""
    if not isinstance(state, Mapping):
        raise TypeError(f"functional_call: state must be a dict, got {type(state).__name__}")
    slots = list(_slots(module))
    unknown = [str(path) for path in state if path not in {path for path, _, _ in slots}]
    if unknown:
        raise ValueError(
            f"functional_call: {type(module).__name__} has no parameter or buffer "
            f"{', '.join(unknown)}"
        )
    # id of the own tensor -> (given, what stands for it)
    new: dict[int, tuple[Tensor, Tensor]] = {}
    for path, owner, name in slots:
        if path in state:
            tensor = state[path]
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"functional_call: {path} must be a tensor, got {type(tensor).__name__}"
                )
            own = getattr(owner, name)
            given = new.setdefault(id(own), (tensor, _as_kind_of(own, tensor)))
            if given[0] is not tensor:
                raise ValueError(
                    f"functional_call: {path} is shared, and the state has another tensor for it"
                )
    found = [(owner, name, new.get(id(getattr(owner, name)))) for _, owner, name in slots]
    return [(owner, name, given[1]) for owner, name, given in found if given is not None]


def _as_kind_of(own: Tensor, tensor: Tensor) -> Tensor:
    """The same value as a Parameter, where it stands for one: so the tree has it."""
    if not isinstance(own, Parameter):
        return tensor
    parameter = Parameter(tensor, requires_grad=False)
    parameter._node = tensor._node
    return parameter


@contextmanager
def _swapped(module: Module, state: Mapping[str, Any]) -> Iterator[None]:
    with _turn:  # what the module has before may be another thread's
        swaps = _swaps(module, state)
        before = [getattr(owner, name) for owner, name, _ in swaps]
        try:
            for owner, name, tensor in swaps:
                object.__setattr__(owner, name, tensor)
            yield
        finally:
            for (owner, name, _), tensor in zip(swaps, before, strict=True):
                object.__setattr__(owner, name, tensor)
