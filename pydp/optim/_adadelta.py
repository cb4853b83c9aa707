"""Adadelta."""

from __future__ import annotations

from typing import Any

from pydp.ops._adadelta import SETTINGS, adadelta_update
from pydp.optim._optimizer import Optimizer, Parameters, positive


class Adadelta(Optimizer):
    """Steps as large as recent steps, scaled by the gradient against its recent size.

    For each parameter p with gradient dp::

        g = dp + weight_decay · p
        v = rho · v + (1 - rho) · g²
        d = sqrt(u + eps) / sqrt(v + eps) · g
        u = rho · u + (1 - rho) · d²
        p = p - lr · d

    - `params`: tensors that require gradients, or dicts with `params` and settings of their own.
    - `lr`, `eps`, `weight_decay`: at least 0, finite; `rho`: in 0 … 1. ValueError otherwise, as
      for empty or repeated params; TypeError for mixed float types.
    - `maximize`: go uphill, by -dp.

    A parameter without a gradient is left as it is. As torch.optim.Adadelta.

    Zeiler, "Adadelta: an adaptive learning rate method", 2012.

    >>> import pydp
    >>> w = pydp.tensor([3.0], requires_grad=True)
    >>> optimizer = pydp.optim.Adadelta([w], rho=0.75, eps=12.0)
    >>> pydp.sum(w * w).backward()
    >>> optimizer.step()  # g = 6, v = 9, d = sqrt(12 / 21) · 6
    >>> round(3 - w.item(), 3)
    4.536
    """

    name = "Adadelta"
    settings = SETTINGS
    states = ("square_avg", "acc_delta")
    update = staticmethod(adadelta_update)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    @classmethod
    def check(cls, name: str, value: Any) -> Any:
        if name == "rho":
            return positive(value, cls.name, name, most=1.0)
        return super().check(name, value)
