"""The update of Adam and AdamW, in place and for all parameters at once.

Not an op: it has no result and no gradient. pydp.optim.Adam and AdamW are what users see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._op import Array

# The order of the setting array: csrc/kernels/adam.h
SETTINGS = ("lr", "beta1", "beta2", "eps", "weight_decay", "decoupled")


def adam_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, m, v for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.adam(tuple(arrays))


def adam_reference(setting: Array, step: Array, p: Array, dp: Array, m: Array, v: Array) -> None:
    """The definition, on arrays, in place."""
    lr, beta1, beta2, eps, weight_decay, decoupled = setting
    step += 1
    g = dp
    if decoupled:
        p *= 1 - lr * weight_decay
    else:
        g = dp + weight_decay * p
    m[...] = beta1 * m + (1 - beta1) * g
    v[...] = beta2 * v + (1 - beta2) * g**2
    unbiased_m = m / (1 - beta1 ** step[0])
    unbiased_v = v / (1 - beta2 ** step[0])
    p -= lr * unbiased_m / (np.sqrt(unbiased_v) + eps)
