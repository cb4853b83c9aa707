"""What the updates of all optimizers share: one kernel call for all parameters, in place.

They are no ops: they have no result and no gradient. pydp.optim is what users see.
"""

from __future__ import annotations

from pydp._arrays import Array

# The settings that every array of settings begins with: csrc/kernels/multi_tensor.h
COMMON = ("lr", "weight_decay", "decoupled", "maximize")


def common_reference(setting: Array, step: Array, p: Array, dp: Array) -> Array:
    """What every step begins with, by definition: the gradient that the rule is given."""
    lr, weight_decay, decoupled, maximize = setting[: len(COMMON)]
    step += 1
    g: Array = -dp if maximize else dp
    if decoupled:
        p *= 1 - lr * weight_decay
    else:
        g = g + weight_decay * p
    return g
