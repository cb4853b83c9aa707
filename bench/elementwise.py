"""Elementwise ops: what a call costs (8 numbers), and what a pass over a million numbers costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.case import Case, Step

MILLION = 1_000_000


def pydp_add(a: Any, b: Any, gradient: bool) -> Step:
    """With a gradient the node is recorded; backward is not called."""
    import pydp

    a, b = pydp.tensor(a, requires_grad=gradient), pydp.tensor(b, requires_grad=gradient)
    return lambda: a + b


def numpy_add(a: Any, b: Any, gradient: bool) -> Step:
    return lambda: a + b


def torch_add(a: Any, b: Any, gradient: bool) -> Step:
    import torch

    a = torch.from_numpy(a).requires_grad_(gradient)
    b = torch.from_numpy(b).requires_grad_(gradient)
    return lambda: a + b


def pydp_round(a: Any, b: Any) -> Step:
    """A scalar function forward and backward: the whole cost of the graph."""
    import pydp

    a, b = pydp.tensor(a, requires_grad=True), pydp.tensor(b)

    def step() -> Any:
        a.grad = None
        pydp.sum(a * b + b).backward()
        return a.grad

    return step


def torch_round(a: Any, b: Any) -> Step:
    import torch

    a, b = torch.from_numpy(a).requires_grad_(), torch.from_numpy(b)

    def step() -> Any:
        a.grad = None
        total: Any = torch.sum(a * b + b)
        total.backward()
        return a.grad

    return step


def unary(pydp_name: str, torch_name: str, numpy_call: Callable[[Any], Any] | None) -> Case:
    """A function of a million numbers."""

    def ours(x: Any) -> Step:
        import pydp

        f, x = getattr(pydp, pydp_name), pydp.tensor(x)
        return lambda: f(x)

    def theirs(x: Any) -> Step:
        import torch

        f = getattr(torch.nn.functional, torch_name, None) or getattr(torch, torch_name)
        x = torch.from_numpy(x)
        return lambda: f(x)

    def numpys(x: Any) -> Step:
        assert numpy_call is not None
        return lambda: numpy_call(x)

    peers = {"pydp": ours, "numpy": numpys, "torch": theirs}
    if numpy_call is None:  # NumPy has no erf
        del peers["numpy"]
    return Case(f"{pydp_name} 10^6", peers, shapes=((MILLION,),), bytes=8 * MILLION)


def numpy_relu(x: Any) -> Any:
    import numpy as np

    return np.maximum(x, 0)


def numpy_exp(x: Any) -> Any:
    import numpy as np

    return np.exp(x)


def numpy_tanh(x: Any) -> Any:
    import numpy as np

    return np.tanh(x)


ADD = {"pydp": pydp_add, "numpy": numpy_add, "torch": torch_add}
ROUND = {"pydp": pydp_round, "torch": torch_round}
RECORDED = {"pydp": pydp_add, "torch": torch_add}

CASES = [
    Case("a + b, 8 numbers", ADD, ((8,), (8,)), (False,)),
    Case("a + b, 8 numbers, recorded", RECORDED, ((8,), (8,)), (True,)),
    Case("sum(a b + b), 8, and gradient", ROUND, ((8,), (8,))),
    Case("add 10^6", ADD, ((MILLION,), (MILLION,)), (False,), bytes=12 * MILLION, reads=2),
    Case("add one number 10^6", ADD, ((MILLION,), (1,)), (False,), bytes=8 * MILLION),
    unary("relu", "relu", numpy_relu),
    unary("exp", "exp", numpy_exp),
    unary("tanh", "tanh", numpy_tanh),
    unary("gelu", "gelu", None),
]
