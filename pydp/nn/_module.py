"""A module: a function with parameters, made of modules.

__call__ ── forward, with hooks and the place of an error
type     ── what forward takes and gives; `>>` and `**` compose by it
Stateful ── what it remembers: mode, parameters, buffers, checkpoints
Tree     ── what stands in it: parameters and modules are plain attributes
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

from pydp._context import watched
from pydp._handle import Handle
from pydp._op import language
from pydp._tensor import Tensor
from pydp.nn import _hooks, _repr
from pydp.nn._constructor import check_made_with
from pydp.nn._parameter import Parameter
from pydp.nn._stateful import Stateful
from pydp.nn._where import say_where

if TYPE_CHECKING:
    from pydp.draw import Diagram


def _no_forward(self: Module, *args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("no forward method is defined")


class Module(Stateful):
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

    # How it was made, for `**`: kept out of vars(module), which is the tree.
    __slots__ = ("__dict__", "__weakref__", "_made")

    _shared: bool = False  # by nn.share
    _hooks: _hooks.Hooks | None = None

    forward: Callable[..., Any] = _no_forward

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if args or kwargs:  # a copy makes one of nothing, and fills it
            check_made_with(cls, args, kwargs)
        self = super().__new__(cls)
        object.__setattr__(self, "_made", (args, kwargs))
        return self

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
        name, declared = type(self).__name__, cast(Any, self.type)
        if not isinstance(declared, str):  # such as a method, where a property is meant
            kind = type(declared).__name__
            raise TypeError(f"{name}: type must be a text, or a property that is one, got {kind}")
        try:
            return language.parse(declared)
        except language.SignatureError as error:
            raise type(error)(f"{name}: its type cannot be read: {error}") from None

    def __rshift__(self, other: Any) -> Any:
        """`f >> g`: first f, then g, a module or a function; types that do not fit are an error
        here.

        >>> import pydp
        >>> from pydp import nn
        >>> (nn.Linear(2, 8) >> pydp.tanh >> nn.Linear(8, 3)).signature
        <signature real[..., 2] -> real[..., 3]>
        """
        from pydp.nn._combinators import then

        return then(self, other)

    def __rrshift__(self, other: Any) -> Any:
        from pydp.nn._combinators import then

        if isinstance(other, Tensor):
            name = type(self).__name__
            raise TypeError(f"tensor >> {name}: >> composes modules; to apply one, call it")
        return then(other, self)

    def __pow__(self, n: int) -> Any:
        """`f ** n`: n boxes like f, one after the other, each with new parameters of its own: f's
        constructor is called n times again. What `nn.share` marks is the same in all of them.

        TypeError where the constructor does not give what f is by now: parameters that were
        changed since, other modules.

        >>> import pydp
        >>> from pydp import nn
        >>> len(nn.FeedForward(8, 8) ** 3)
        3
        """
        from pydp.nn._power import power

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

    # ---- for people

    def extra_repr(self) -> str:
        """The constructor's arguments, for repr."""
        return ""

    def __repr__(self) -> str:
        return _repr.tree(self)

    def diagram(
        self, depth: int | None = None, theme: str = "auto", type: str | None = None, **sizes: Any
    ) -> Diagram:
        """The module as boxes in boxes, with the types on the wires, from a run on types alone
        (as `check` makes).

        - `depth`: how many levels of boxes are open; by default as many as a slide can bear
        - `theme`: "light", "dark", or "auto", as the reader's system is
        - `type`: the module's type, by default the one that it declares
        - `sizes`: numbers for names of the type, which make the counts numbers

        The result shows itself in a notebook; `.svg` and `.html` are its text, and
        `.save("net.svg")` writes a file. SignatureError where no type is declared, and where
        forward fails on its type or needs a size as a number (give it one, `diagram(t=4)`).

        In each box stand its parameters and multiply-adds: of one element of what `...` stands for.
        A wire in and out of a closed box has its type beside it. Equal neighbours are drawn once.

        >>> import pydp
        >>> net = pydp.nn.Linear(2, 8) >> pydp.nn.ReLU() >> pydp.nn.Linear(8, 3)
        >>> net.diagram()
        <diagram of Sequential; save it to a file, or show it in a notebook>
        """
        from pydp.draw import diagram

        return diagram(self, depth, theme, type, **sizes)

    def summary(self, type: str | None = None, depth: int | None = None, **sizes: Any) -> None:
        """Print a table of the boxes: type, parameters, multiply-adds, and memory of the
        activations (the results of all operations, views not counted). Arguments are those of
        `diagram`.

        >>> import pydp
        >>> (pydp.nn.Linear(2, 8) >> pydp.nn.ReLU() >> pydp.nn.Linear(8, 3)).summary()
        path  box         type                          parameters  mult-adds  memory
        ─────────────────────────────────────────────────────────────────────────────
              Sequential  real[..., 2] -> real[..., 3]          51         40    76 B
        0     Linear      real[..., 2] -> real[..., 8]          24         16    32 B
        1     ReLU        real[..., 8] -> real[..., 8]                           32 B
        2     Linear      real[..., 8] -> real[..., 3]          27         24    12 B
        ─────────────────────────────────────────────────────────────────────────────
        parameters     51
        multiply-adds  40
        activations    76 B
        Multiply-adds and activations are of one element of `...`.
        """
        from pydp.draw import summary

        print(summary(self, type, depth, **sizes))


def checked_module(module: Any, owner: str) -> Module:
    """A module given to another one."""
    if isinstance(module, type) and issubclass(module, Module):
        raise TypeError(f"{owner}: {module.__name__} is a class; write {module.__name__}(…)")
    if isinstance(module, (list, tuple)):
        raise TypeError(f"{owner}: give the modules one by one: {owner}(*modules)")
    if not isinstance(module, Module):
        raise TypeError(f"{owner}: expected a module, got {type(module).__name__}")
    return module
