"""Collapse: each way, with and without padding."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real
from pydp import nn

N, T, D = 4, 5, 3
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0]], bool)
BY_HAND = {
    "first": lambda x: x[0], "last": lambda x: x[-1],
    "mean": lambda x: x.sum(0) / len(x), "max": lambda x: x.max(0),
}  # fmt: skip
each = pytest.mark.parametrize("how", BY_HAND)


@each
@pytest.mark.parametrize("masked", [False, True])
def test_value_and_gradient(how, masked):
    model, x = nn.Collapse(how), real(N, T, D)
    ours = pydp.tensor(x, requires_grad=True)
    y = model(ours, MASK if masked else None)
    rows = [row[keep] if masked else row for row, keep in zip(x, MASK, strict=True)]
    want = np.array([BY_HAND[how](row) if len(row) else np.zeros(D) for row in rows])
    assert_close(y.numpy(), want, 1e-14, how)
    dy = real(N, D, seed=1)
    (y * pydp.tensor(dy)).sum().backward()
    step, slope = 1e-6, np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved = []
        for sign in (1, -1):
            x[index] += sign * step
            moved.append((model(pydp.tensor(x), MASK if masked else None).numpy() * dy).sum())
            x[index] -= sign * step
        slope[index] = (moved[0] - moved[1]) / (2 * step)
    assert_close(ours.grad.numpy(), slope, 1e-7, "gradient")


@each
def test_padding_takes_no_part(how):
    model, x = nn.Collapse(how), real(N, T, D)
    clean = model(pydp.tensor(x), MASK).numpy()
    x[~MASK] = np.nan
    given = pydp.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(model(given, MASK).numpy(), clean)
    model(given, MASK).sum().backward()
    assert not given.grad.numpy()[~MASK].any()


@each
def test_leading_axes(how):
    model, x = nn.Collapse(how), pydp.tensor(real(2, N, T, D))
    assert model(x).shape == (2, N, D) and model(x[0, 0]).shape == (D,)
    np.testing.assert_array_equal(model(x, MASK).numpy()[1], model(x[1], MASK).numpy())
    assert str(nn.Collapse(how, 8).signature) == "(real[..., t, 8], bool[..., t]?) -> real[..., 8]"


def test_type_and_errors():
    assert str(pydp.check(nn.Collapse("max"))) == "(real[..., t, d], bool[..., t]?) -> real[..., d]"
    assert nn.Collapse("max", 8).extra_repr() == "'max', 8"
    with pytest.raises(ValueError, match="Collapse: how must be one of 'first', 'last', 'mean'"):
        nn.Collapse("sum")
    with pytest.raises(ValueError, match=r"Collapse: x must be \[..., t, 8\], got \(2, 3\)"):
        nn.Collapse("max", 8)(pydp.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"Collapse: x must be \[..., t, d\], got \(3,\)"):
        nn.Collapse("max")(pydp.zeros((3,)))
    with pytest.raises(ValueError, match=r"Collapse: mask must be \(2,\), got \(3,\)"):
        nn.Collapse("max")(pydp.zeros((2, 3)), np.ones(3, bool))
