"""The update of Adagrad; see _multi_tensor.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp.ops._multi_tensor import COMMON, common_reference

# The order of the setting array: csrc/kernels/adagrad.h
SETTINGS = (*COMMON, "lr_decay", "eps")


def adagrad_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, sum for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.adagrad(tuple(arrays))


def adagrad_reference(setting: Array, step: Array, p: Array, dp: Array, total: Array) -> None:
    """The definition, on arrays, in place."""
    g = common_reference(setting, step, p, dp)
    lr_decay, eps = setting[len(COMMON) :]
    total += g**2
    p -= setting[0] / (1 + (step[0] - 1) * lr_decay) * g / (np.sqrt(total) + eps)
