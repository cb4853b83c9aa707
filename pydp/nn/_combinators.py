"""Boxes of boxes: Sequential applies one after the other, ModuleList and ModuleDict only hold.

Their members are attributes named 0, 1, 2 … (or by their key), so the tree of every module is read
in the same way, and paths are PyTorch's: `layers.0.weight`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydp._op import language
from pydp.nn._call import Call
from pydp.nn._module import Module, checked_module
from pydp.nn._power import keep_apart
from pydp.nn._repair import repair
from pydp.nn._repr import box


class Identity(Module):
    """x itself.

    Type: ``any -> any``. Arguments of the constructor are ignored, as PyTorch does, so that it can
    stand for any box.

    >>> import pydp
    >>> pydp.nn.Identity()(pydp.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


class _List(Module):
    """Modules in order, numbered from 0."""

    def _items(self) -> list[Module]:
        return [value for value in vars(self).values() if isinstance(value, Module)]

    def _renew(self, modules: Iterable[Any]) -> None:
        """Hold these modules, numbered afresh; on an error nothing has changed."""
        checked = [checked_module(module, type(self).__name__) for module in modules]
        for name, _ in self._own_modules():
            delattr(self, name)
        for i, module in enumerate(checked):
            setattr(self, str(i), module)

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._items())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)._of(self._items()[index])
        return self._items()[self._position(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        modules = self._items()
        modules[self._position(index)] = module
        self._renew(modules)

    def __delitem__(self, index: int | slice) -> None:
        modules = self._items()
        del modules[index if isinstance(index, slice) else self._position(index)]
        self._renew(modules)

    def _position(self, index: Any) -> int:
        n = len(self)
        if isinstance(index, bool) or not hasattr(index, "__index__"):
            raise TypeError(f"{type(self).__name__}: an index must be an int, got {index!r}")
        if not -n <= index < n:
            raise IndexError(
                f"{type(self).__name__}: index {index} is out of range for {n} modules"
            )
        return int(index) % n

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> Any:
        raise NotImplementedError

    def append(self, module: Module) -> Any:
        """Put a module at the end; returns self."""
        self._renew([*self._items(), module])
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Put modules at the end; returns self."""
        self._renew([*self._items(), *modules])
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before position `index`; those behind it are renumbered."""
        modules = self._items()
        modules.insert(index, module)
        self._renew(modules)
        return self


@lru_cache(maxsize=4096)
def _then(f: language.Signature, g: language.Signature) -> language.Signature:
    return language.compose(f, g)


def _chained(named: list[tuple[str, Module]]) -> language.Signature:
    """The type of one module after the other, or a SignatureError that names the clash."""
    found = named[0][1].signature if named else language.UNDECLARED
    for i, (name, module) in enumerate(named[1:], 1):
        signature = module.after(found) if isinstance(module, Call) else module.signature
        try:
            found = _then(found, signature)
        except language.SignatureError:
            first, last = named[0][0], named[i - 1][0]
            left = f"{first}-{last}" if i > 1 else f"{first}: {box(named[0][1])}"
            hint = repair(module, found)
            names = f"Sequential: {left}", f"{name}: {box(module)}"
            raise language.clash(found, signature, names, hint) from None
    return found


class Sequential(_List):
    """The modules one after the other: Sequential(f, g)(x) = g(f(x)).

    Made of modules, or of one dict of named modules (their names are then the paths). Its type is
    composed of theirs, and modules that do not fit together are a SignatureError at once; after an
    edit that is found when `signature` is read, or at the call.

    >>> import pydp
    >>> from pydp import nn
    >>> net = nn.Sequential(nn.Identity(), nn.ReLU())
    >>> net(pydp.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    >>> net
    Sequential()       any -> real[...]
      0: Identity()
      1: ReLU()        real[...] -> real[...]
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                _check_name(self, name)
                setattr(self, name, checked_module(module, "Sequential"))
        else:
            self._renew(modules)
        keep_apart("Sequential", self._own_modules())
        self.signature  # noqa: B018  raises where types do not fit

    @property
    def signature(self) -> language.Signature:
        return _chained(self._own_modules())

    @property
    def type(self) -> str:
        return str(self.signature)

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> Any:
        return Sequential(*modules)  # a part of a model is none of its class

    def forward(self, x: Any) -> Any:
        for module in list(vars(self).values()):  # a list: a module may be given hooks meanwhile
            if isinstance(module, Module):
                x = module(x)
        return x


def then(f: Any, g: Any) -> Any:
    """f >> g. Plain Sequentials are taken apart, so it does not matter where brackets stand."""
    parts = [_parts(x) for x in (f, g)]
    return NotImplemented if None in parts else Sequential(*parts[0], *parts[1])  # type: ignore[misc]


def _parts(x: Any) -> list[Module] | None:
    """The modules that x stands for in a chain; None for what cannot stand in one."""
    if isinstance(x, type) and issubclass(x, Module):
        raise TypeError(f">>: {x.__name__} is a class; write {x.__name__}(…)")
    if not isinstance(x, Module):
        return [Call(x)] if callable(x) and not isinstance(x, type) else None
    numbered = all(name.isdecimal() for name, _ in x._own_modules())
    return list(x) if type(x) is Sequential and numbered else [x]


class ModuleList(_List):
    """A list of modules that belong to the module that holds it; it has no forward of its own.

    >>> import pydp
    >>> from pydp import nn
    >>> layers = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    >>> len(layers), layers[-1]
    (2, Tanh())
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._renew(modules)

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> Any:
        return cls(modules)


class ModuleDict(Module):
    """Modules by name that belong to the module that holds it; it has no forward of its own.

    >>> import pydp
    >>> from pydp import nn
    >>> heads = nn.ModuleDict({"score": nn.ReLU(), "gate": nn.Sigmoid()})
    >>> list(heads.keys()), heads["gate"]
    (['score', 'gate'], Sigmoid())
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self.update(modules or {})

    def __setitem__(self, name: str, module: Module) -> None:
        if name not in self:
            _check_name(self, name)
        setattr(self, name, checked_module(module, "ModuleDict"))

    def __getitem__(self, name: str) -> Module:
        if name not in self:
            raise KeyError(f"ModuleDict: no module is named {name!r}")
        return getattr(self, name)  # type: ignore[no-any-return]

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(f"ModuleDict: no module is named {name!r}")
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in dict(self._own_modules())

    def __len__(self) -> int:
        return len(self._own_modules())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add modules, or replace those of the same name."""
        for name, module in modules.items():
            self[name] = module

    def keys(self) -> list[str]:
        """The names, in order."""
        return [name for name, _ in self._own_modules()]

    def values(self) -> list[Module]:
        """The modules, in order."""
        return [module for _, module in self._own_modules()]

    def items(self) -> list[tuple[str, Module]]:
        """The names and modules, in order."""
        return self._own_modules()


def _check_name(owner: Module, name: Any) -> None:
    """A name becomes an attribute and a part of paths."""
    kind = type(owner).__name__
    if not isinstance(name, str):
        raise TypeError(f"{kind}: a module's name must be a str, got {name!r}")
    if not name or "." in name or hasattr(owner, name):
        raise ValueError(
            f"{kind}: a module's name must have no dot and hide no attribute, got {name!r}"
        )
