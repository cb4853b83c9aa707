"""The update of RMSprop; see _multi_tensor.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp.ops._multi_tensor import COMMON, common_reference

# The order of the setting array: csrc/kernels/rmsprop.h
SETTINGS = (*COMMON, "alpha", "eps", "momentum")


def rmsprop_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, square, momentum (None where mu is 0), mean (None where not
    centered) for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.rmsprop(tuple(arrays))


def rmsprop_reference(
    setting: Array, step: Array, p: Array, dp: Array, square: Array, momentum: Any, mean: Any
) -> None:
    """The definition, on arrays, in place."""
    g = common_reference(setting, step, p, dp)
    alpha, eps, mu = setting[len(COMMON) :]
    square[...] = alpha * square + (1 - alpha) * g**2
    if mean is None:
        d = g / (np.sqrt(square) + eps)
    else:
        mean[...] = alpha * mean + (1 - alpha) * g
        d = g / (np.sqrt(square - mean**2) + eps)
    if momentum is not None:
        momentum[...] = d = mu * momentum + d
    p -= setting[0] * d
