"""functional_call: a module with other parameters for the length of one call."""

import sys
import threading

import numpy as np
import pytest

import pydp
from pydp import nn


class Tied(nn.Module):
    def __init__(self):
        self.first = nn.Linear(2, 2, bias=False)
        self.second = self.first
        self.register_buffer("shift", pydp.zeros(2))

    def forward(self, x):
        return self.second(self.first(x)) + self.shift


def test_the_module_has_its_own_tensors_again():
    net = Tied()
    own = net.first.weight
    x = pydp.tensor([[1.0, 2.0]])
    before = net(x).numpy()
    other = pydp.tensor([[0.0, 2.0], [1.0, 0.0]])
    y = pydp.functional_call(net, {"second.weight": other, "shift": pydp.ones(2)}, x)
    np.testing.assert_array_equal(y.numpy(), [[3, 5]])
    assert net.first.weight is own
    np.testing.assert_array_equal(net(x).numpy(), before)
    with pytest.raises(ValueError, match=r"Tied/first: Linear: "):
        pydp.functional_call(net, {"first.weight": other}, pydp.ones((1, 3)))
    assert net.first.weight is own
    assert net.second.weight is own


def test_a_tie_is_one_parameter():
    net, w = Tied(), pydp.tensor([[1.0, 0.0], [0.0, 2.0]])
    got = pydp.grad(
        lambda w: pydp.functional_call(net, {"first.weight": w}, pydp.ones((1, 2))).sum()
    )(w)
    np.testing.assert_array_equal(got.numpy(), [[2, 3], [3, 4]])  # (Wx)_j + Σ_k W_ki
    with pytest.raises(ValueError, match=r"second.weight is shared, and the state has another"):
        pydp.functional_call(net, {"first.weight": w, "second.weight": w + 0.0}, pydp.ones((1, 2)))
    both = {"first.weight": w, "second.weight": w}
    assert pydp.functional_call(net, both, pydp.ones((1, 2))).shape == (1, 2)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"third.weight": 1}, ValueError, "Tied has no parameter or buffer third.weight"),
        ({"first.weight": 1.0}, TypeError, "first.weight must be a tensor, got float"),
        ([1], TypeError, "state must be a dict, got list"),
    ],
)
def test_errors(state, error, message):
    with pytest.raises(error, match=f"functional_call: {message}"):
        pydp.functional_call(Tied(), state, pydp.ones((1, 2)))
    with pytest.raises(TypeError, match="module must be a module, got str"):
        pydp.functional_call("net", {})


def test_calls_within_calls():
    """The inner call's tensors are gone when the outer one goes on."""
    net, seen = nn.Linear(1, 1, bias=False), []
    one, two = pydp.tensor([[1.0]]), pydp.tensor([[2.0]])

    class Outer(nn.Module):
        def __init__(self):
            self.net = net

        def forward(self, x):
            seen.append(pydp.functional_call(net, {"weight": two}, x).item())
            return self.net(x)

    y = pydp.functional_call(Outer(), {"net.weight": one}, pydp.ones((1, 1)))
    assert (y.item(), seen) == (1, [2])


def test_threads_take_turns():
    net, wrong = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)), []

    def many(k):
        w = pydp.tensor([[float(k)]])
        for _ in range(100):
            y = pydp.functional_call(net, {"0.weight": w, "1.weight": w}, pydp.ones((1, 1)))
            if y.item() != k * k:
                wrong.append((k, y.item()))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=many, args=(k,)) for k in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
