"""The update of Adamax; see _multi_tensor.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp.ops._multi_tensor import COMMON, common_reference

# The order of the setting array: csrc/kernels/adamax.h
SETTINGS = (*COMMON, "beta1", "beta2", "eps")


def adamax_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, m, top for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.adamax(tuple(arrays))


def adamax_reference(setting: Array, step: Array, p: Array, dp: Array, m: Array, top: Any) -> None:
    """The definition, on arrays, in place."""
    g = common_reference(setting, step, p, dp)
    beta1, beta2, eps = setting[len(COMMON) :]
    m[...] = beta1 * m + (1 - beta1) * g
    top[...] = np.maximum(beta2 * top, np.abs(g) + eps)
    p -= setting[0] / (1 - beta1 ** step[0]) * m / top
