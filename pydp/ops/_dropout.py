"""Dropout: zeros at random while training.

The mask is a function of a key (see _random.py). So the op is linear and its gradient is itself:
backward computes the mask again from the key, which is all that is saved.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import real_tensor
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp._random import Generator, chosen, probability


class Dropout(Op):
    name = "dropout"
    type = "(real[...], any[2]) -> real[...]"

    @staticmethod
    def forward(needs: Any, x: Array, key: Array, p: float) -> Any:
        x = _kernels.contiguous(x)
        y = _kernels.empty(x.shape, x.dtype)
        _kernels.dropout(key, x, y, last_dropped(p), 1 / (1 - p) if p < 1 else 0.0)
        return y, (key,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, p: float) -> Any:
        return apply(Dropout, (dy, saved[0]), p), None

    @staticmethod
    def reference(x: Array, key: Array, p: float) -> Array:
        """Philox as its authors state it, block by block, in Python integers."""
        words = [philox(key, block) for block in range(-(-x.size // 32) * 8)]
        kept = np.empty(x.size, bool)
        for i in range(x.size):
            group, place = divmod(i, 32)
            block, word = 8 * group + place % 16 // 2, place // 16 * 2 + place % 2
            kept[i] = words[block][word] > last_dropped(p)
        return np.where(kept.reshape(x.shape), x / (1 - p) if p < 1 else 0, 0)


def last_dropped(p: float) -> int:
    """Words of 32 bits up to this one drop."""
    return min(max(round(p * 2**32), 1), 2**32) - 1


def philox(key: Array, block: int) -> list[int]:
    """The four words of one block: ten rounds of Philox4x32."""
    low = 2**32 - 1
    seed, stream = int(key[0]), int(key[1])
    k0, k1 = seed & low, seed >> 32
    c0, c1, c2, c3 = block & low, block >> 32, stream & low, stream >> 32
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 & low, p0 >> 32 ^ c3 ^ k1, p0 & low
        k0, k1 = k0 + 0x9E3779B9 & low, k1 + 0xBB67AE85 & low
    return [c0, c1, c2, c3]


def dropout(x: Any, p: float, training: bool = True, generator: Generator | None = None) -> Any:
    """While training each element is 0 with probability p, and x / (1 - p) otherwise.

    Type: ``real[...] -> real[...]``; x itself where `training` is False or p is 0.

    - `p`: between 0 and 1, ValueError otherwise. With p = 1 all is 0, and so is the gradient.
    - `generator`: where the mask comes from; the default one of `pydp.manual_seed` if not given.

    An element that drops is 0 whatever it was, NaN and infinity too. The mask depends on the
    generator alone: not on strides, dtype, instruction set or number of threads.

    Srivastava et al., "Dropout", 2014 (here inverted: the scale is applied in training).

    >>> import pydp
    >>> pydp.dropout(pydp.tensor([1.0, 2.0]), 1.0)
    tensor([0., 0.])
    """
    x = real_tensor(x, "dropout", "x")
    p = probability(p, "dropout")
    source = chosen(generator, "dropout")
    if not training or p == 0:
        return x
    key = source.key()
    try:
        return apply(Dropout, (x, _graph.wrap(key)), p)
    except MemoryError:
        source.give_back(key)
        raise
