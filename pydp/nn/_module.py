"""A module: a function with parameters, made of modules.

    Sequential
    ├── 0  Conv2d ── weight, bias        parameters and sub-modules are plain attributes;
    ├── 1  ReLU                          the tree is read off `vars(module)` when it is asked for
    └── 2  Linear ── weight, bias

Nothing is registered anywhere, so there is no order to keep: an attribute that holds a Parameter
or a Module belongs to the tree, in the order of assignment, and ceases to with `del`. A path names
a place in the tree: `2.weight`.

Invariants: a module or parameter that stands in several places (a tie) is yielded once by
`parameters`, `modules` …, under its first path; `state_dict` has all its paths, with one tensor.
`load_state_dict` and `astype` write into the parameters there are, so an optimizer keeps working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from pydp import _graph
from pydp._context import watched
from pydp._handle import Handle
from pydp._op import FLOAT32, FLOAT64, as_array, checked_dtype, language, numpy_op
from pydp._tensor import Tensor
from pydp.nn import _hooks, _repr, _state
from pydp.nn._where import join, say_where


class Parameter(Tensor):
    """A tensor that a module learns: it wants a gradient, and assigning it to an attribute of a
    module makes it one of the module's parameters.

    A tensor's memory is shared, anything else is copied.

    >>> import pydp
    >>> w = pydp.nn.Parameter(pydp.tensor([1.0, 2.0]))
    >>> w.requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        if not isinstance(data, Tensor):
            data = _graph.wrap(as_array(data, "Parameter"))
        if data.dtype.kind != "f":
            raise TypeError(f"Parameter: data must be float32 or float64, got {data.dtype}")
        self._array = data._array
        self._version = data._version
        self._node = _graph.Leaf(data._array) if requires_grad else None

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        copy = Parameter(super().__deepcopy__(memo), self.requires_grad)
        if self.grad is not None:
            copy.grad = deepcopy(self.grad.detach(), memo)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        return Parameter, (np.ascontiguousarray(self._array), self.requires_grad)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})"


