"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from pydp.ops._sgd import SETTINGS, sgd_update
from pydp.optim._optimizer import Optimizer, ParameterGroup, Parameters


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    For each parameter p with gradient dp::

        g = dp + weight_decay · p
        v = momentum · v + (1 - dampening) · g        (the first step: v = g)
        p = p - lr · v,  or with nesterov  p - lr · (g + momentum · v)

    - `params`: tensors that require gradients, or dicts with `params` and settings of their own.
    - `lr`, `momentum`, `dampening`, `weight_decay`: at least 0, finite. ValueError otherwise, as
      for empty or repeated params; TypeError for parameters of mixed float types.
    - `nesterov`: needs a momentum, and no dampening.
    - `maximize`: go uphill, by -dp.

    A parameter without a gradient is left as it is. As torch.optim.SGD.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = pydp.optim.SGD([w], lr=0.5)
    >>> pydp.sum(w * w).backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0., 0.])
    """

    name = "SGD"
    settings = SETTINGS
    switches = ("maximize", "nesterov")
    states = ("momentum_buffer",)
    update = staticmethod(sgd_update)

    def __init__(
        self,
        params: Parameters,
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def add_param_group(self, members: dict[str, Any]) -> None:
        super().add_param_group(members)
        group = self.param_groups[-1]
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            self.param_groups.pop()
            raise ValueError("SGD: nesterov needs a momentum above 0 and a dampening of 0")

    @classmethod
    def uses(cls, state: str, group: ParameterGroup) -> bool:
        return bool(group["momentum"])
