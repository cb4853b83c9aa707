"""The update of Adam and AdamW; see _multi_tensor.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp.ops._multi_tensor import COMMON, common_reference

# The order of the setting array: csrc/kernels/adam.h
SETTINGS = (*COMMON, "beta1", "beta2", "eps")


def adam_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, m, v, top (None without AMSGrad) for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.adam(tuple(arrays))


def adam_reference(
    setting: Array, step: Array, p: Array, dp: Array, m: Array, v: Array, top: Any
) -> None:
    """The definition, on arrays, in place."""
    g = common_reference(setting, step, p, dp)
    beta1, beta2, eps = setting[len(COMMON) :]
    m[...] = beta1 * m + (1 - beta1) * g
    v[...] = beta2 * v + (1 - beta2) * g**2
    if top is not None:
        top[...] = v = np.maximum(top, v)
    unbiased_m = m / (1 - beta1 ** step[0])
    unbiased_v = v / (1 - beta2 ** step[0])
    p -= setting[0] * unbiased_m / (np.sqrt(unbiased_v) + eps)
