"""Elementwise functions. Domains stay off poles and edges, where a derivative is infinite.

They differ at: the origin for hypot (our gradient is 0, PyTorch's NaN); pow's second derivative by
a and b at b = 0 (ours is 1 / a, PyTorch's 0); second derivatives of atan2 at the origin and of
copysign at 0 (ours 0, PyTorch's NaN).
"""

import torch

import pydp
from peers.row import Draw, Drawn, Row, kinked, one, tied, two

functional = torch.nn.functional


def clipped(d: Draw) -> Drawn:
    """Bounds as numbers, as arrays, or none; clip's broadcast to x."""
    shape = d.shape()
    x = d.whole(shape, -3, 3) if d.flag() else d.real(shape, -3, 3)
    if d.flag():
        low, high = d.choice((-1.0, 1.0), (None, 1.0), (-1.0, None), (0.5, 2.5))
        return [x], {"min": low, "max": high}
    return [x, d.real(d.broadcast(shape), -2, 0), d.real(d.broadcast(shape), 0, 2)], {}


def chosen(d: Draw) -> Drawn:
    (a, b), _ = two()(d)
    shape = torch.broadcast_shapes(a.shape, b.shape)
    return [d.mask(d.broadcast(tuple(shape))), a, b], {}


# fmt: off
ROWS = [
    Row("abs", kinked, pydp.abs, torch.abs, "sign"),
    Row("acos", one(-0.95, 0.95), pydp.acos, torch.acos),
    Row("acosh", one(1.05, 4), pydp.acosh, torch.acosh),
    Row("asin", one(-0.95, 0.95), pydp.asin, torch.asin),
    Row("asinh", one(), pydp.asinh, torch.asinh),
    Row("astype", one(), lambda x: pydp.astype(x, "float32"), lambda x: x.to(torch.float32)),
    Row("atan", one(), pydp.atan, torch.atan),
    Row("atanh", one(-0.95, 0.95), pydp.atanh, torch.atanh),
    Row("ceil", one(), pydp.ceil, torch.ceil),
    Row("copy", one(), pydp.copy, torch.clone),
    Row("cos", one(), pydp.cos, torch.cos),
    Row("cosh", one(), pydp.cosh, torch.cosh),
    Row("erf", one(), pydp.erf, torch.erf),
    Row("exp", one(), pydp.exp, torch.exp),
    Row("expm1", one(), pydp.expm1, torch.expm1),
    Row("floor", one(), pydp.floor, torch.floor),
    Row("gelu", one(-6, 6), pydp.gelu, functional.gelu, "gelu_backward"),
    Row("gelu", one(-6, 6), lambda x: pydp.gelu(x, approximate="tanh"),
        lambda x: functional.gelu(x, approximate="tanh"), "gelu_tanh gelu_tanh_backward"),
    Row("log", one(0.1, 4), pydp.log, torch.log),
    Row("log10", one(0.1, 4), pydp.log10, torch.log10),
    Row("log1p", one(-0.9, 4), pydp.log1p, torch.log1p),
    Row("log2", one(0.1, 4), pydp.log2, torch.log2),
    Row("negative", one(), pydp.negative, torch.neg),
    Row("positive", one(), pydp.positive, torch.positive),
    Row("reciprocal", one(0.2, 3), pydp.reciprocal, torch.reciprocal),
    Row("relu", kinked, pydp.relu, torch.relu, "relu_backward"),
    Row("round", kinked, pydp.round, torch.round),
    Row("sigmoid", one(-9, 9), pydp.sigmoid, torch.sigmoid, "sigmoid_backward"),
    Row("sign", kinked, pydp.sign, torch.sign),
    Row("silu", one(-9, 9), pydp.silu, functional.silu, "silu_backward"),
    Row("sin", one(), pydp.sin, torch.sin),
    Row("sinh", one(), pydp.sinh, torch.sinh),
    Row("softplus", one(-9, 9), pydp.softplus, functional.softplus, "softplus_backward"),
    Row("sqrt", one(0.1, 4), pydp.sqrt, torch.sqrt),
    Row("square", one(), pydp.square, torch.square),
    Row("tan", one(-1.4, 1.4), pydp.tan, torch.tan),
    Row("tanh", one(-9, 9), pydp.tanh, torch.tanh, "tanh_backward"),
    Row("trunc", one(), pydp.trunc, torch.trunc),

    Row("add", two(), pydp.add, torch.add),
    Row("atan2", two(), pydp.atan2, torch.atan2, "one_for_zero"),
    Row("clip", clipped, pydp.clip, torch.clamp, "at_least at_most not_below"),
    Row("copysign", two(), pydp.copysign, torch.copysign),
    Row("divide", two(0.3, 3), pydp.divide, torch.divide),
    Row("hypot", two(0.1, 3), pydp.hypot, torch.hypot),
    Row("logaddexp", tied, pydp.logaddexp, torch.logaddexp, "logaddexp_share"),
    Row("maximum", tied, pydp.maximum, torch.maximum, "maximum_share"),
    Row("minimum", tied, pydp.minimum, torch.minimum),
    Row("multiply", two(), pydp.multiply, torch.multiply),
    Row("pow", two(0.2, 3), pydp.pow, torch.pow, "power power_slope"),
    Row("remainder", two(0.3, 3), pydp.remainder, torch.remainder),
    Row("subtract", two(), pydp.subtract, torch.subtract),
    Row("where", chosen, pydp.where, torch.where),
]
# fmt: on
