"""Boxes used again: `**` makes new ones of the same kind, `share` says that one is meant.

    Block(8) ** 3            Block(8) >> Block(8) >> Block(8)            three times the parameters
    b = nn.share(Block(8))
    b >> b >> b              the same box three times                    its parameters once

A box name that is written again means a new box with parameters of its own; the same parameters in
two places are meant only where somebody said so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydp._arguments import integer
from pydp.nn._module import Module, checked_module
from pydp.nn._where import join

M = TypeVar("M", bound=Module)


def share(module: M) -> M:
    """The module itself, which may from now on stand in several places of a composition: they have
    the same parameters. `**` keeps it.

    >>> from pydp import nn
    >>> f = nn.share(nn.Linear(4, 4))
    >>> net = f >> nn.ReLU() >> f
    >>> len(list(net.parameters()))
    2
    """
    checked_module(module, "share")._shared = True
    return module


def keep_apart(owner: str, parts: Iterable[tuple[str, Module]]) -> None:
    """Refuse a box with parameters that stands in two of these parts, unless it is shared."""
    seen: dict[int, str] = {}
    for name, part in parts:
        for path, module in _unshared(part, name):
            first = seen.setdefault(id(module), path)
            if first.partition(".")[0] != name and module._own_parameters():
                raise ValueError(
                    f"{owner}: {first} and {path} are one {type(module).__name__}, so they would "
                    f"have the same parameters; if that is meant, say nn.share({first}), else make "
                    "another one"
                )


def _unshared(module: Module, path: str) -> Iterable[tuple[str, Module]]:
    """The module and all below it, but for what is shared."""
    stack = [(path, module)]
    while stack:
        path, module = stack.pop()
        if not module._shared:
            yield path, module
            stack += [(join(path, name), child) for name, child in module.named_children()]


def power(f: Module, n: Any) -> Any:
    """f ** n: n boxes like f, one after the other, each with parameters of its own."""
    from pydp.nn._combinators import Sequential

    n = integer(n, f"{type(f).__name__} **", "the number of boxes", least=1)
    return Sequential(*[again(f) for _ in range(n)])


def again(module: Module) -> Module:
    """A module by the same call of the constructor."""
    args, kwargs = module._made  # type: ignore[attr-defined]  # a slot
    name = f"{type(module).__name__} **"
    made = type(module)(*map(_argument, args), **{k: _argument(v) for k, v in kwargs.items()})
    boxes, new_boxes = [
        [(path, type(box)) for path, box in m.named_modules()] for m in (module, made)
    ]
    if boxes != new_boxes:
        raise TypeError(
            f"{name}: it has other modules than its constructor gives it; write the boxes out"
        )
    for (path, old), (_, new) in zip(
        module.named_parameters(), made.named_parameters(), strict=True
    ):
        if old is not new and (old.shape, old.dtype, old._version[0]) != (
            new.shape, new.dtype, new._version[0]
        ):  # fmt: skip
            raise TypeError(
                f"{name}: {path} was changed since it was made, and the new boxes would not have "
                "that; take the power first, or write copies out (copy.deepcopy)"
            )
        if old.requires_grad != new.requires_grad:
            new.requires_grad_(old.requires_grad)
    for old_box, new_box in zip(module.modules(), made.modules(), strict=True):
        new_box.training = old_box.training
    return made


def _argument(x: Any) -> Any:
    """What the constructor is given: new modules for modules, but the same for what is shared."""
    if isinstance(x, Module):
        return x if x._shared else again(x)
    if isinstance(x, (list, tuple)) and any(isinstance(part, Module) for part in x):
        return type(x)([_argument(part) for part in x])
    if isinstance(x, dict):
        return {key: _argument(part) for key, part in x.items()}
    return x
