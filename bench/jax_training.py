"""JAX's side of training.py: the whole step is one compiled function, to which the old parameters
and the optimizer's state are given away (donated). Optimizers are optax's.

Steps are dispatched without waiting for the result, as in a loop that prints a loss now and then;
each needs the parameters of the one before, and the last one of a sample is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bench.case import Step
from bench.training import Data, Optimizer, scaled


def ready(data: Data) -> tuple[Any, Any]:
    """x and target; images with their channels last."""
    from jax import numpy

    x, target = data()
    return numpy.asarray(x.transpose(0, 2, 3, 1) if x.ndim == 4 else x), numpy.asarray(target)


def loaded(build: Callable[..., Any], parameters: Any) -> tuple[Any, Callable[..., Any]]:
    """The tree of scaled parameters as JAX's arrays, and the function of it and x."""
    import jax

    tree, forward = build(scaled(parameters))
    return jax.tree.map(jax.numpy.array, tree), forward


def jax_training(
    build: Callable[..., Any],
    data: Data,
    optimizer: Optimizer,
    loss: str,
    *parameters: Any,
    chance: bool = False,
) -> Step:
    """With chance the model draws at random: it gets a key after x."""
    import jax
    import optax

    def objective(tree: Any, x: Any, target: Any, key: Any) -> Any:
        y = forward(tree, x) if key is None else forward(tree, x, key)
        if loss == "mse":
            return jax.numpy.mean((y - target) ** 2)
        return optax.losses.softmax_cross_entropy_with_integer_labels(y, target).mean()

    @partial(jax.jit, donate_argnums=0)
    def train(held: Any, x: Any, target: Any) -> Any:
        tree, state, key = held
        now, key = (None, None) if key is None else jax.random.split(key)
        value, gradients = jax.value_and_grad(objective)(tree, x, target, now)
        updates, state = learner.update(gradients, state, tree)
        return value, (optax.apply_updates(tree, updates), state, key)

    name, settings = optimizer
    makers: Any = {"SGD": optax.sgd, "Adam": optax.adam, "AdamW": optax.adamw,
                   "Adadelta": optax.adadelta}  # fmt: skip
    learner = makers[name](settings["lr"], **{k: v for k, v in settings.items() if k != "lr"})
    tree, forward = loaded(build, parameters)
    x, target = ready(data)
    held = tree, learner.init(tree), jax.random.key(0) if chance else None

    def step() -> Any:
        nonlocal held
        value, held = train(held, x, target)
        return value

    return step


def jax_inference(build: Callable[..., Any], data: Data, *parameters: Any) -> Step:
    import jax

    tree, forward = loaded(build, parameters)
    x, _ = ready(data)
    run = jax.jit(forward)
    return lambda: run(tree, x).block_until_ready()
