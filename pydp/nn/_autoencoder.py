"""Autoencoder: a function and its reverse, one after the other.

    x [784] ── encoder ── code [32] ── decoder ── x' [784]

The types say that the two compose, in both orders; training makes x' like x.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pydp.nn._combinators import Sequential
from pydp.nn._feed_forward import FeedForward
from pydp.nn._linear import Linear


class Autoencoder(Sequential):
    """decoder(encoder(x)), where the code between the two is small.

    Shape: ``real[..., d] -> real[..., d]``; of the encoder ``real[..., d] -> real[..., c]``, of the
    decoder the reverse.

    Arguments
      sizes   of x, of the layers between, and of the code: (d, …, c); the decoder has the same in
              reverse order

    Both are FeedForward boxes, and a Linear at the end: codes and results may be negative. Train
    with `mse_loss(model(x), x)`.

    Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", 2006.

    >>> from pydp import nn
    >>> model = nn.Autoencoder((784, 128, 32))
    >>> model.signature, model.encoder.signature
    (<signature real[..., 784] -> real[..., 784]>, <signature real[..., 784] -> real[..., 32]>)
    >>> (model.decoder >> model.encoder).signature
    <signature real[..., 32] -> real[..., 32]>
    """

    encoder: Sequential
    decoder: Sequential

    def __init__(self, sizes: Sequence[int]) -> None:
        if not isinstance(sizes, tuple | list) or len(sizes) < 2:
            raise ValueError(f"Autoencoder: sizes must be (d, …, c), two or more, got {sizes!r}")
        super().__init__({"encoder": _chain(sizes), "decoder": _chain(sizes[::-1])})


def _chain(sizes: Sequence[int]) -> Sequential:
    """FeedForward boxes from size to size, and at last a Linear."""
    *hidden, last = pairwise(sizes)
    return Sequential(*[FeedForward(i, o) for i, o in hidden], Linear(*last))
