"""Shapes and axes that do not fit, for every function and module that takes them.

A test's first line is the fault. A table's row is (call, exception, words of its message), which
show the shapes.
"""

import re

import numpy as np
import pytest

import pydp
from pydp import nn
from refusals import BINARY, REDUCTIONS, leaf, refused, table, zeros

X, W = (2, 4, 8, 8), (6, 4, 3, 3)

BIASED = {"bias": zeros(5)}


def conv2d(**arguments):
    return pydp.conv2d(zeros(*X), zeros(*W), **arguments)


@table(
    (lambda: pydp.conv2d(zeros(2, 3, 8, 8), zeros(*W)), ValueError,
     "conv2d: weight (6, 4, 3, 3) with groups=1 needs 4 input channels and outputs divisible by "
     "groups; x (2, 3, 8, 8) has 3 channels"),
    (lambda: conv2d(groups=2), ValueError, "with groups=2 needs 8 input channels"),
    (lambda: pydp.conv2d(zeros(*X), zeros(3, 2, 3, 3), groups=2), ValueError, "weight (3, 2,"),
    (lambda: conv2d(groups=0), ValueError, "conv2d: groups must be at least 1, got 0"),
    (lambda: conv2d(**BIASED), ValueError, "conv2d: bias must be (6,), got (5,)"),
    (lambda: pydp.conv2d(zeros(*X), zeros(6, 4, 3)), ValueError, "(2, 4, 8, 8) and (6, 4, 3)"),
    (lambda: pydp.conv2d(zeros(4, 8, 8), zeros(*W)), ValueError, "conv2d: x must be [n, c, h, w]"),
    (lambda: nn.Conv2d(4, 6, 3, groups=4), ValueError,
     "Conv2d: out_channels must be a multiple of groups 4, got 6"),
    (lambda: nn.Conv2d(4, 6, 3, groups=3), ValueError,
     "Conv2d: in_channels must be a multiple of groups 3, got 4"),
    (lambda: nn.Conv2d(3, 6, 3)(zeros(*X)), ValueError, "x (2, 4, 8, 8) has 4 channels"),
    (lambda: pydp.linear(zeros(2, 3), zeros(5, 4)), ValueError,
     "linear: x must be [..., i] and weight [o, i], got (2, 3) and (5, 4)"),
    (lambda: pydp.linear(zeros(2, 3), zeros(3)), ValueError, "got (2, 3) and (3,)"),
    (lambda: pydp.linear(zeros(2, 3), zeros(4, 3), **BIASED), ValueError,
     "linear: bias must be [4], got (5,)"),
    (lambda: nn.Linear(3, 5)(zeros(2, 4)), ValueError, "got (2, 4) and (5, 3)"),
    (lambda: nn.FeedForward(3, 5)(zeros(2, 4)), ValueError, "got (2, 4) and (5, 3)"),
    (lambda: pydp.matmul(zeros(2, 3), zeros(4, 5)), ValueError,
     "matmul: (2, 3) times (4, 5): the last size of the first, 3, must equal the last but one of "
     "the second, 4"),
    (lambda: pydp.matmul(zeros(2, 3, 4), zeros(3, 4, 5)), ValueError,
     "matmul: the batch axes of (2, 3, 4) and (3, 4, 5) do not broadcast"),
    (lambda: pydp.matmul(zeros(), zeros(3)), ValueError, "need an axis, got shapes () and (3,)"),
    (lambda: pydp.max_pool2d(zeros(4, 8, 8), 2), ValueError,
     "max_pool2d: x must have 4 axes (n, c, h, w), got shape (4, 8, 8)"),
    (lambda: pydp.avg_pool2d(zeros(8), 2), ValueError, "avg_pool2d: x must have 4 axes"),
    (lambda: pydp.embedding([0], zeros(3)), ValueError,
     "embedding: weight must have 2 axes (v, d), got shape (3,)"),
    (lambda: pydp.cross_entropy(zeros(2, 3), [0]), ValueError,
     "cross_entropy: target must have shape (2,), that of the logits (2, 3) without axis 1, got"),
    (lambda: pydp.cross_entropy(zeros(2, 3), [0, 1], weight=zeros(2)), ValueError,
     "cross_entropy: weight must have shape (3,), got (2,)"),
    (lambda: pydp.cross_entropy(zeros(2, 3), zeros(3, 2)), ValueError, "(2, 3), got (3, 2)"),
    (lambda: pydp.mse_loss(zeros(2, 1), zeros(2)), ValueError,
     "mse_loss: x and target must have one shape, got (2, 1) and (2,)"),
    (lambda: pydp.concat([zeros(2, 3), zeros(2)]), ValueError, "(2,) does not fit (2, 3)"),
    (lambda: pydp.stack([zeros(2), zeros(3)]), ValueError, "must be equal, got (2,) and (3,)"),
    (lambda: pydp.data.Batches([1, 2], [1], batch_size=1), ValueError,
     "Batches: arrays must have equally many rows, got shapes (2,), (1,)"),
)  # fmt: skip
def test_shapes_that_do_not_fit(call, error, words):
    """Channels, groups, biases, weights and targets that do not fit; the message shows them."""
    refused(call, error, words)


