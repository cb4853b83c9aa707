"""Reading and writing at places."""

import numpy as np
import torch

import pydp
from peers.row import Draw, Drawn, Row


def indexed(d: Draw) -> Drawn:
    """Slices, numbers, None, ..., arrays of integers and a mask. PyTorch has no negative steps."""
    x = d.real(d.shape(low=1, high=3, least=1))
    parts: list = []
    kinds = ["slice", "number", "all"]
    arrays = d.integer(0, 2)
    for n in x.shape:
        kind = d.choice(*kinds, *(["array"] if arrays else []))
        if kind == "slice":
            parts.append(slice(d.integer(0, n), d.integer(0, n), d.integer(1, 3)))
        elif kind == "number":
            parts.append(d.integer(-n, n - 1))
        elif kind == "array":
            parts.append(d.indices((3,), n, -n))
        else:
            parts.append(slice(None))
    if d.flag():
        parts = [..., *parts[d.integer(0, len(parts)) :]]
    if d.flag():
        parts.insert(d.integer(0, len(parts)), None)
    if d.integer(0, 4) == 0:
        return [x], {"index": d.mask(x.shape)}
    return [x], {"index": tuple(parts)}


def assigned(d: Draw) -> Drawn:
    """Places that are each named once, and a value that broadcasts to them."""
    x = d.real(d.shape(low=1, high=3, least=1))
    n = x.shape[0]
    index = d.choice(slice(0, n, 2), d.integer(-n, n - 1), d.rng.permutation(n)[: d.integer(0, n)])
    return [x, d.real(d.broadcast(x[index].shape))], {"index": index}


def theirs(index):
    """PyTorch takes tensors where NumPy takes arrays. Beside an array NumPy takes a number for an
    array as well, so that in x[0, :, ids] the axis of ids comes first; PyTorch does not."""
    if isinstance(index, tuple):
        arrays = [part for part in index if isinstance(part, np.ndarray)]
        if arrays:
            same = arrays[0].shape
            index = [np.full(same, p) if isinstance(p, int) else p for p in index]
        return tuple([theirs(part) for part in index])
    return torch.from_numpy(index) if isinstance(index, np.ndarray) else index


def ours_set(x, v, index):
    y = pydp.copy(x)
    y[index] = v
    return y


def theirs_set(x, v, index):
    y = x.clone()
    y[theirs(index)] = v
    return y


def taken(d: Draw) -> Drawn:
    x = d.real(d.shape(low=1, least=1))
    axis = d.axis(x.ndim)
    return [x, d.indices((d.integer(0, 4),), x.shape[axis])], {"axis": axis}


def gathered(d: Draw) -> Drawn:
    """The other axes of x and of the indices are the same: PyTorch's broadcast in no way."""
    x = d.real(d.shape(low=1, least=1))
    axis = d.axis(x.ndim)
    shape = list(x.shape)
    shape[axis] = d.integer(0, 4)
    return [x, d.indices(tuple(shape), x.shape[axis])], {"axis": axis}


def looked_up(d: Draw) -> Drawn:
    """One token or more: of none PyTorch's second derivative is an error."""
    weight = d.real((d.integer(1, 5), d.integer(1, 4)))
    return [d.indices(d.shape(high=3, least=1), len(weight)), weight], {}


def classes(d: Draw) -> Drawn:
    count = d.integer(1, 5)
    return [d.indices(d.shape(high=3), count)], {"num_classes": count}


# fmt: off
ROWS = [
    Row("getitem", indexed, lambda x, index: x[index], lambda x, index: x[theirs(index)],
        "scatter"),
    Row("setitem", assigned, ours_set, theirs_set),
    Row("take", taken, pydp.take, lambda x, i, axis: torch.index_select(x, axis, i),
        "take_backward"),
    Row("take_along_axis", gathered, pydp.take_along_axis,
        lambda x, i, axis: torch.gather(x, axis, i)),
    Row("embedding", looked_up, pydp.embedding, torch.nn.functional.embedding,
        "embedding_backward"),
    Row("one_hot", classes, pydp.one_hot, torch.nn.functional.one_hot),
]
# fmt: on
