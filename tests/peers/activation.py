"""Activations that are made of few pieces; the smooth ones are among the elementwise functions."""

import torch

import pydp
from peers.row import Draw, Drawn, Row, along, kinked, one

functional = torch.nn.functional


def gated(d: Draw) -> Drawn:
    """An axis of an even length."""
    shape = list(d.shape(low=1))
    axis = d.axis(len(shape))
    shape[axis] = 2 * d.integer(1, 3)
    return [d.real(tuple(shape))], {"axis": axis}


def sloped(d: Draw) -> Drawn:
    """One slope for all, or one for each channel."""
    return slopes(d, *one()(d)[0])


def sloped_at_zero(d: Draw) -> Drawn:
    return slopes(d, *kinked(d)[0])


def slopes(d: Draw, x) -> Drawn:
    channels = x.shape[1] if x.ndim > 1 and x.shape[1] else 1
    return [x, d.real((d.choice(1, channels),))], {}


def their_prelu(x, weight):
    """By the formula: at 0 their second derivative is not that of their first, weight · dy."""
    slope = weight.reshape((-1, *(1,) * (x.ndim - 2)) if x.ndim > 1 else ())
    return torch.where(x > 0, x, slope * x)


# fmt: off
ROWS = [
    Row("celu", one(-5, 5), pydp.celu, functional.celu),
    Row("elu", one(-5, 5), pydp.elu, functional.elu, "elu_backward"),
    Row("hardshrink", one(-5, 5), pydp.hardshrink, functional.hardshrink, "hardshrink_backward"),
    Row("hardsigmoid", one(-5, 5), pydp.hardsigmoid,  # theirs has no second derivative
        lambda x: torch.clamp(x / 6 + 0.5, 0, 1), "hardsigmoid_backward"),
    Row("hardswish", one(-5, 5), pydp.hardswish, functional.hardswish, "hardswish_backward"),
    Row("hardtanh", one(-5, 5), pydp.hardtanh, functional.hardtanh, "hardtanh_backward"),
    Row("leaky_relu", one(-5, 5), pydp.leaky_relu, functional.leaky_relu, "leaky_relu_backward"),
    Row("mish", one(-5, 5), pydp.mish, functional.mish, "mish_backward"),
    Row("relu6", one(-5, 5), pydp.relu6, functional.relu6),
    Row("selu", one(-5, 5), pydp.selu, functional.selu),
    Row("softshrink", one(-5, 5), pydp.softshrink, functional.softshrink, "softshrink_backward"),
    Row("softsign", one(-5, 5), pydp.softsign, functional.softsign),
    Row("tanhshrink", one(-5, 5), pydp.tanhshrink, functional.tanhshrink),
    Row("logsigmoid", one(-5, 5), pydp.logsigmoid, functional.logsigmoid, "logsigmoid_backward"),
    Row("threshold", one(-5, 5), lambda x: pydp.threshold(x, 0.5, -1.0),
        lambda x: functional.threshold(x, 0.5, -1.0), "threshold_backward"),
    Row("glu", gated, pydp.glu, lambda x, axis: functional.glu(x, axis)),
    Row("softmin", along(), pydp.softmin, lambda x, axis: functional.softmin(x, dim=axis)),
    Row("prelu", sloped, pydp.prelu, functional.prelu, "prelu_slope prelu_backward_slope"),
    Row("prelu", sloped_at_zero, pydp.prelu, their_prelu),
]
# fmt: on
