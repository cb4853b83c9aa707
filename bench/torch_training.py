"""PyTorch's side of training.py.

torch     eager, as people write it
torch+    eager, fused or foreach optimizer, images and their filters in channels-last
compile   model and loss through torch.compile, fused or foreach optimizer, images in C order (which
          was faster here); for inference, weights frozen
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.case import Step
from bench.training import Data, Optimizer, scaled


def prepared(build: Callable[[], Any], data: Data, parameters: Any, channels_last: bool) -> Any:
    """The model with the scaled parameters, x, and target."""
    import torch

    model = build()
    with torch.no_grad():
        for p, a in zip(model.parameters(), scaled(parameters), strict=True):
            p.copy_(torch.from_numpy(a))
    x, target = map(torch.from_numpy, data())
    if channels_last and x.ndim == 4:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    return model, x, target


def compile(function: Any, **options: Any) -> Any:
    """By this process alone: a pool of compilers would not be stopped with it."""
    import torch

    torch._dynamo.reset()  # the models before count towards its limit, behind which all is eager
    return torch.compile(function, options={"compile_threads": 1, **options})


def torch_training(
    build: Callable[[], Any],
    data: Data,
    optimizer: Optimizer,
    loss: str,
    *parameters: Any,
    best: bool = False,
    compiled: bool = False,
) -> Step:
    import torch
    from torch.nn import functional

    model, x, target = prepared(build, data, parameters, best and not compiled)
    name, settings = optimizer
    quick = {} if not best else {"foreach": True} if name == "Adadelta" else {"fused": True}
    learner = getattr(torch.optim, name)(model.parameters(), **settings, **quick)

    def objective() -> Any:
        y = model(x)
        if loss == "mse":
            return functional.mse_loss(y, target)
        return functional.cross_entropy(y.flatten(0, -2), target.flatten())

    if compiled:
        objective = compile(objective)

    def step() -> Any:
        learner.zero_grad()
        loss = objective()
        loss.backward()
        learner.step()
        return loss

    return step


def torch_inference(
    build: Callable[[], Any],
    data: Data,
    *parameters: Any,
    best: bool = False,
    compiled: bool = False,
) -> Step:
    import torch

    model, x, _ = prepared(build, data, parameters, best and not compiled)
    model.eval()
    if compiled:
        model = compile(model, freezing=True)

    def step() -> Any:
        with torch.inference_mode():
            return model(x)

    return step
