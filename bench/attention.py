"""Scaled dot-product attention: forward, and forward with backward. NumPy keeps the weights and
works in place on them."""

from __future__ import annotations

import math
from typing import Any

from bench.case import Case, Step


def pydp_attention(q: Any, k: Any, v: Any, dy: Any, causal: bool, backward: bool) -> Step:
    import pydp

    q, k, v = [pydp.tensor(x, requires_grad=backward) for x in (q, k, v)]
    dy = pydp.tensor(dy)

    def step() -> Any:
        y = pydp.scaled_dot_product_attention(q, k, v, causal=causal)
        if not backward:
            return y
        q.grad = k.grad = v.grad = None
        y.backward(dy)
        return y, q.grad, k.grad, v.grad

    return step


def torch_attention(q: Any, k: Any, v: Any, dy: Any, causal: bool, backward: bool) -> Step:
    import torch

    q, k, v = [torch.from_numpy(x).requires_grad_(backward) for x in (q, k, v)]
    dy = torch.from_numpy(dy)

    def step() -> Any:
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        if not backward:
            return y
        q.grad = k.grad = v.grad = None
        y.backward(dy)
        return y, q.grad, k.grad, v.grad

    return step


def numpy_attention(q: Any, k: Any, v: Any, dy: Any, causal: bool, backward: bool) -> Step:
    import numpy as np

    scale = np.float32(1 / math.sqrt(q.shape[-1]))
    hidden = np.triu(np.full(q.shape[-2:-1] * 2, -np.inf, np.float32), 1)

    def step() -> Any:
        w = (q * scale) @ k.swapaxes(-1, -2)
        if causal:
            w += hidden
        w -= w.max(-1, keepdims=True)
        np.exp(w, out=w)
        w /= w.sum(-1, keepdims=True)
        y = w @ v
        if not backward:
            return y
        dv = w.swapaxes(-1, -2) @ dy
        ds = dy @ v.swapaxes(-1, -2)
        ds -= (y * dy).sum(-1, keepdims=True)
        ds *= w
        ds *= scale
        return y, ds @ k, ds.swapaxes(-1, -2) @ q, dv

    return step


def jax_attention(q: Any, k: Any, v: Any, dy: Any, causal: bool, backward: bool) -> Step:
    import jax

    q, k, v, dy = map(jax.numpy.asarray, (q, k, v, dy))

    def forward(q: Any, k: Any, v: Any) -> Any:
        """JAX's function wants the heads behind the steps."""
        turned = [x.swapaxes(1, 2) for x in (q, k, v)]
        return jax.nn.dot_product_attention(*turned, is_causal=causal).swapaxes(1, 2)

    @jax.jit
    def run(q: Any, k: Any, v: Any, dy: Any) -> Any:
        if not backward:
            return forward(q, k, v)
        y, back = jax.vjp(forward, q, k, v)
        return y, *back(dy)

    return lambda: jax.block_until_ready(run(q, k, v, dy))


def case(b: int, h: int, t: int, d: int, causal: bool, backward: bool) -> Case:
    """Two products forward and five more backward, of half the pairs if causal."""
    name = f"{b} x {h} x {t} x {d}{', causal' * causal}{', grad' * backward}"
    pairs = b * h * t * t / (2 if causal else 1)
    return Case(
        name,
        {
            "pydp": pydp_attention,
            "numpy": numpy_attention,
            "torch": torch_attention,
            "jax": jax_attention,
        },
        shapes=((b, h, t, d),) * 4,
        arguments=(causal, backward),
        flops=(14 if backward else 4) * pairs * d,
    )


CASES = [
    case(*shape, causal, backward)
    for shape in ((2, 8, 1024, 64), (4, 12, 128, 64))
    for causal in (False, True)
    for backward in (False, True)
]
