"""Shapes, views, and joining."""

import math

import torch

import pydp
from peers.row import Draw, Drawn, Row, along


def matrices(d: Draw) -> Drawn:
    return [d.real(d.shape(low=2))], {"k": d.integer(-3, 3)}


def grown(d: Draw) -> Drawn:
    shape = d.shape()
    return [d.real(d.broadcast(shape))], {"shape": shape}


def several(d: Draw) -> Drawn:
    shape = d.shape()
    return [d.real(d.broadcast(shape)) for _ in range(d.integer(1, 3))], {}


def joined(d: Draw) -> Drawn:
    """Arrays that differ in the length of one axis."""
    shape = d.shape(low=1)
    axis = d.axis(len(shape))
    arrays = []
    for _ in range(d.integer(1, 3)):
        sizes = list(shape)
        sizes[axis] = d.integer(0, 3)
        arrays.append(d.real(tuple(sizes)))
    return arrays, {"axis": axis}


def stacked(d: Draw) -> Drawn:
    shape = d.shape(high=3)
    arrays = [d.real(shape) for _ in range(d.integer(1, 3))]
    return arrays, {"axis": d.axis(len(shape) + 1)}


def some_axes(d: Draw) -> Drawn:
    x = d.real(d.shape(low=1))
    return [x], {"axis": d.order(x.ndim)[: d.integer(1, x.ndim)]}


def rolled(d: Draw) -> Drawn:
    (x,), arguments = some_axes(d)
    shift = tuple([d.integer(-3, 3) for _ in arguments["axis"]])
    return [x], {"shift": shift, **arguments}


def moved(d: Draw) -> Drawn:
    x = d.real(d.shape(low=1))
    return [x], {"source": d.axis(x.ndim), "destination": d.axis(x.ndim)}


def permuted(d: Draw) -> Drawn:
    x = d.real(d.shape())
    return [x], {"axes": d.order(x.ndim)}


def with_a_one(d: Draw) -> Drawn:
    shape = list(d.shape(high=3))
    axis = d.integer(0, len(shape))
    shape.insert(axis, 1)
    return [d.real(tuple(shape))], {"axis": axis}


def new_axis(d: Draw) -> Drawn:
    x = d.real(d.shape(high=3))
    return [x], {"axis": d.axis(x.ndim + 1)}


def reshaped(d: Draw) -> Drawn:
    """The axes in another order, or all as one: sizes that always fit."""
    x = d.real(d.shape())
    shape = tuple([x.shape[i] for i in d.order(x.ndim)])
    return [x], {"shape": d.choice(shape, (x.size,), (1, x.size, 1))}


def flattened(d: Draw) -> Drawn:
    x = d.real(d.shape(low=2))
    start = d.integer(0, x.ndim - 1)
    return [x], {"start": start, "end": d.integer(start, x.ndim - 1)}


def repeated(d: Draw) -> Drawn:
    (x,), arguments = along()(d)
    return [x], {"repeats": d.integer(0, 3), **arguments}


def tiled(d: Draw) -> Drawn:
    x = d.real(d.shape(high=3, most=3))
    return [x], {"repetitions": tuple([d.integer(0, 2) for _ in range(d.integer(0, 3))])}


def grid(d: Draw) -> Drawn:
    vectors = [d.real((d.integer(0, 4),)) for _ in range(d.integer(1, 3))]
    return vectors, {"indexing": d.choice("ij", "xy")}


def chunked(d: Draw) -> Drawn:
    (x,), arguments = along()(d)
    return [x], {"chunks": d.integer(1, 4), **arguments}


def exchanged(d: Draw) -> Drawn:
    x = d.real(d.shape(low=1))
    return [x], {"axis1": d.axis(x.ndim), "axis2": d.axis(x.ndim)}


def unflattened(d: Draw) -> Drawn:
    """One axis of the product of some sizes, one of which may be left to be found."""
    shape, sizes = list(d.shape(high=2)), list(d.shape(low=1, high=3, least=1, most=3))
    at = d.integer(0, len(shape))
    shape.insert(at, math.prod(sizes))
    if d.flag():
        sizes[d.integer(0, len(sizes) - 1)] = -1
    axis = d.choice(at, at - len(shape))
    return [d.real(tuple(shape))], {"axis": axis, "sizes": tuple(sizes)}


