"""Residual and AddNorm: a box with a path around it.

    Residual(f)      x ──┬── f ── + ──        AddNorm(f)      x ──┬── f ── + ── LayerNorm ──
                         └────────┘                               └────────┘

Invariant: f gives back the shape that it takes, or the shortcut takes the path around to the same
shape; a box for which types deny it is refused at construction.
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp._op import language, paths
from pydp.nn._arguments import flag, number_within
from pydp.nn._layer_norm import LayerNorm
from pydp.nn._module import Module, checked_module
from pydp.nn._repr import box

SAME = "real[...] -> real[...]"


class Residual(Module):
    """x + f(x): what f learns is a change, and without f's help x passes.

    Shape: ``(real[...] -> real[...]) -> (real[...] -> real[...])``.

    Arguments
      f         a module that gives back the shape it takes; more arguments of a call go to f
      shortcut  a module for the path around, where f changes the shape: shortcut(x) + f(x)

    SignatureError at construction where the types of the two paths do not fit.

    He et al., "Deep residual learning", 2015, equations 1 and 2.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.Residual(nn.Conv2d(16, 16, 3, padding=1)).signature
    <signature real[..., 16, h, w] -> real[..., 16, h, w]>
    """

    def __init__(self, f: Module, shortcut: Module | None = None) -> None:
        self.f = checked_module(f, "Residual")
        self.shortcut = None if shortcut is None else checked_module(shortcut, "Residual")
        self.signature  # noqa: B018  raises where types do not fit

    @property
    def signature(self) -> language.Signature:
        around = SAME if self.shortcut is None else self.shortcut.signature
        said = "the path around" if self.shortcut is None else f"shortcut: {box(self.shortcut)}"
        return paths.alike(self.f.signature, around, (f"Residual: {box(self.f)}", said))

    @property
    def type(self) -> str:
        return str(self.signature)

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        around = x if self.shortcut is None else self.shortcut(x)
        return around + self.f(x, *args, **kwargs)


class AddNorm(Module):
    """LayerNorm(x + f(x)): applies f safely. If f is junk, at least x is there.

    Shape: ``(real[..., d] -> real[..., d]) -> (real[..., d] -> real[..., d])``.

    Arguments
      f           a module that gives back the shape it takes; more arguments of a call go to f
      d           the size of the last axis; found in f's type where that says it
      dropout     the share of f(x) that drops while training
      eps         of the norm; BERT has 1e-12
      norm_first  x + f(LayerNorm(x)) instead, which needs no warm-up and a norm at the end

    SignatureError at construction where f's type does not fit.

    Vaswani et al., "Attention is all you need", 2017, section 3.1; norm_first: Xiong et al., "On
    layer normalization in the Transformer architecture", 2020.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.AddNorm(nn.FeedForward(8, 8, hidden=32)).signature
    <signature real[..., 8] -> real[..., 8]>
    """

    def __init__(
        self,
        f: Module,
        d: int | None = None,
        dropout: float = 0.0,
        eps: float = 1e-5,
        norm_first: bool = False,
    ) -> None:
        self.f = checked_module(f, "AddNorm")
        self.norm = LayerNorm(self._size() if d is None else integer(d, "AddNorm", "d", 1), eps)
        self.dropout = number_within(dropout, "AddNorm", "dropout", 0.0, 1.0)
        self.norm_first = flag(norm_first, "AddNorm", "norm_first")
        self.signature  # noqa: B018  raises where types do not fit

    def _size(self) -> int:
        """d, from f's type."""
        result = self._around().function.result
        last = result.axes[-1].value if isinstance(result, language.Array) else None
        if last is None:
            raise ValueError(
                f"AddNorm: f's type, {self.f.signature}, does not say the size of the last axis; "
                f"give it: AddNorm({type(self.f).__name__}(…), d=…)"
            )
        return last

    def _around(self) -> language.Signature:
        """The type of x + f(x), where x has a last axis."""
        names = f"AddNorm: {box(self.f)}", "the path around"
        return paths.alike(self.f.signature, "real[..., d] -> real[..., d]", names)

    @property
    def signature(self) -> language.Signature:
        names = f"AddNorm: {box(self.f)}", f"norm: {box(self.norm)}"
        return paths.alike(self._around(), self.norm.signature, names)

    @property
    def type(self) -> str:
        return str(self.signature)

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        if self.norm_first:
            return x + self._dropped(self.f(self.norm(x), *args, **kwargs))
        return self.norm(x + self._dropped(self.f(x, *args, **kwargs)))

    def _dropped(self, y: Any) -> Any:
        return ops.dropout(y, self.dropout, self.training)

    def extra_repr(self) -> str:
        parts = [f"dropout={self.dropout:g}"] if self.dropout else []
        return ", ".join(parts + (["norm_first=True"] if self.norm_first else []))