def _no_forward(self: Module, *args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("no forward method is defined")


class Module:
    """The base of all modules. A subclass assigns parameters and modules to attributes in
    `__init__` and defines `forward`; calling the module calls `forward`.

    It differs from PyTorch's: `super().__init__()` may be left out; a list of modules in an
    attribute is an error (there it would be overlooked); an error raised inside `forward` says
    where in the model it was raised.

    >>> import pydp
    >>> from pydp import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, d):
    ...         self.weight = nn.Parameter(pydp.tensor([1.0] * d))
    ...     def forward(self, x):
    ...         return x * self.weight
    >>> scale = Scale(2)
    >>> scale(pydp.tensor([3.0, 4.0]))
    tensor([3., 4.], requires_grad=True)
    >>> [name for name, _ in scale.named_parameters()]
    ['weight']

    A type may be declared, as a class attribute `type` or a property; it is then checked where the
    module is composed with others.
    """

    training: bool = True
    _buffers: Mapping[str, bool] = MappingProxyType({})  # name -> whether state_dict has it

    _hooks: _hooks.Hooks | None = None

    forward: Callable[..., Any] = _no_forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._hooks is None and not watched:
                return self.forward(*args, **kwargs)
            return _hooks.call(self, args, kwargs)
        except Exception as error:
            say_where(error, self)
            raise

    @property
    def type(self) -> str:
        """The declared type of forward, such as `real[..., 3] -> real[..., 4]`; a subclass sets it
        to a text, or makes it from its arguments."""
        return "any -> any"

    @property
    def signature(self) -> language.Signature:
        """The type of forward as a value, which composes: `f.signature >> g.signature`."""
        return language.parse(self.type)

    def __rshift__(self, other: Module) -> Any:
        """`f >> g`: first f, then g; types that do not fit are an error here.

        >>> import pydp
        >>> from pydp import nn
        >>> (nn.Linear(2, 8) >> nn.ReLU() >> nn.Linear(8, 3)).signature
        <signature real[..., 2] -> real[..., 3]>
        """
        from pydp.nn._combinators import then

        return then(self, other)

    def __pow__(self, n: int) -> Any:
        """`f ** n`: n boxes like f, one after the other, each with new parameters of its own.

        >>> import pydp
        >>> from pydp import nn
        >>> len(nn.FeedForward(8, 8) ** 3)
        3
        """
        from pydp.nn._combinators import power

        return power(self, n)

    # ---- attributes

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Module)):
            if name in self._buffers:
                raise TypeError(f"{type(self).__name__}: {name} is a buffer; del it first")
            if hasattr(Module, name):
                raise AttributeError(f"{type(self).__name__}: {name} is a method of every module")
        elif name in self._buffers and not (value is None or isinstance(value, Tensor)):
            raise TypeError(f"{type(self).__name__}: the buffer {name} must be a tensor or None")
        else:
            self._check_hidden(name, value)
        object.__setattr__(self, name, value)

    def _check_hidden(self, name: str, value: Any) -> None:
        """Refuse a plain container of modules: the tree would not have them. A look at the first
        element tells."""
        if isinstance(value, (list, tuple, dict, set)) and value:
            first = next(iter(value.values() if isinstance(value, dict) else value))
            if isinstance(first, (Parameter, Module)):
                raise TypeError(
                    f"{type(self).__name__}: {name} is a {type(value).__name__} that holds modules "
                    "or parameters, which would be overlooked; use nn.ModuleList or nn.ModuleDict"
                )

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if name in self._buffers:
            self._buffers = {key: kept for key, kept in self._buffers.items() if key != name}

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is no parameter (it is not learned) in the module's state.

        Read and assign it as the attribute `name`. `state_dict` has it if it is persistent.
        """
        if not isinstance(name, str) or not name or "." in name or hasattr(self, name):
            raise ValueError(
                f"register_buffer: name must be a new attribute without a dot, got {name!r}"
            )
        if not (tensor is None or isinstance(tensor, Tensor)) or isinstance(tensor, Parameter):
            raise TypeError(
                f"register_buffer: {name} must be a tensor, got {type(tensor).__name__}"
            )
        self._buffers = {**self._buffers, name: bool(persistent)}
        object.__setattr__(self, name, tensor)

    # ---- the tree

    def _own_parameters(self) -> list[tuple[str, Parameter]]:
        for name, value in vars(self).items():
            self._check_hidden(name, value)  # a list may have been filled since it was assigned
        return [item for item in vars(self).items() if isinstance(item[1], Parameter)]

    def _own_modules(self) -> list[tuple[str, Module]]:
        return [item for item in vars(self).items() if isinstance(item[1], Module)]

    def _own_buffers(self, persistent: bool = False) -> list[tuple[str, Tensor]]:
        kept = [name for name, keeps in self._buffers.items() if keeps or not persistent]
        return [(name, getattr(self, name)) for name in kept if getattr(self, name) is not None]

    def _places(self, path: str = "", above: tuple[Module, ...] = ()) -> Iterator[_state.Place]:
        """Every (path, parameter or persistent buffer); a tie has several paths."""
        if any(module is self for module in above):
            raise ValueError(f"{type(above[0]).__name__}: {path} is a module that contains itself")
        for name, tensor in [*self._own_parameters(), *self._own_buffers(persistent=True)]:
            yield join(path, name), tensor
        for name, module in self._own_modules():
            yield from module._places(join(path, name), (*above, self))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one, with their names; a shared one once."""
        seen = set()
        for name, module in self._own_modules():
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly in this one."""
        for _, module in self.named_children():
            yield module

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, from the top, with their paths; a shared one once."""
        seen = set()
        stack = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            below = [(join(path, name), child) for name, child in module.named_children()]
            stack.extend(reversed(below))

    def modules(self) -> Iterator[Module]:
        """This module and all below it, from the top; a shared one once."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths; a shared one once, under its first path."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name, parameter in module._own_parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield join(path, name), parameter

    def parameters(self) -> Iterator[Parameter]:
        """All parameters; a shared one once."""
        for _, parameter in self.named_parameters():
            yield parameter

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths; a shared one once."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name, buffer in module._own_buffers():
                if id(buffer) not in seen:
                    seen.add(id(buffer))
                    yield join(path, name), buffer

    def buffers(self) -> Iterator[Tensor]:
        """All buffers; a shared one once."""
        for _, buffer in self.named_buffers():
            yield buffer

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call the function on every module, children before parents; returns this module.

        >>> import pydp
        >>> net = pydp.nn.Sequential(pydp.nn.Linear(2, 3), pydp.nn.ReLU())
        >>> _ = net.apply(lambda module: print(type(module).__name__))
        Linear
        ReLU
        Sequential
        """
        done = set()

        def visit(module: Module) -> None:
            if id(module) not in done:
                done.add(id(module))
                for child in module.children():
                    visit(child)
                function(module)

        visit(self)
        return self

    # ---- hooks

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args)` before forward; what it returns, unless None, replaces the
        positional arguments (a tuple of them, or the only one).

        Hooks run in the order in which they were registered. The handle's `remove()` takes this
        one away, and so does the end of a `with`.
        """
        return _hooks.add(self, "before", hook, "register_forward_pre_hook")

    def register_forward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args, result)` after forward; what it returns, unless None, replaces
        the result.

        >>> import pydp
        >>> net = pydp.nn.ReLU()
        >>> with net.register_forward_hook(lambda module, args, y: y + 1.0):
        ...     net(pydp.tensor([-1.0, 2.0]))
        tensor([1., 3.])
        """
        return _hooks.add(self, "after", hook, "register_forward_hook")

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, dx, dy)` in backward, when the gradients of forward's arguments are
        there; what it returns, unless None, replaces them.

        dx has an entry for each positional argument (for each leaf where they are trees), dy for
        each result; those without a gradient are None. Where no argument wants a gradient, the hook
        is called with the gradients of the result. The module must not write its arguments in
        place.
        """
        return _hooks.add(self, "backward", hook, "register_full_backward_hook")

    # ---- state

    def train(self, mode: bool = True) -> Self:
        """Put every module into training mode (or out of it): dropout, batch norm."""
        if not isinstance(mode, bool):
            raise TypeError(f"train: mode must be a bool, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put every module into evaluation mode; the same as train(False)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let every parameter want a gradient (or no longer: a frozen module)."""
        for parameter in self.parameters():
            if parameter.requires_grad != requires_grad:
                parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None

    def astype(self, dtype: Any) -> Self:
        """Convert the parameters and the real buffers to float32 or float64, in place."""
        dtype = checked_dtype(dtype, "astype")
        if dtype not in (FLOAT32, FLOAT64):
            raise TypeError(f"astype: a module's dtype must be float32 or float64, got {dtype}")
        for tensor in [*self.parameters(), *self.buffers()]:
            if tensor.dtype.kind == "f" and tensor.dtype != dtype:
                _convert(tensor, dtype)
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """The parameters and persistent buffers by path, sharing their memory.

        A parameter with several paths has them all, each with the same tensor. Copy the result
        (`copy.deepcopy`) to keep it while training goes on.
        """
        return _state.read(self._places())

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> _state.Keys:
        """Copy a state into the parameters and buffers, which stay the objects they are.

        All or nothing: one ValueError lists every key that is missing, unexpected, of another
        shape or of another dtype. With strict=False missing and unexpected keys are returned
        instead. Of a shared parameter one path is enough; if there are several they must agree.
        """
        return _state.load(self._places(), state, strict, type(self).__name__)

    # ---- for people

    def extra_repr(self) -> str:
        """The constructor's arguments, for repr."""
        return ""

    def __repr__(self) -> str:
        return _repr.tree(self)


def _convert(tensor: Tensor, dtype: np.dtype[Any]) -> None:
    """Give a tensor memory of another dtype; it stays the object it is, with gradient and hooks."""
    before, tensor._node = tensor._node, None
    tensor._array = numpy_op(tensor._array.astype, dtype)
    tensor._version = [0]
    if isinstance(before, _graph.Leaf):
        leaf = tensor._node = _graph.Leaf(tensor._array)
        leaf.hooks = before.hooks
        if before.grad is not None:
            leaf.grad = _graph.wrap(before.grad._array.astype(dtype))
