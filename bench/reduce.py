"""Sums: all of an array, along long and short rows, and over the first axis."""

from __future__ import annotations

import math
from typing import Any

from bench.case import Case, Step


def pydp_sum(x: Any, axis: int | None) -> Step:
    import pydp

    x = pydp.tensor(x)
    return lambda: pydp.sum(x, axis)


def numpy_sum(x: Any, axis: int | None) -> Step:
    return lambda: x.sum(axis)


def torch_sum(x: Any, axis: int | None) -> Step:
    import torch

    x = torch.from_numpy(x)
    return lambda: x.sum() if axis is None else x.sum(axis)


def jax_sum(x: Any, axis: int | None) -> Step:
    import jax

    x, f = jax.device_put(x), jax.jit(lambda x: x.sum(axis))
    return lambda: f(x).block_until_ready()


PEERS = {"pydp": pydp_sum, "numpy": numpy_sum, "torch": torch_sum, "jax": jax_sum}


def case(name: str, shape: tuple[int, ...], axis: int | None) -> Case:
    """The result is small: x is read, and that is all."""
    return Case(name, PEERS, (shape,), (axis,), bytes=4 * math.prod(shape), bound=1e-3)


CASES = [
    case("all of 4 10^6", (4_000_000,), None),
    case("all of 100,000", (100_000,), None),
    case("rows 512 x 10000", (512, 10_000), 1),
    case("rows 100000 x 32", (100_000, 32), 1),
    case("rows 10^6 x 3", (1_000_000, 3), 1),
    case("first axis 10^6 x 3", (1_000_000, 3), 0),
    case("first axis 4096 x 1024", (4096, 1024), 0),
    case("first axis 128 x 512", (128, 512), 0),
]