@pytest.mark.parametrize("name", [*BINARY, "clip"])
def test_shapes_that_do_not_broadcast(name):
    """Operands that do not broadcast: both shapes stand in the message, aligned."""
    op = {"pow": "power"}.get(name, name)
    words = f"{op}: shapes do not broadcast\n  first   (2, 3)\n  second    (4,)\n"
    refused(lambda: getattr(pydp, name)(zeros(2, 3), zeros(4)), ValueError, words)
    refused(lambda: pydp.where(zeros(2, 3) > 0, zeros(4), 0.0), ValueError, "where: shapes do not")


@pytest.mark.parametrize("op", ["+=", "-=", "*=", "/=", "**="])
def test_in_place_does_not_grow(op):
    """An in-place operator whose result is larger, or of another dtype, leaves its tensor alone."""
    for x, y in ((zeros(3), zeros(2, 3)), (zeros(1, 3), zeros(2, 3)), (pydp.arange(3), 0.5)):
        before, version = x.numpy().copy(), x._version[0]
        words = f"{op}: the result has shape {np.broadcast_shapes(x.shape, np.shape(y))}"
        with pytest.raises(ValueError, match=re.escape(words)):
            exec(f"x {op} y", {"x": x, "y": y})
        np.testing.assert_array_equal(x.numpy(), before)
        assert x._version[0] == version


WIDE = zeros(*[1] * 32)


@table(
    (lambda: pydp.tensor(np.zeros((1,) * 33)), ValueError, "tensor: at most 32 axes, got 33"),
    (lambda: pydp.asarray(np.zeros((1,) * 64)), ValueError, "asarray: at most 32 axes, got 64"),
    (lambda: zeros(*[1] * 33), ValueError, "zeros: at most 32 axes, got 33"),
    (lambda: pydp.rand((1,) * 33), ValueError, "rand: at most 32 axes, got 33"),
    (lambda: pydp.reshape(WIDE, (1,) * 33), ValueError, "reshape: at most 32 axes, got 33"),
    (lambda: pydp.broadcast_to(WIDE, (1,) * 33), ValueError, "broadcast_to: at most 32 axes, got"),
    (lambda: pydp.expand_dims(WIDE), ValueError, "expand_dims: at most 32 axes, got 33"),
    (lambda: pydp.stack([WIDE, WIDE]), ValueError, "at most 32 axes, got 33"),
    (lambda: pydp.tile(WIDE, (2,)), ValueError, "tile: at most 32 axes, got 33"),
    (lambda: WIDE[None], ValueError, "indexing: at most 32 axes, got 33"),
    (lambda: WIDE[(None,) * 30], ValueError, "indexing: at most 32 axes, got 62"),
    (lambda: WIDE[np.zeros((1,) * 10, int)], ValueError, "indexing: at most 32 axes, got 41"),
    (lambda: pydp.embedding(WIDE.astype("int64"), zeros(1, 1)), ValueError, "at most 32 axes"),
)
def test_too_many_axes(call, error, words):
    """More axes than the kernels' tables have room for, however they come about."""
    refused(call, error, words)


def test_as_many_axes_as_there_may_be():
    """With 32 axes everything works, gradients too."""
    x = leaf(*[1] * 31, 2)
    y = pydp.softmax(pydp.exp(x) + x * 2.0).reshape(2, *[1] * 31)
    pydp.sum(y * y).backward()
    assert y.shape == (2, *[1] * 31)
    assert x.grad.shape == x.shape


Y = zeros(2, 3, 4)


