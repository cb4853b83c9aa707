"""The tree of a module: what stands in it, and the walks over it.

    Sequential
    ├── 0  Conv2d ── weight, bias        parameters and sub-modules are plain attributes;
    ├── 1  ReLU                          the tree is read off `vars(module)` when it is asked for
    └── 2  Linear ── weight, bias

Nothing is registered anywhere, so there is no order to keep: an attribute that holds a Parameter
or a Module belongs to the tree, in the order of assignment, and ceases to with `del`. A path names
a place in the tree: `2.weight`.

Invariant: a module or parameter that stands in several places (a tie) is yielded once, under its
first path; only `_places` has all its paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from pydp._tensor import Tensor
from pydp.nn import _state
from pydp.nn._parameter import Parameter
from pydp.nn._where import join

if TYPE_CHECKING:
    from pydp.nn._module import Module


class Tree:
    """The part of `Module` that knows what is in it."""

    __slots__ = ()

    _buffers: Mapping[str, bool] = MappingProxyType({})  # name -> whether state_dict has it

    # ---- what a module itself has

    def _check_hidden(self, name: str, value: Any) -> None:
        """Refuse a plain container of modules: the tree would not have them. A look at the first
        element tells."""
        if isinstance(value, (list, tuple, dict, set)) and value:
            first = next(iter(value.values() if isinstance(value, dict) else value))
            if isinstance(first, (Parameter, Tree)):
                raise TypeError(
                    f"{type(self).__name__}: {name} is a {type(value).__name__} that holds modules "
                    "or parameters, which would be overlooked; use nn.ModuleList or nn.ModuleDict"
                )

    def _own_parameters(self) -> list[tuple[str, Parameter]]:
        for name, value in vars(self).items():
            self._check_hidden(name, value)  # a list may have been filled since it was assigned
        return [item for item in vars(self).items() if isinstance(item[1], Parameter)]

    def _own_modules(self) -> list[tuple[str, Module]]:
        return [item for item in vars(self).items() if isinstance(item[1], Tree)]

    def _own_buffers(self, persistent: bool = False) -> list[tuple[str, Tensor]]:
        kept = [name for name, keeps in self._buffers.items() if keeps or not persistent]
        return [(name, getattr(self, name)) for name in kept if getattr(self, name) is not None]

    def _places(self, path: str = "", above: tuple[Tree, ...] = ()) -> Iterator[_state.Place]:
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
        stack: list[tuple[str, Any]] = [(prefix, self)]
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

        def visit(module: Any) -> None:
            if id(module) not in done:
                done.add(id(module))
                for child in module.children():
                    visit(child)
                function(module)

        visit(self)
        return self
