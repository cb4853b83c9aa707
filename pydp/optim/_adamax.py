"""Adamax: Adam with the largest gradient in place of the average square."""

from __future__ import annotations

from pydp.ops._adamax import SETTINGS, adamax_update
from pydp.optim._adam import WithBetas
from pydp.optim._optimizer import Parameters


class Adamax(WithBetas):
    """Steps scaled by a running average of the gradient and by its largest size of late.

    For each parameter p with gradient dp, at its step t = 1, 2 …::

        g = dp + weight_decay · p
        m = beta1 · m + (1 - beta1) · g
        u = max(beta2 · u, |g| + eps)
        p = p - lr / (1 - beta1^t) · m / u

    Arguments as `Adam`, without amsgrad. As torch.optim.Adamax.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, section 7.1.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = pydp.optim.Adamax([w], lr=0.25)
    >>> pydp.sum(w * w).backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.75, 1.75])
    """

    name = "Adamax"
    settings = SETTINGS
    states = ("exp_avg", "exp_inf")
    update = staticmethod(adamax_update)

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize
        )
