"""Normalisations."""

import numpy as np
import torch

import pydp
from peers.row import Draw, Drawn, Row

functional = torch.nn.functional


def affine(d: Draw, shape: tuple[int, ...]) -> list:
    """No weight, a weight, or weight and bias."""
    return [d.real(shape) for _ in range(d.integer(0, 2))]


def channels(d: Draw, least_pixels: int = 2) -> tuple[int, ...]:
    """An image's shape, or a sequence's."""
    return (d.integer(1, 3), d.integer(1, 4), *d.shape(1, 2, least_pixels, 4))


def last(d: Draw) -> Drawn:
    """Rows that differ: of equal elements the deviation is rounding alone."""
    x = d.real((*d.shape(high=2), d.integer(2, 6)), ties=False)
    return [x, *affine(d, x.shape[-1:])], {"eps": d.choice(1e-5, 0.1)}


def root(d: Draw) -> Drawn:
    x = d.real((*d.shape(high=2), d.integer(1, 6)))
    return [x, *([d.real(x.shape[-1:])] if d.flag() else [])], {"eps": d.choice(1e-5, 0.1)}


def grouped(d: Draw) -> Drawn:
    groups = d.integer(1, 3)
    x = d.real((d.integer(1, 3), groups * d.integer(1, 2), *d.shape(1, 2, 2, 4)), ties=False)
    return [x, *affine(d, x.shape[1:2])], {"num_groups": groups, "eps": d.choice(1e-5, 0.1)}


def instances(d: Draw) -> Drawn:
    x = d.real(channels(d), ties=False)
    return [x, *affine(d, x.shape[1:2])], {"eps": d.choice(1e-5, 0.1)}


def neighbours(d: Draw) -> Drawn:
    x = d.real(channels(d, 1))
    return [x], {"size": d.integer(1, 5), "alpha": 0.5, "beta": d.choice(0.75, 0.5), "k": 1.0}


def in_training(d: Draw) -> Drawn:
    x = d.real(channels(d), ties=False)
    return [x, *affine(d, x.shape[1:2])], {"eps": d.choice(1e-5, 0.1)}


def in_evaluation(d: Draw) -> Drawn:
    x = d.real(channels(d, 0))
    c = x.shape[1:2]
    return [x, *affine(d, c)], {"mean": d.rng.uniform(-1, 1, c), "var": d.rng.uniform(0.5, 2, c)}


def their_training(x, weight=None, bias=None, eps=1e-5):
    return functional.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


def our_evaluation(x, weight=None, bias=None, *, mean, var):
    return pydp.batch_norm(x, pydp.tensor(mean), pydp.tensor(var), weight, bias)


def their_evaluation(x, weight=None, bias=None, *, mean, var):
    given = [torch.from_numpy(np.array(a)) for a in (mean, var)]
    return functional.batch_norm(x, *given, weight, bias)


# fmt: off
ROWS = [
    Row("layer_norm", last, pydp.layer_norm,
        lambda x, *affine, eps: functional.layer_norm(x, x.shape[-1:], *affine, eps=eps),
        "layer_norm_backward"),
    Row("rms_norm", root, pydp.rms_norm,
        lambda x, *weight, eps: functional.rms_norm(x, x.shape[-1:], *weight, eps=eps),
        "rms_norm_backward"),
    Row("group_norm", grouped,
        lambda x, *affine, num_groups, eps: pydp.group_norm(x, num_groups, *affine, eps=eps),
        lambda x, *affine, num_groups, eps: functional.group_norm(x, num_groups, *affine, eps=eps)),
    Row("instance_norm", instances, pydp.instance_norm,
        lambda x, weight=None, bias=None, eps=1e-5:
        functional.instance_norm(x, weight=weight, bias=bias, eps=eps)),
    Row("batch_norm", in_training,
        lambda x, *affine, eps: pydp.batch_norm(x, None, None, *affine, training=True, eps=eps),
        their_training, "batch_norm_backward"),
    Row("batch_norm", in_evaluation, our_evaluation, their_evaluation, "batch_norm_inference"),
    Row("local_response_norm", neighbours, pydp.local_response_norm,
        functional.local_response_norm, "local_response_norm_backward"),
]
# fmt: on
