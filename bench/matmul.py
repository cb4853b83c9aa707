"""Matrix products: square, with few rows, and with one factor transposed (a view, no copy)."""

from __future__ import annotations

from typing import Any

from bench.case import Case, Step


def pydp_matmul(a: Any, b: Any, turn: str = "") -> Step:
    import pydp

    a, b = pydp.tensor(a), pydp.tensor(b)
    a = pydp.matrix_transpose(a) if turn == "a" else a
    b = pydp.matrix_transpose(b) if turn == "b" else b
    return lambda: pydp.matmul(a, b)


def numpy_matmul(a: Any, b: Any, turn: str = "") -> Step:
    import numpy as np

    a = a.T if turn == "a" else a
    b = b.T if turn == "b" else b
    return lambda: np.matmul(a, b)


def torch_matmul(a: Any, b: Any, turn: str = "") -> Step:
    import torch

    a, b = torch.from_numpy(a), torch.from_numpy(b)
    a = a.T if turn == "a" else a
    b = b.T if turn == "b" else b
    return lambda: torch.matmul(a, b)


def jax_matmul(a: Any, b: Any, turn: str = "") -> Step:
    import jax

    def product(a: Any, b: Any) -> Any:
        return (a.T if turn == "a" else a) @ (b.T if turn == "b" else b)

    a, b, product = jax.device_put(a), jax.device_put(b), jax.jit(product)
    return lambda: product(a, b).block_until_ready()


def case(m: int, k: int, n: int, name: str, turn: str = "") -> Case:
    a, b = ((k, m) if turn == "a" else (m, k)), ((n, k) if turn == "b" else (k, n))
    return Case(
        name,
        {"pydp": pydp_matmul, "numpy": numpy_matmul, "torch": torch_matmul, "jax": jax_matmul},
        shapes=(a, b),
        arguments=(turn,),
        flops=2 * m * k * n,
        bytes=4 * (m * k + k * n + m * n),
    )


SQUARE = (16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096)
FEW = (1, 4, 16, 32)  # rows: a network that serves, and small batches
WIDE = (512, 1024, 2048, 4096)
# What layers multiply: rows, inputs, outputs.
LAYERS = (
    (512, 256, 256),  # attention's projections
    (512, 256, 1024),  # a feed-forward layer, there and back
    (512, 1024, 256),
    (1024, 768, 768),
    (512, 768, 3072),
    (1024, 256, 4096),  # logits of a vocabulary
    (2048, 256, 10000),
    (128, 784, 512),  # an MLP on MNIST
    (16, 9216, 4096),  # AlexNet's first dense layer
    (1, 9216, 4096),
)
TURNS = {"": "", ", A^T B": "a", ", A B^T": "b"}  # a layer is A B^T, its gradients the others

CASES = [
    *(case(n, n, n, f"{n} x {n} x {n}") for n in SQUARE),
    *(
        case(n, n, n, f"{n} x {n} x {n}{name}", turn)
        for n in (64, 128, 256, 1024)
        for name, turn in TURNS.items()
        if turn
    ),
    *(
        case(m, n, n, f"{m} x {n} x {n}{name}", turn)
        for n in WIDE
        for m in FEW
        for name, turn in TURNS.items()
    ),
    *(case(n, m, n, f"{n} x {m} x {n}, A^T B", "a") for n in (512, 2048) for m in FEW[1:]),
    *(
        one
        for rows, i, o in LAYERS
        for one in (
            case(rows, i, o, f"layer, {rows} rows: {i} to {o}", "b"),
            case(rows, o, i, f"layer, {rows} rows: {i} to {o}, dx"),
            case(o, rows, i, f"layer, {rows} rows: {i} to {o}, dw", "a"),
        )
    ),
]
