"""pydp in two minutes: what it is for, each step a test that reads like a sentence or two.

Begin here. Everything runs in a second or so; when one of these fails, look here first.
"""

import numpy as np
import pytest

import pydp
from pydp import nn, optim


def test_a_tensor_is_an_array():
    x = pydp.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert x.shape == (2, 3)
    assert x.dtype == np.float32  # Python's floats make float32
    assert (2 * x + 1).sum().item() == 48
    assert x[0, 1].item() == 2


def test_it_remembers_how_it_was_computed():
    x = pydp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = (x * x).sum()  # y = x0² + x1² + x2²
    y.backward()  # so dy/dx = 2x
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4, 6])


def test_gradients_are_functions_too():
    def cube(x):
        return (x * x * x).sum()

    x = pydp.tensor([2.0])
    slope = pydp.grad(cube)  # 3x²
    assert slope(x).item() == 12
    assert pydp.grad(lambda x: slope(x).sum())(x).item() == 12  # 6x


def test_nothing_is_recorded_where_nothing_is_learnt():
    w = pydp.tensor([1.0], requires_grad=True)
    with pydp.no_grad():
        assert not (w * 2).requires_grad
    assert (w * 2).requires_grad


def test_a_mistake_is_named():
    with pytest.raises(ValueError, match="add: shapes do not broadcast"):
        pydp.tensor([1.0, 2.0]) + pydp.tensor([1.0, 2.0, 3.0])


def two_clouds(n):
    """n points around (-1, -1) and n around (1, 1), and which of the two: -1 or 1."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 0.5, (2 * n, 2))
    side = np.repeat([-1.0, 1.0], n)
    return pydp.tensor(points + side[:, None]), pydp.tensor(side)


def test_a_perceptron_by_hand():
    """Rosenblatt's: for each point on the wrong side, move the line towards it."""
    points, side = two_clouds(100)
    w = pydp.tensor([0.0, 0.0], dtype="float64", requires_grad=True)
    for _ in range(20):
        loss = pydp.relu(0.1 - side * (points * w).sum(axis=1)).mean()
        loss.backward()
        with pydp.no_grad():
            w -= 0.5 * w.grad
        w.grad = None
    right = np.sign((points * w).sum(axis=1).numpy()) == side.numpy()
    assert right.mean() > 0.97


def test_a_network_learns_xor():
    """The problem that one perceptron cannot solve, and two layers can."""
    pydp.manual_seed(1)
    x = pydp.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    target = np.array([0, 1, 1, 0])
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    learn = optim.Adam(model.parameters(), lr=0.05)
    for _ in range(150):
        learn.zero_grad()
        loss = pydp.cross_entropy(model(x), target)
        loss.backward()
        learn.step()
    assert loss.item() < 0.05
    assert (model(x).numpy().argmax(axis=1) == target).all()


def test_the_same_bits_on_one_thread_and_two():
    before = pydp.get_num_threads()
    x = pydp.tensor(np.random.default_rng(0).normal(size=(300, 400)))
    results = []
    try:
        for threads in (1, 2):
            pydp.set_num_threads(threads)
            results.append((x @ x.T).sum().item())
    finally:
        pydp.set_num_threads(before)
    assert results[0] == results[1]
