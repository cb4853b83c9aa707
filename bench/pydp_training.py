"""Our side of training.py: loops as pydp's users write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.case import Step
from bench.training import Data, Optimizer, scaled


def loaded(model: Any, parameters: Any) -> Any:
    """The model with the scaled parameters."""
    import pydp

    names = [name for name, _ in model.named_parameters()]
    state = zip(names, scaled(parameters), strict=True)
    model.load_state_dict({name: pydp.asarray(a, copy=False) for name, a in state}, strict=False)
    return model


def pydp_training(
    build: Callable[[], Any], data: Data, optimizer: Optimizer, loss: str, *parameters: Any
) -> Step:
    import pydp
    from pydp import optim

    name, settings = optimizer
    model = loaded(build(), parameters)
    learner = getattr(optim, name)(model.parameters(), **settings)
    criterion = {"cross_entropy": pydp.cross_entropy, "mse": pydp.mse_loss}[loss]
    x, target = map(pydp.tensor, data())

    def step() -> Any:
        learner.zero_grad()
        loss = criterion(model(x), target)
        loss.backward()
        learner.step()
        return loss

    return step


def pydp_inference(build: Callable[[], Any], data: Data, *parameters: Any) -> Step:
    import pydp

    model = loaded(build(), parameters).eval()
    x = pydp.tensor(data()[0])

    def step() -> Any:
        with pydp.no_grad():
            return model(x)

    return step
