"""What the suites of pools share: a shape, the steps of pydp and PyTorch, and a case of them.

A pool is a function of (library's name, x) for one shape; `backward` times its gradient alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from bench.case import Build, Case, Step
from bench.images import pydp_image, torch_image

Pool = Callable[[str, Any, "Shape"], Any]


class Shape(NamedTuple):
    """x [n, c, h, h]; k = 0: one window, the image; else windows k x k."""

    name: str
    n: int
    c: int
    h: int
    k: int
    stride: int
    padding: int = 0

    @property
    def out(self) -> int:
        return (self.h + 2 * self.padding - self.k) // self.stride + 1 if self.k else 1


def shifts(x: Any, s: Shape) -> list[Any]:
    """The k x k shifted views of a padded NumPy image: entry (i, j) of every window."""
    length = s.stride * (s.out - 1) + 1
    return [
        x[:, :, i : i + length : s.stride, j : j + length : s.stride]
        for i in range(s.k)
        for j in range(s.k)
    ]


def pydp_pool(x: Any, dy: Any, s: Shape, direction: str, pool: Pool) -> Step:
    x, dy = pydp_image(x, direction == "backward"), pydp_image(dy)
    if direction == "forward":
        return lambda: pool("pydp", x, s)
    y = pool("pydp", x, s)

    def backward() -> Any:
        x.grad = None
        y.backward(dy, retain_graph=True)
        return x.grad

    return backward


def torch_pool(
    x: Any, dy: Any, s: Shape, direction: str, pool: Pool, channels_last: bool = False
) -> Step:
    import torch

    x = torch_image(x, direction == "backward", channels_last)
    dy = torch_image(dy, False, channels_last)
    if direction == "forward":
        return lambda: pool("torch", x, s)
    y = pool("torch", x, s)
    return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)[0]


def case(s: Shape, direction: str, pool: Pool, **others: Callable[..., Step]) -> Case:
    """others: peers besides pydp and PyTorch, functions of (x, dy, s, direction). NumPy has no
    backward worth comparing."""
    peers: dict[str, Build] = {
        "pydp": partial(pydp_pool, pool=pool),
        "torch": partial(torch_pool, pool=pool),
        "torch+": partial(torch_pool, pool=pool, channels_last=True),
        **others,
    }
    if direction == "backward":
        del peers["numpy"]
    x, y = (s.n, s.c, s.h, s.h), (s.n, s.c, s.out, s.out)
    return Case(
        f"{s.name} {direction}",
        peers,
        shapes=(x, y),
        arguments=(s, direction),
        bytes=4 * s.n * s.c * (s.h**2 + s.out**2),
    )
