"""Adagrad."""

from __future__ import annotations

from pydp.ops._adagrad import SETTINGS, adagrad_update
from pydp.optim._optimizer import Optimizer, ParameterGroup, Parameters


class Adagrad(Optimizer):
    """Steps scaled by all gradients so far: what has moved much moves less.

    For each parameter p with gradient dp, at its step t = 1, 2 …::

        g = dp + weight_decay · p
        s = s + g²                                    (first: initial_accumulator_value)
        p = p - lr / (1 + (t - 1) · lr_decay) · g / (sqrt(s) + eps)

    - `params`: tensors that require gradients, or dicts with `params` and settings of their own.
    - `lr`, `lr_decay`, `weight_decay`, `initial_accumulator_value`, `eps`: at least 0, finite.
      ValueError otherwise, as for empty or repeated params; TypeError for mixed float types.
    - `maximize`: go uphill, by -dp.

    A parameter without a gradient is left as it is, and its t does not count. As
    torch.optim.Adagrad.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", 2011.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = pydp.optim.Adagrad([w], lr=0.25)
    >>> pydp.sum(w * w).backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.75, 1.75])
    """

    name = "Adagrad"
    settings = SETTINGS
    states = ("sum",)
    update = staticmethod(adagrad_update)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    @classmethod
    def initial(cls, group: ParameterGroup) -> float:
        return float(group["initial_accumulator_value"])
