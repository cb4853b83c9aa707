"""Batches: arrays cut along their first axis, in order or shuffled anew each time round.

Invariant: the order depends on the generator alone, so the same seed gives the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pydp._arguments import whole
from pydp._arrays import checked_dtype
from pydp._random import Generator
from pydp._tensor import Tensor, tensor

Array = np.ndarray[Any, Any]


class Batches:
    """The rows of several arrays, `batch_size` at a time, as tensors.

    arrays       one or more with equally many rows: images and labels, say
    batch_size   rows in a batch; the last one may have fewer
    generator    shuffles the rows anew each time round; None: in order
    augment      changes a batch's first array before it becomes a tensor:
                 augment(array, generator) -> array

    >>> import numpy as np, pydp
    >>> batches = pydp.data.Batches(np.arange(5), batch_size=2)
    >>> len(batches), [x.numpy().tolist() for x, in batches]
    (3, [[0, 1], [2, 3], [4]])
    """

    def __init__(
        self,
        *arrays: Any,
        batch_size: int,
        generator: Generator | None = None,
        augment: Callable[[Array, Generator], Array] | None = None,
    ) -> None:
        rows = whole(batch_size)
        if rows is None:
            raise TypeError(f"Batches: batch_size must be an int, got {batch_size!r}")
        if rows < 1:
            raise ValueError(f"Batches: batch_size must be at least 1, got {rows}")
        if generator is not None and not isinstance(generator, Generator):
            raise TypeError(f"Batches: generator must be a pydp.Generator, got {generator!r}")
        if augment is not None and generator is None:
            raise ValueError("Batches: augment needs a generator")
        if not arrays:
            raise ValueError("Batches: at least one array is needed")
        self.arrays = tuple([_array(a) for a in arrays])
        if 0 in [a.ndim for a in self.arrays] or len({len(a) for a in self.arrays}) > 1:
            shapes = ", ".join(str(a.shape) for a in self.arrays)
            raise ValueError(f"Batches: arrays must have equally many rows, got shapes {shapes}")
        self.batch_size = rows
        self.generator = generator
        self.augment = augment

    @property
    def rows(self) -> int:
        """How many rows there are, over all batches."""
        return len(self.arrays[0])

    def __len__(self) -> int:
        return -(-self.rows // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        order = np.arange(self.rows)
        if self.generator is not None:
            order = self.generator.permutation(self.rows)
        for begin in range(0, self.rows, self.batch_size):
            chosen = order[begin : begin + self.batch_size]
            parts = [a[chosen] for a in self.arrays]
            if self.augment is not None and self.generator is not None:
                parts[0] = self.augment(parts[0], self.generator)
            yield tuple([tensor(part) for part in parts])


def _array(data: Any) -> Array:
    """An array of a dtype that tensors have, not copied where it is one."""
    if isinstance(data, Tensor):
        return data.numpy()
    try:
        array = np.asarray(data)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Batches: data does not make an array: {error}") from None
    checked_dtype(array.dtype, "Batches")
    return array
