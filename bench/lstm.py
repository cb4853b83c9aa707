"""Stacked LSTMs, forward and backward: y, and the gradients of x and of every parameter.

NumPy walks forward only through such a network, so it is no peer here.
"""

from __future__ import annotations

from typing import Any

from bench.case import Case, Step
from bench.training import scaled


def pydp_lstm(x: Any, *rest: Any) -> Step:
    import pydp
    from pydp import nn

    *parameters, sizes, layers = rest
    model = nn.LSTM(*sizes, layers)
    names = [name for name, _ in model.named_parameters()]
    state = zip(names, scaled(parameters), strict=True)
    model.load_state_dict({name: pydp.tensor(a) for name, a in state})
    x = pydp.tensor(x, requires_grad=True)
    ones = pydp.ones((*x.shape[:2], sizes[1]))

    def step() -> Any:
        x.grad = None
        model.zero_grad()
        y = model(x)
        y.backward(ones)
        return y, x.grad, *[p.grad for p in model.parameters()]

    return step


def torch_lstm(x: Any, *rest: Any) -> Step:
    import torch

    *parameters, sizes, layers = rest
    model = torch.nn.LSTM(*sizes, layers, batch_first=True)
    with torch.no_grad():
        for p, a in zip(model.parameters(), scaled(parameters), strict=True):
            p.copy_(torch.from_numpy(a))
    x = torch.from_numpy(x).requires_grad_()
    ones = torch.ones((*x.shape[:2], sizes[1]))

    def step() -> Any:
        x.grad = None
        model.zero_grad()
        y, _ = model(x)
        y.backward(ones)
        return y, x.grad, *[p.grad for p in model.parameters()]

    return step


def case(layers: int, inputs: int, hidden: int, batch: int, steps: int) -> Case:
    parameters, products, size = [], 0, inputs
    for _ in range(layers):
        parameters += [(4 * hidden, size), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)]
        products += 2 * batch * steps * 4 * hidden * (size + hidden)
        size = hidden
    return Case(
        f"{layers} x {hidden}, batch {batch}, {steps} steps",
        {"pydp": pydp_lstm, "torch": torch_lstm},
        shapes=((batch, steps, inputs), *parameters),
        arguments=((inputs, hidden), layers),
        flops=3 * products,  # forward, weights, data
    )


CASES = [
    case(2, 256, 256, 32, 64),
    case(2, 650, 650, 20, 35),  # the large language model of Zaremba et al., 2014, is 2 x 1500
    case(1, 64, 64, 16, 100),
]
