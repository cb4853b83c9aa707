"""Losses composed of other ops. They do not broadcast: a shape that differs is a mistake."""

from __future__ import annotations

from typing import Any

from pydp._op import real_tensor, same_float
from pydp.ops._cross_entropy import check_reduction, reduced
from pydp.ops._math import square


def mse_loss(x: Any, y: Any, reduction: str = "mean") -> Any:
    """(x − y)², averaged over all elements ("mean"), added up ("sum"), or as they are ("none").

    Type: ``(real[...], real[...]) -> real[]``. ValueError where the shapes differ: ``(n, 1)``
    against ``(n,)`` would silently compare all with all.

    >>> import pydp
    >>> pydp.mse_loss(pydp.tensor([1.0, 2.0]), pydp.tensor([1.0, 4.0]))
    tensor(2.)
    """
    x, y = real_tensor(x, "mse_loss", "x"), real_tensor(y, "mse_loss", "y")
    same_float("mse_loss", x=x, y=y)
    check_reduction("mse_loss", reduction)
    if x.shape != y.shape:
        raise ValueError(f"mse_loss: x and y must have one shape, got {x.shape} and {y.shape}")
    return reduced(square(x - y), reduction)
