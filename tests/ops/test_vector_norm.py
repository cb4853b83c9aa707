"""vector_norm: every ord by its formula, gradients by differences, and where elements are 0."""

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, assert_close, examine_gradients, real, torch, value

ORDS = [2, 1, 3, 2.5, 0.5, -1, -2.0, 0, np.inf, -np.inf]
AXES = [None, 1, (0, 2)]


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("ord", ORDS)
def test_values_and_gradients(ord, axis):
    x = real(3, 4, 2)
    case = Case("abs", lambda x: pydp.vector_norm(x, axis, ord=ord), [x], str(ord))
    assert_close(value(case, [x]), by_formula(np.abs(x), ord, axis), 1e-13, "vector_norm")
    examine_gradients(case, ISAS[0])


def by_formula(a, ord, axis):
    if np.isinf(ord):
        return (np.max if ord > 0 else np.min)(a, axis=axis)
    if ord == 0:
        return np.count_nonzero(a, axis=axis)
    return np.sum(a**ord, axis=axis) ** (1 / ord)


@pytest.mark.skipif(torch is None, reason="PyTorch, the peer, is not installed")
@pytest.mark.parametrize("ord", [2, 1, 3, 1.5, np.inf])
def test_zeros_have_the_gradient_of_torch(ord):
    for x in (np.zeros((2, 3)), np.array([[0.0, 3.0, -4.0], [0.0, 0.0, 0.0]])):
        t = pydp.tensor(x, requires_grad=True)
        peer = torch.tensor(x, requires_grad=True)
        y = pydp.vector_norm(t, 1, ord=ord)
        z = torch.linalg.vector_norm(peer, ord, 1)
        assert_close(y.numpy(), z.detach().numpy(), 1e-14, "value")
        y.sum().backward()
        z.sum().backward()
        assert_close(t.grad.numpy(), peer.grad.numpy(), 1e-14, "gradient")


def test_axes_and_types():
    x = pydp.tensor([[3.0, 4.0]])
    assert pydp.vector_norm(x, keepdims=True).shape == (1, 1)
    assert pydp.vector_norm(x).dtype == np.float32
    assert pydp.vector_norm(pydp.zeros((0, 3)), axis=0).tolist() == [0.0] * 3
    assert np.isnan(pydp.vector_norm(pydp.tensor([np.nan, 0.0])).item())
    assert pydp.vector_norm(pydp.tensor([np.inf, 0.0])).item() == np.inf


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ord": float("nan")}, ValueError, "vector_norm: ord must be a number, got nan"),
        ({"ord": "fro"}, TypeError, "vector_norm: ord must be a number, got 'fro'"),
        ({"axis": 2}, IndexError, "vector_norm: axis 2 is out of range for 2 axes"),
        ({"axis": (0, 0)}, ValueError, "vector_norm: axis (0, 0) names an axis twice"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error) as raised:
        pydp.vector_norm(pydp.zeros((2, 3)), **arguments)
    assert str(raised.value) == message


def test_integers_are_refused():
    with pytest.raises(TypeError, match="vector_norm: x must be float32 or float64, got int64"):
        pydp.vector_norm(pydp.tensor([1, 2]))
