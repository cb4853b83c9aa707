"""Embedding and its gradient, which is a dense table: zeros but for the rows that were taken."""

from __future__ import annotations

from typing import Any

from bench.case import Case, Step


def ids_of(n: int, rows: int) -> Any:
    import numpy as np

    return np.random.default_rng(n).integers(0, rows, n)


def pydp_take(weight: Any, n: int) -> Step:
    import pydp

    ids, weight = pydp.tensor(ids_of(n, len(weight))), pydp.tensor(weight)
    return lambda: pydp.embedding(ids, weight)


def numpy_take(weight: Any, n: int) -> Step:
    ids = ids_of(n, len(weight))
    return lambda: weight[ids]


def torch_take(weight: Any, n: int) -> Step:
    import torch

    ids, weight = torch.from_numpy(ids_of(n, len(weight))), torch.from_numpy(weight)
    return lambda: torch.nn.functional.embedding(ids, weight)


def pydp_gradient(dy: Any, rows: int) -> Step:
    import pydp

    ids, dy = pydp.tensor(ids_of(len(dy), rows)), pydp.tensor(dy)
    weight = pydp.zeros((rows, dy.shape[1])).requires_grad_()

    def step() -> Any:
        weight.grad = None
        pydp.embedding(ids, weight).backward(dy)
        return weight.grad

    return step


def torch_gradient(dy: Any, rows: int) -> Step:
    import torch

    ids, dy = torch.from_numpy(ids_of(len(dy), rows)), torch.from_numpy(dy)
    weight = torch.zeros((rows, dy.shape[1])).requires_grad_()

    def step() -> Any:
        weight.grad = None
        torch.nn.functional.embedding(ids, weight).backward(dy)
        return weight.grad

    return step


TAKE = {"pydp": pydp_take, "numpy": numpy_take, "torch": torch_take}
GRADIENT = {"pydp": pydp_gradient, "torch": torch_gradient}


def take(rows: int, width: int, n: int) -> Case:
    return Case(f"{rows} x {width}, {n} ids", TAKE, ((rows, width),), (n,), bytes=8.0 * n * width)


def gradient(rows: int, width: int, n: int) -> Case:
    """The gradient's memory is written once; dy is taken twice and made once by the forward."""
    moved = rows * width + 3.0 * n * width
    return Case(
        f"gradient {rows} x {width}, {n} ids", GRADIENT, ((n, width),), (rows,), bytes=4 * moved
    )


CASES = [
    take(50_257, 768, 1024),
    take(10_000, 256, 2048),
    gradient(50_257, 768, 1024),
    gradient(10_000, 256, 2048),
]
