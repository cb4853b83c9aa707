"""Autodiff with threads: shared leaves, shared graphs, and an exit at any moment.

A test's first line is the fault.
"""

import sys
import threading
import time

import numpy as np
import pytest

import pydp
from processes import printed
from pydp import nn


def leaf(*values):
    return pydp.tensor(list(values), requires_grad=True)


def in_threads(count, work):
    """Run work(i) in as many threads; what they raised."""
    raised = []

    def guarded(i):
        try:
            work(i)
        except Exception as error:
            raised.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # a thread loses its turn at any moment
    try:
        threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert not any(t.is_alive() for t in threads)
    return raised


def test_leaves_shared_by_threads(monkeypatch):
    """Threads that call backward on graphs with common leaves lose each other's gradients."""
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    x = pydp.tensor([[1.0, 2.0, 3.0]])
    once = [g.numpy() for g in gradients_of(net, x)]

    add = pydp.Tensor.__add__

    def slow(a, b):
        time.sleep(1e-4)  # between reading a gradient and writing the sum
        return add(a, b)

    def work(_):
        for _ in range(20):
            net(x).sum().backward()

    monkeypatch.setattr(pydp.Tensor, "__add__", slow)
    assert in_threads(4, work) == []
    for p, g in zip(net.parameters(), once, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), 80 * g, rtol=1e-4)


def gradients_of(net, x):
    state = net.state_dict()
    return pydp.grad(lambda s: pydp.functional_call(net, s, x).sum())(state).values()


def test_one_graph_walked_by_threads():
    """Two threads walk one graph: with retain_graph both are right, without it one may be refused,
    and none reads what the other has released."""
    x = leaf(*[0.5] * 100)
    y = x
    for _ in range(50):
        y = pydp.sin(y) * y + y
    total = y.sum()
    total.backward(retain_graph=True)
    once, x.grad = x.grad.numpy().copy(), None
    assert in_threads(4, lambda _: total.backward(retain_graph=True)) == []
    np.testing.assert_allclose(x.grad.numpy(), 4 * once, rtol=1e-5)
    x.grad = None
    raised = in_threads(4, lambda _: total.backward())
    assert all(isinstance(e, RuntimeError) and "a second time" in str(e) for e in raised)
    if len(raised) == 4:
        assert x.grad is None
    else:
        np.testing.assert_allclose(x.grad.numpy(), (4 - len(raised)) * once, rtol=1e-5)


EXITS = """
import sys, threading, time
import numpy as np, pydp
sys.setswitchinterval(1e-5)
x = pydp.tensor(np.ones(100_000, np.float32), requires_grad=True)
def work():
    while True:
        y = x
        for _ in range(20):
            y = pydp.exp(y * 0.01)
        y.register_hook(lambda g: g * 1.0)
        y.sum().backward()
        x.grad = None
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
class Late:
    def __del__(self):
        y = (x * 2.0).sum()      # at the very end, when modules are being cleared
        y.backward()
late = Late()
time.sleep({seconds})
"""


def test_an_exit_during_backward():
    """The interpreter ends while threads are in backward, and crashes."""
    for i in range(12):
        printed(EXITS.format(seconds=0.01 + 0.007 * i), timeout=30)


EXIT_IN_A_KERNEL = """
import threading, time
import pydp
x = pydp.ones((1500, 1500))
def work():
    while True:
        x @ x
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
class Late:
    def __del__(self):
        x @ x
late = Late()
time.sleep({seconds})
"""


def test_an_exit_during_long_kernels():
    """The interpreter is gone, and a thread in a kernel asks it for signals."""
    for i in range(8):
        printed(EXIT_IN_A_KERNEL.format(seconds=0.05 + 0.05 * i), timeout=30)


@pytest.mark.slow
def test_a_thousand_exits_during_backward():
    """The same, a thousand times at other moments."""
    for i in range(1000):
        printed(EXITS.format(seconds=0.0003 * i), timeout=30)


def test_another_number_of_threads_in_backward():
    """The gradients' bits depend on how many threads walked, or when the number was set."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 30 * 30, 5))
    x = pydp.tensor(rng.standard_normal((8, 2, 32, 32)).astype(np.float32))
    before, found = pydp.get_num_threads(), set()
    try:
        for forward, backward in ((1, 1), (2, 2), (1, 2), (2, 1), (3, 5)):
            pydp.set_num_threads(forward)
            loss = (net(x) ** 2).mean()
            pydp.set_num_threads(backward)
            net.zero_grad()
            loss.backward()
            found.add(b"".join(p.grad.numpy().tobytes() for p in net.parameters()))
    finally:
        pydp.set_num_threads(before)
    assert len(found) == 1
