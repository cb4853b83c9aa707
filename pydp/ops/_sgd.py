"""The update of stochastic gradient descent; see _multi_tensor.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydp import _kernels
from pydp._arrays import Array
from pydp.ops._multi_tensor import COMMON, common_reference

# The order of the setting array: csrc/kernels/sgd.h
SETTINGS = (*COMMON, "momentum", "dampening", "nesterov")


def sgd_update(arrays: Sequence[Any]) -> None:
    """setting, step, p, dp, momentum (None where mu is 0) for each parameter.

    `setting` is a float64 array in the order of SETTINGS, `step` a float64 array of one element;
    the others are dense, of one float dtype, and have p's layout.
    """
    _kernels.sgd(tuple(arrays))


def sgd_reference(setting: Array, step: Array, p: Array, dp: Array, momentum: Any) -> None:
    """The definition, on arrays, in place."""
    g = common_reference(setting, step, p, dp)
    mu, dampening, nesterov = setting[len(COMMON) :]
    if momentum is not None:
        momentum[...] = g if step[0] == 1 else mu * momentum + (1 - dampening) * g
        g = g + mu * momentum if nesterov else momentum
    p -= setting[0] * g
