"""Leading axes: a box for images takes none, one or several, and its type says so."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, weights
from pydp import nn

IMAGES = [
    nn.Conv2d(4, 6, 3, stride=2, padding=1, activation="tanh"),
    nn.ConvTranspose2d(4, 6, 3, stride=2),
    nn.MaxPool2d(3, 2),
    nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    nn.AvgPool2d(2, padding=1),
    nn.AdaptiveAvgPool2d((3, None)),
    nn.AdaptiveMaxPool2d(4),
    nn.InstanceNorm2d(4, affine=True),
    nn.LocalResponseNorm(3, 0.5, axis=-3),
    nn.Upsample(scale_factor=2, mode="bilinear"),
    nn.Upsample(size=(9, 5)),
    nn.Unfold((3, 2)),
    nn.BatchNorm2d(4).eval(),
]
SIGNALS = [
    nn.Conv1d(4, 6, 3, padding=1),
    nn.ConvTranspose1d(4, 6, 3),
    nn.MaxPool1d(2),
    nn.AvgPool1d(3),
    nn.AdaptiveAvgPool1d(5),
    nn.AdaptiveMaxPool1d(5),
    nn.Upsample(scale_factor=3, mode="linear"),
    nn.Fold((4, 3), 2),
]
BOXES = [(box, (4, 7, 8)) for box in IMAGES] + [(box, (4, 6)) for box in SIGNALS]


def named(value):
    return repr(value).split(" ", 1)[0] if isinstance(value, nn.Module) else str(value)


@pytest.mark.parametrize("head", [(), (2, 3), (1, 2, 1), (2, 0), (0, 3)], ids=str)
@pytest.mark.parametrize(("box", "shape"), BOXES, ids=named)
def test_any_leading_axes_are_a_batch(box, shape, head):
    box.astype("float64")
    n = int(np.prod(head))
    a = real(*head, *shape)
    x = pydp.tensor(a, requires_grad=True)
    one = pydp.tensor(a.reshape(n, *shape), requires_grad=True)
    y, want = box(x), box(one)
    assert y.shape == (*head, *want.shape[1:])
    assert np.array_equal(y.numpy().reshape(want.shape), want.numpy())
    w = weights(y.shape, 3)
    y.backward(pydp.tensor(w))
    want.backward(pydp.tensor(w.reshape(want.shape)))
    assert np.array_equal(x.grad.numpy().reshape(one.shape), one.grad.numpy())


@pytest.mark.parametrize(("box", "shape"), BOXES, ids=named)
def test_the_type_is_proved(box, shape):
    declared = str(box.signature)
    proved = str(pydp.check(box.astype("float32")))
    assert "..." in declared and proved.split(" where ")[0] == declared


@pytest.mark.parametrize(("box", "shape"), BOXES, ids=named)
def test_lists_of_numbers_and_too_few_axes(box, shape):
    box.astype("float32")
    a = real(*shape).astype("float32")
    assert_close(box(a.tolist()).numpy(), box(pydp.tensor(a)).numpy(), 0, "a list")
    for rank in range(len(shape)):
        with pytest.raises(ValueError, match=rf"{type(box).__name__}: x must be \[\.\.\., c, "):
            box(pydp.zeros(shape[:rank]))


def test_places_of_the_largest():
    x = pydp.tensor(real(2, 3, 4, 7, 8))
    for box in (nn.MaxPool2d(3, 2, return_indices=True), nn.AdaptiveMaxPool2d(2, True)):
        y, places = box(x)
        want, where = box(x.reshape((6, 4, 7, 8)))
        assert y.shape == places.shape == (2, 3, *want.shape[1:])
        assert np.array_equal(places.numpy().reshape(where.shape), where.numpy())
        pydp.check(box)


def test_output_size_of_all_axes():
    box = nn.ConvTranspose2d(4, 6, 3, stride=2)
    for head in ((), (2,), (2, 3)):
        x = pydp.zeros((*head, 4, 5, 5))
        assert box(x, (12, 11)).shape == box(x, (*head, 6, 12, 11)).shape == (*head, 6, 12, 11)


def test_a_batch_of_batches_moves_the_statistics_as_one():
    one, other = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
    a = real(6, 4, 3, 2).astype("float32")
    one(pydp.tensor(a))
    other(pydp.tensor(a.reshape(2, 3, 4, 3, 2)))
    for (name, x), (_, y) in zip(one.named_buffers(), other.named_buffers(), strict=True):
        assert np.array_equal(x.numpy(), y.numpy()), name
    assert pydp.check(nn.BatchNorm2d(4)).names == ("h", "w")


def test_an_error_tells_the_shape_that_came():
    with pytest.raises(ValueError) as caught:
        nn.Sequential(nn.BatchNorm2d(4))(pydp.zeros((2, 3, 5, 6, 7)))
    assert str(caught.value) == (
        "Sequential/0: BatchNorm2d: batch_norm: x must have 4 channels on axis 1, got shape "
        "(6, 5, 6, 7); x was given as (2, 3, 5, 6, 7)"
    )
