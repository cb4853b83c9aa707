"""RMSprop."""

from __future__ import annotations

from typing import Any

from pydp.ops._rmsprop import SETTINGS, rmsprop_update
from pydp.optim._optimizer import Optimizer, ParameterGroup, Parameters, positive


class RMSprop(Optimizer):
    """Steps scaled by a running average of the gradient's square.

    For each parameter p with gradient dp::

        g = dp + weight_decay · p
        v = alpha · v + (1 - alpha) · g²
        d = g / (sqrt(v) + eps)
        p = p - lr · d

    - `params`: tensors that require gradients, or dicts with `params` and settings of their own.
    - `lr`, `eps`, `weight_decay`, `momentum`: at least 0, finite; `alpha`: in 0 … 1. ValueError
      otherwise, as for empty or repeated params; TypeError for mixed float types.
    - `momentum`: p = p - lr · b instead, with b = momentum · b + d.
    - `centered`: v less the square of m, m = alpha · m + (1 - alpha) · g, stands for v under the
      root: the variance of the gradient.
    - `maximize`: go uphill, by -dp.

    A parameter without a gradient is left as it is. As torch.optim.RMSprop.

    Tieleman and Hinton, "Lecture 6.5", Neural networks for machine learning, 2012.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = pydp.optim.RMSprop([w], lr=0.125, alpha=0.75)
    >>> pydp.sum(w * w).backward()
    >>> optimizer.step()  # v = 0.25 g², so d = 2
    >>> w.detach()
    tensor([0.75, 1.75])
    """

    name = "RMSprop"
    settings = SETTINGS
    switches = ("maximize", "centered")
    states = ("square_avg", "momentum_buffer", "grad_avg")
    update = staticmethod(rmsprop_update)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    @classmethod
    def check(cls, name: str, value: Any) -> Any:
        if name == "alpha":
            return positive(value, cls.name, name, most=1.0)
        return super().check(name, value)

    @classmethod
    def uses(cls, state: str, group: ParameterGroup) -> bool:
        wanted = {"momentum_buffer": group["momentum"], "grad_avg": group["centered"]}
        return bool(wanted.get(state, True))
