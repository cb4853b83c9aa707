"""Adam, and AdamW with its decoupled weight decay."""

from __future__ import annotations

from typing import Any

from pydp.ops._adam import SETTINGS, adam_update
from pydp.optim._optimizer import Optimizer, ParameterGroup, Parameters, positive


class WithBetas(Optimizer):
    """An optimizer with two rates of decay, which stand in one setting."""

    @classmethod
    def check(cls, name: str, value: Any) -> Any:
        if name != "betas":
            return super().check(name, value)
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ValueError(f"{cls.name}: betas must be two numbers, got {value!r}")
        return tuple([positive(beta, cls.name, "betas", below=1.0) for beta in value])

    @classmethod
    def places(cls, name: str, value: Any) -> list[tuple[int, float]]:
        if name == "betas":
            first = cls.settings.index("beta1")
            return [(first, value[0]), (first + 1, value[1])]
        return super().places(name, value)


class Adam(WithBetas):
    """Steps scaled by running averages of the gradient and of its square.

    For each parameter p with gradient dp, at its step t = 1, 2 …::

        g = dp + weight_decay · p
        m = beta1 · m + (1 - beta1) · g
        v = beta2 · v + (1 - beta2) · g²
        p = p - lr · m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    - `params`: tensors that require gradients, or dicts with `params` and settings of their own.
    - `lr`, `eps`, `weight_decay`: at least 0, finite; `betas`: two numbers at least 0, below 1.
      ValueError otherwise, as for empty or repeated params; TypeError for mixed float types.
    - `amsgrad`: in the last line, the largest v so far stands for v.
    - `maximize`: go uphill, by -dp.

    A parameter without a gradient is left as it is, and its t does not count. As torch.optim.Adam.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015. Reddi, Kale and Kumar, "On
    the convergence of Adam and beyond", 2018 (amsgrad).

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = pydp.optim.Adam([w], lr=0.25)
    >>> pydp.sum(w * w).backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.75, 1.75])
    """

    name = "Adam"
    settings = SETTINGS
    switches = ("maximize", "amsgrad")
    states = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    update = staticmethod(adam_update)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
        )

    @classmethod
    def uses(cls, state: str, group: ParameterGroup) -> bool:
        return state != "max_exp_avg_sq" or bool(group["amsgrad"])


class AdamW(Adam):
    """Adam whose weight decay does not pass through the averages: p = p - lr · weight_decay · p
    before each step, and g = dp.

    Arguments as `Adam`, with a `weight_decay` of 0.01 by default. As torch.optim.AdamW.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> pydp.optim.AdamW([w], lr=0.5).lr
    0.5
    """

    name = "AdamW"
    decoupled = True

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
