"""Parallel: several boxes on one input."""

import pytest

import pydp
from pydp import nn
from pydp._size import SignatureError


def test_results_beside_each_other():
    x = pydp.tensor([[1.0, -2.0]])
    f, g = nn.Linear(2, 3), nn.Linear(2, 5)
    assert [y.tolist() for y in nn.Parallel(f, g)(x)] == [f(x).tolist(), g(x).tolist()]
    assert nn.Parallel(f, g, join="concat")(x).tolist() == pydp.concat([f(x), g(x)], -1).tolist()
    assert nn.Parallel(f, nn.Linear(2, 3), join="add")(x).shape == (1, 3)
    assert nn.Parallel(nn.ReLU(), nn.Identity(), join="add")(x).tolist() == [[2.0, -2.0]]


def test_channels_of_images():
    boxes = nn.Conv2d(4, 3, 1), nn.Conv2d(4, 5, 3, padding=1)
    net = nn.Parallel(*boxes, join="concat", axis=-3)
    assert net.type == "real[..., 4, h, w] -> real[..., 8, h, w]"
    assert net(pydp.zeros((2, 4, 6, 7))).shape == (2, 8, 6, 7)


def test_types():
    f, g = nn.Linear(4, 3), nn.Linear(4, 5)
    assert nn.Parallel(f, g).type == "real[..., 4] -> (real[..., 3], real[..., 5])"
    assert str(pydp.check(nn.Parallel(f, g))) == nn.Parallel(f, g).type
    joined = nn.Parallel(f, g, nn.Linear(4, 1), join="concat")
    assert str(pydp.check(joined)) == joined.type == "real[..., 4] -> real[..., 9]"
    assert nn.Parallel(nn.Identity(), f).type == "real[..., 4] -> (any, real[..., 3])"


def test_what_does_not_fit_is_refused():
    f = nn.Linear(4, 3)
    with pytest.raises(SignatureError, match=r"4 \(input axis -1 of 0: Linear\(4, 3\)\) against 5"):
        nn.Parallel(f, nn.Linear(5, 3))
    with pytest.raises(SignatureError, match=r"3 \(output axis -1 of 0: Linear.* against 5"):
        nn.Parallel(f, nn.Linear(4, 5), join="add")
    with pytest.raises(SignatureError, match=r"w \(output axis -1 of 0: Conv2d.* against w - 2"):
        nn.Parallel(nn.Conv2d(4, 3, 1), nn.Conv2d(4, 5, 3), join="concat", axis=-3)
    with pytest.raises(ValueError, match="Parallel: give at least one module"):
        nn.Parallel()
    with pytest.raises(ValueError, match="Parallel: join must be one of None, 'concat', 'add'"):
        nn.Parallel(f, join="sum")
    with pytest.raises(ValueError, match="Parallel: axis is counted from the end"):
        nn.Parallel(f, join="concat", axis=1)