@table(
    (lambda: Y.reshape(-1, -1), ValueError, "but for one -1; got (-1, -1)"),
    (lambda: Y.reshape(-2, 12), ValueError, "reshape: sizes must not be negative"),
    (lambda: Y.reshape(5, -1), ValueError, "reshape: (2, 3, 4) has 24 elements; they do not fill"),
    (lambda: zeros(0).reshape(0, -1), ValueError, "has 0 elements; they do not fill (0, -1)"),
    (lambda: Y.reshape(5, 5), ValueError, "has 24 elements, the new shape (5, 5) has 25"),
    (lambda: Y.reshape(2.0, 12), TypeError, "reshape: shape must hold ints, got 2.0"),
    (lambda: Y.permute_dims((0, 0, 1)), ValueError, "axes (0, 0, 1) must name each of 3 axes once"),
    (lambda: Y.permute_dims((0, 1)), ValueError, "axes (0, 1) must name each of 3 axes once"),
    (lambda: Y.permute_dims((0, 1, 3)), IndexError, "permute_dims: axis 3 is out of range for 3"),
    (lambda: Y.permute_dims(1), TypeError, "permute_dims: axes must be a tuple or list, got 1"),
    (lambda: pydp.moveaxis(Y, (0, 0), (1, 2)), ValueError, "moveaxis: source (0, 0) and destinat"),
    (lambda: pydp.moveaxis(Y, 3, 0), IndexError, "moveaxis: axis 3 is out of range for 3 axes"),
    (lambda: pydp.squeeze(Y, 0), ValueError, "squeeze: axis 0 of shape (2, 3, 4) has length 2"),
    (lambda: pydp.expand_dims(Y, 4), IndexError, "expand_dims: axis 4 is out of range for 4 axes"),
    (lambda: pydp.stack([Y, Y], axis=4), IndexError, "stack: axis 4 is out of range for 4 axes"),
    (lambda: pydp.concat([Y, Y], axis=3), IndexError, "concat: axis 3 is out of range for 3 axes"),
    (lambda: pydp.concat(Y), TypeError, "concat: arrays must be a tuple or list, got tensor("),
    (lambda: pydp.stack([]), ValueError, "stack: arrays must hold at least one tensor"),
    (lambda: pydp.unstack(zeros()), IndexError, "unstack: x must have an axis, got a 0-d tensor"),
    (lambda: pydp.tile(Y, 2), TypeError, "tile: repetitions must be a tuple or list, got 2"),
    (lambda: pydp.tile(Y, (-1,)), ValueError, "tile: repetitions must be at least 0, got -1"),
    (lambda: pydp.broadcast_to(Y, (3, 4)), ValueError, "(2, 3, 4) does not broadcast to (3, 4)"),
    (lambda: pydp.broadcast_to(Y, (-1, 3, 4)), ValueError, "broadcast_to: sizes must not be negat"),
    (lambda: pydp.flatten(Y, 2, 1), ValueError, "flatten: start_axis 2 comes after end_axis 1"),
    (lambda: nn.Flatten(3)(Y), IndexError, "flatten: axis 3 is out of range for 3 axes"),
    (lambda: Y.T, ValueError, "T: x must have 2 axes, got shape (2, 3, 4); use mT"),
    (lambda: zeros(3).mT, ValueError, "matrix_transpose: x must have at least 2 axes, got shape"),
    (lambda: zeros(-1), ValueError, "zeros: sizes must not be negative, got shape (-1,)"),
    (lambda: pydp.ones((2, True)), TypeError, "ones: shape must hold ints, got True"),
    (lambda: pydp.rand(-1), ValueError, "rand: sizes must not be negative, got shape (-1,)"),
    (lambda: pydp.randn(2.0), TypeError, "randn: shape must hold ints, got 2.0"),
    (lambda: pydp.eye(-1), ValueError, "eye: sizes must not be negative, got shape (-1, -1)"),
)  # fmt: skip
def test_new_shapes_that_do_not_fit(call, error, words):
    """A new shape that the elements do not fill, or an order that names an axis twice or not."""
    refused(call, error, words)


@pytest.mark.parametrize("name", [*REDUCTIONS, "softmax", "log_softmax", "flip"])
def test_axes(name):
    """An axis that the tensor has not, be it a huge one, that is no int, or that is named twice."""
    call = getattr(pydp, name)
    for axis in (3, -4, 2**70):
        words = f"{name}: axis {axis} is out of range for 3 axes"
        refused(lambda a=axis: call(Y, axis=a), IndexError, words)
    for axis in (True, 1.0, "0", np.array([0, 1])):
        refused(
            lambda a=axis: call(Y, axis=a), TypeError, f"{name}: axis must be an int, got {axis!r}"
        )
    if "arg" in name or "softmax" in name:
        refused(lambda: call(Y, axis=(0, 1)), TypeError, f"{name}: axis must be an int, got (0, 1)")
    else:
        refused(lambda: call(Y, axis=(0, -3)), ValueError, "axis (0, -3) names an axis twice")
