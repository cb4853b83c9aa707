"""The update of Adadelta; see _multi_tensor.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp.ops._multi_tensor import COMMON, common_reference

# The order of the setting array: csrc/kernels/adadelta.h
SETTINGS = (*COMMON, "rho", "eps")


def adadelta_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, square, delta for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.adadelta(tuple(arrays))


def adadelta_reference(
    setting: Array, step: Array, p: Array, dp: Array, square: Array, delta: Array
) -> None:
    """The definition, on arrays, in place."""
    g = common_reference(setting, step, p, dp)
    rho, eps = setting[len(COMMON) :]
    square[...] = rho * square + (1 - rho) * g**2
    d = np.sqrt(delta + eps) / np.sqrt(square + eps) * g
    delta[...] = rho * delta + (1 - rho) * d**2
    p -= setting[0] * d
