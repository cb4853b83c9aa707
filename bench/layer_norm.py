"""Layer norm and RMS norm over the last axis, forward and backward: the shapes of transformers.

NumPy's forward is the formula with `out=`; it has no backward worth comparing.
"""

from __future__ import annotations

import math
from typing import Any

from bench.case import Build, Case, Step

EPS = 1e-5


def pydp_norm(x: Any, weight: Any, bias: Any, dy: Any, norm: str, direction: str) -> Step:
    import pydp

    learns = direction == "backward"
    x, weight, bias = (pydp.tensor(a, requires_grad=learns) for a in (x, weight, bias))

    def forward() -> Any:
        if norm == "rms_norm":
            return pydp.rms_norm(x, weight, EPS)
        return pydp.layer_norm(x, weight, bias, EPS)

    if not learns:
        return forward
    y, dy = forward(), pydp.tensor(dy)
    leaves = [x, weight] if norm == "rms_norm" else [x, weight, bias]

    def backward() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y.backward(dy, retain_graph=True)
        return [leaf.grad for leaf in leaves]

    return backward


def torch_norm(x: Any, weight: Any, bias: Any, dy: Any, norm: str, direction: str) -> Step:
    import torch

    learns = direction == "backward"
    x, weight, bias, dy = (torch.from_numpy(a) for a in (x, weight, bias, dy))
    leaves = [x, weight] if norm == "rms_norm" else [x, weight, bias]
    for leaf in leaves:
        leaf.requires_grad_(learns)

    def forward() -> Any:
        if norm == "rms_norm":
            return torch.nn.functional.rms_norm(x, weight.shape, weight, EPS)
        return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, EPS)

    if not learns:
        return forward
    y = forward()
    return lambda: torch.autograd.grad(y, leaves, dy, retain_graph=True)


def numpy_norm(x: Any, weight: Any, bias: Any, dy: Any, norm: str, direction: str) -> Step:
    import numpy as np

    def step() -> Any:
        y = x - (x.mean(-1, keepdims=True) if norm == "layer_norm" else 0)
        var = np.einsum("...i,...i->...", y, y)[..., None] / x.shape[-1]
        y *= 1 / np.sqrt(var + EPS)
        y *= weight
        if norm == "layer_norm":
            y += bias
        return y

    return step


def jax_norm(x: Any, weight: Any, bias: Any, dy: Any, norm: str, direction: str) -> Step:
    import jax

    def forward(x: Any, weight: Any, bias: Any) -> Any:
        mean = x.mean(-1, keepdims=True) if norm == "layer_norm" else 0
        h = (x - mean) * jax.lax.rsqrt(((x - mean) ** 2).mean(-1, keepdims=True) + EPS)
        return h * weight + (bias if norm == "layer_norm" else 0)

    def backward(x: Any, weight: Any, bias: Any, dy: Any) -> Any:
        found = jax.vjp(forward, x, weight, bias)[1](dy)
        return found if norm == "layer_norm" else found[:2]

    given = [jax.device_put(a) for a in (x, weight, bias, dy)]
    f = jax.jit(backward if direction == "backward" else lambda *a: forward(*a[:3]))
    return lambda: jax.block_until_ready(f(*given))


def case(name: str, shape: tuple[int, ...], norm: str, direction: str) -> Case:
    peers: dict[str, Build] = {
        "pydp": pydp_norm,
        "numpy": numpy_norm,
        "torch": torch_norm,
        "jax": jax_norm,
    }
    if direction == "backward":
        del peers["numpy"]
    streams = 3 if direction == "backward" else 2
    return Case(
        f"{name} {direction}",
        peers,
        shapes=(shape, shape[-1:], shape[-1:], shape),
        arguments=(norm, direction),
        bytes=4 * streams * math.prod(shape),
        reads=streams - 1,
        bound=1e-3,
    )


CASES = [
    case(name, shape, norm, direction)
    for name, shape, norm in [
        ("64 x 64", (64, 64), "layer_norm"),
        ("BERT 4 x 128 x 768", (4, 128, 768), "layer_norm"),
        ("GPT 1024 x 256", (1024, 256), "layer_norm"),
        ("4096 x 1024", (4096, 1024), "layer_norm"),
        ("128 x 1024", (128, 1024), "layer_norm"),
        ("RMS 4 x 128 x 768", (4, 128, 768), "rms_norm"),
        ("RMS 4096 x 1024", (4096, 1024), "rms_norm"),
    ]
    for direction in ("forward", "backward")
]
