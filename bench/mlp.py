"""Multilayer perceptrons, a whole training step with Adam: one of use, and a toy of 2-6-2-2 that
shows what a step costs when there is hardly anything to compute.

torch+ has the fused optimizer. The toy is trained on 8 points.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from bench.case import Case, Step
from bench.training import STEPS, pydp_step, torch_step


def pydp_mlp(x: Any, *rest: Any) -> Step:
    from pydp import nn, optim

    *parameters, sizes = rest
    hidden = [nn.FeedForward(i, o) for i, o in pairwise(sizes[:-1])]
    model = nn.Sequential(*hidden, nn.Linear(*sizes[-2:]))
    return pydp_step(model, partial(optim.Adam, lr=1e-3), x, sizes[-1], parameters)


def torch_mlp(x: Any, *rest: Any, fused: bool = False) -> Step:
    import torch
    from torch import nn

    *parameters, sizes = rest
    hidden = [box for i, o in pairwise(sizes[:-1]) for box in (nn.Linear(i, o), nn.ReLU())]
    model = nn.Sequential(*hidden, nn.Linear(*sizes[-2:]))
    optimizer = partial(torch.optim.Adam, lr=1e-3, fused=fused)
    return torch_step(model, optimizer, x, sizes[-1], parameters)


def case(batch: int, sizes: tuple[int, ...]) -> Case:
    parameters = [shape for i, o in pairwise(sizes) for shape in ((o, i), (o,))]
    products = [2 * batch * i * o for i, o in pairwise(sizes)]
    return Case(
        f"{'-'.join(map(str, sizes))}, batch {batch}",
        {"pydp": pydp_mlp, "torch": torch_mlp, "torch+": partial(torch_mlp, fused=True)},
        shapes=((batch, sizes[0]), *parameters),
        arguments=(sizes,),
        # forward, weights, data; the first layer's data need no gradient
        flops=3 * sum(products) - products[0],
        calls=STEPS,
    )


CASES = [case(128, (784, 512, 512, 10)), case(8, (2, 6, 2, 2))]
