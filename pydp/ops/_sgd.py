"""The update of stochastic gradient descent, in place and for all parameters at once.

Not an op: it has no result and no gradient. pydp.optim.SGD is what users see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydp import _kernels
from pydp._op import Array

# The order of the setting array: csrc/kernels/sgd.h
SETTINGS = ("lr", "momentum", "dampening", "weight_decay", "nesterov")


def sgd_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, momentum (None where mu is 0) for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.sgd(tuple(arrays))


def sgd_reference(setting: Array, step: Array, p: Array, dp: Array, momentum: Any) -> None:
    """The definition, on arrays, in place."""
    lr, mu, dampening, weight_decay, nesterov = setting
    step += 1
    g = dp + weight_decay * p
    if momentum is not None:
        momentum[...] = g if step[0] == 1 else mu * momentum + (1 - dampening) * g
        g = g + mu * momentum if nesterov else momentum
    p -= lr * g