def padded(d: Draw) -> Drawn:
    """PyTorch's "reflect" and so on leave two axes in front as they are, or one."""
    mode = d.choice("constant", "reflect", "replicate", "circular")
    if mode == "constant":
        shape = d.shape(low=1)
        padding = [d.integer(-(n // 2), 3) for n in shape[::-1] for _ in "lr"]
        padding = padding[: 2 * d.integer(0, len(shape))]
        return [d.real(shape)], {"padding": padding, "mode": mode, "value": d.choice(0.0, 1.5)}
    sizes = [d.integer(1, 4) for _ in range(d.integer(1, 3))]
    most = {"reflect": lambda n: n - 1, "replicate": lambda n: 3, "circular": lambda n: n}[mode]
    padding = []
    for n in sizes[::-1]:
        pair = [d.integer(-((n - 1) // 2), most(n)), d.integer(-((n - 1) // 2), most(n))]
        if mode == "circular" and min(pair) < 0:  # ours wraps once what is left
            pair = [min(width, n + min(pair)) for width in pair]
        padding += pair
    front = d.choice((2,), (2, 1))
    return [d.real((*front, *sizes))], {"padding": padding, "mode": mode}


# fmt: off
ROWS = [
    Row("broadcast_to", grown, pydp.broadcast_to, lambda x, shape: x.expand(shape)),
    Row("broadcast_arrays", several, pydp.broadcast_arrays, torch.broadcast_tensors),
    Row("concat", joined, lambda *xs, axis: pydp.concat(xs, axis),
        lambda *xs, axis: torch.concat(xs, axis)),
    Row("stack", stacked, lambda *xs, axis: pydp.stack(xs, axis),
        lambda *xs, axis: torch.stack(xs, axis)),
    Row("unstack", along(), pydp.unstack, torch.unbind),
    Row("flip", some_axes, pydp.flip, lambda x, axis: torch.flip(x, axis)),
    Row("roll", rolled, pydp.roll, lambda x, shift, axis: torch.roll(x, shift, axis)),
    Row("repeat", repeated, pydp.repeat,
        lambda x, repeats, axis: torch.repeat_interleave(x, repeats, axis)),
    Row("tile", tiled, pydp.tile, lambda x, repetitions: torch.tile(x, repetitions)),
    Row("moveaxis", moved, pydp.moveaxis, torch.moveaxis),
    Row("permute_dims", permuted, pydp.permute_dims, lambda x, axes: torch.permute(x, axes)),
    Row("matrix_transpose", lambda d: ([d.real(d.shape(low=2))], {}),
        pydp.matrix_transpose, lambda x: x.mT),
    Row("expand_dims", new_axis, pydp.expand_dims, lambda x, axis: torch.unsqueeze(x, axis)),
    Row("squeeze", with_a_one, pydp.squeeze, lambda x, axis: torch.squeeze(x, axis)),
    Row("reshape", reshaped, pydp.reshape, torch.reshape),
    Row("flatten", flattened, lambda x, start, end: pydp.flatten(x, start, end),
        lambda x, start, end: torch.flatten(x, start, end), "flatten_backward"),
    Row("diagonal", matrices, lambda x, k: pydp.diagonal(x, k),
        lambda x, k: torch.diagonal(x, k, -2, -1), "diagonal_backward"),
    Row("tril", matrices, pydp.tril, lambda x, k: torch.tril(x, k)),
    Row("triu", matrices, pydp.triu, lambda x, k: torch.triu(x, k)),
    Row("meshgrid", grid, pydp.meshgrid, torch.meshgrid),
    Row("chunk", chunked, pydp.chunk, lambda x, chunks, axis: torch.chunk(x, chunks, axis)),
    Row("swapaxes", exchanged, pydp.swapaxes,
        lambda x, axis1, axis2: torch.swapaxes(x, axis1, axis2)),
    Row("unflatten", unflattened, pydp.unflatten,
        lambda x, axis, sizes: torch.unflatten(x, axis, sizes)),
    Row("pad", padded, pydp.pad,
        lambda x, padding, mode, **value: torch.nn.functional.pad(x, padding, mode, **value),
        "pad_backward"),
]
# fmt: on
