"""Whole training steps and inference: one workload, the same for every peer.

    training(name, models, parameters, data, optimizer)      loss after three steps is compared
    inference(name, models, parameters, data)                the result is compared

What is equal in all stands here: first weights, data, the optimizer's settings. How each peer makes
a step of it: `pydp_training.py`, `torch_training.py`, `jax_training.py`. A workload's own file has
its models, each as a user of that library writes it:

    models["pydp"]()             an nn.Module of ours
    models["torch"]()            one of PyTorch's, with its parameters in the same order
    models["jax"](parameters)    (tree of parameters, function of that tree and x); with `chance`
                                 the function draws at random and gets a key, too

`parameters` are their shapes, in the order of the modules. The case's inputs are arrays of these
shapes, standard normal; they are scaled here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from bench.case import Build, Case

STEPS = 3  # before losses are compared: so gradients and updates are, too

Shape = tuple[int, ...]
Models = Mapping[str, Callable[..., Any]]
Data = Callable[[], tuple[np.ndarray, np.ndarray]]
Optimizer = tuple[str, dict[str, float]]  # name, the same in all libraries, and settings


def training(
    name: str,
    models: Models,
    parameters: Sequence[Shape],
    data: Data,
    optimizer: Optimizer,
    loss: str = "cross_entropy",
    chance: bool = False,
    **more: Any,
) -> Case:
    """The case of a step: forward, loss, backward, optimizer."""
    from bench.jax_training import jax_training
    from bench.pydp_training import pydp_training
    from bench.torch_training import torch_training

    task = data, optimizer, loss
    peers: dict[str, Build] = {
        "pydp": partial(pydp_training, models["pydp"], *task),
        "torch": partial(torch_training, models["torch"], *task),
        "torch+": partial(torch_training, models["torch"], *task, best=True),
        "compile": partial(torch_training, models["torch"], *task, best=True, compiled=True),
        "jax": partial(jax_training, models["jax"], *task, chance=chance),
    }
    return Case(name, peers, tuple(parameters), calls=STEPS, **more)


def inference(
    name: str, models: Models, parameters: Sequence[Shape], data: Data, **more: Any
) -> Case:
    """The case of a forward pass in which nothing is kept for a gradient."""
    from bench.jax_training import jax_inference
    from bench.pydp_training import pydp_inference
    from bench.torch_training import torch_inference

    peers: dict[str, Build] = {
        "pydp": partial(pydp_inference, models["pydp"], data),
        "torch": partial(torch_inference, models["torch"], data),
        "torch+": partial(torch_inference, models["torch"], data, best=True),
        "compile": partial(torch_inference, models["torch"], data, best=True, compiled=True),
        "jax": partial(jax_inference, models["jax"], data),
    }
    return Case(name, peers, tuple(parameters), **more)


# ---- what is equal in all --------------------------------------------------------------------


def scaled(parameters: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Weights of variance 1 / (numbers that are added up), small biases."""
    return [a * (math.prod(a.shape[1:]) ** -0.5 if a.ndim > 1 else 0.1) for a in parameters]


def points(*shape: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Rows or images, and the class of each."""
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    return x, np.arange(shape[0]) % classes


def text(batch: int, steps: int, vocabulary: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens, and for each the one that follows."""
    tokens = np.random.default_rng(0).integers(vocabulary, size=(batch, steps + 1))
    return tokens[:, :-1].copy(), tokens[:, 1:].copy()


def states(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """What a block inside of a model gets, and what its result shall be."""
    x, y = np.random.default_rng(0).standard_normal((2, *shape), np.float32)
    return x, y


def with_biases(*weights: Shape) -> list[Shape]:
    """Each weight, and a bias for each of its rows."""
    return [shape for weight in weights for shape in (weight, weight[:1])]


def training_flops(*layers: float) -> float:
    """Of the products, given those of each layer forward: with each of them go one for the
    weights' gradient and one for the data's, but the first layer's data need none."""
    return 3 * sum(layers) - layers[0]
