"""Autodiff: gradients are right or there is an error, and an exception leaves things as they were.

A test's first line is the fault.
"""

import asyncio
import threading

import numpy as np
import pytest

import pydp
from pydp import _graph, nn, optim
from pydp._op import Op


def leaf(*values):
    return pydp.tensor(list(values), requires_grad=True)


# ---- calls of backward ---------------------------------------------------------------------------


def test_a_second_backward():
    """Backward goes through a graph again whose saved values are released."""
    x = leaf(2.0)
    y = pydp.exp(x) * x
    for _ in range(2):
        y.backward(retain_graph=True)
    once = y.item() + np.exp(2.0)
    assert x.grad.item() == pytest.approx(2 * once, rel=1e-6)
    y.backward()
    with pytest.raises(
        RuntimeError, match=r"multiply: backward goes .* second time.*retain_graph="
    ):
        y.backward()
    assert x.grad.item() == pytest.approx(3 * once, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: (x * x).backward(), RuntimeError, r"give a gradient of shape \(2,\)"),
        (lambda x: pydp.ones(1).backward(), RuntimeError, "the tensor does not require grad"),
        (lambda x: (x > 0).backward(), RuntimeError, "the tensor does not require grad"),
        (lambda x: (x * x).detach().sum().backward(), RuntimeError, "does not require grad"),
        (lambda x: x.sum().backward(1.0), TypeError, "gradient must be a tensor, got float"),
        (lambda x: x.backward(np.ones(2)), TypeError, "gradient must be a tensor, got ndarray"),
        (
            lambda x: x.backward(pydp.ones(1)),
            ValueError,
            r"must have shape \(2,\) and float32, got",
        ),
        (lambda x: x.backward(pydp.ones((1, 2))), ValueError, r"got \(1, 2\)"),
        (lambda x: x.backward(pydp.ones(2, dtype="float64")), ValueError, "and float64"),
        (lambda x: x.backward(pydp.ones(2, dtype="int64")), ValueError, "and int64"),
    ],
)
def test_a_backward_that_has_no_meaning(call, error, message):
    """Backward of several elements without a gradient, of a constant, with a gradient that does not
    fit."""
    x = leaf(1.0, 2.0)
    with pytest.raises(error, match=f"backward: .*{message}"):
        call(x)
    assert x.grad is None


def test_a_gradient_that_is_not_there():
    """An operation without a (second) derivative gives zeros instead of an error."""

    class Plain(Op):  # no name, so it is not registered
        forward = staticmethod(lambda needs, x: (x + 1, None))

    Plain.name = "plain"
    x = leaf(1.0)
    with pytest.raises(NotImplementedError, match="plain has no gradient"):
        _graph.apply(Plain, (x,)).backward()

    class Once(Op):
        forward = staticmethod(lambda needs, x: (x * x, (x,)))
        backward = staticmethod(lambda saved, dy, needs: (_graph.apply(Plain, (dy * saved[0],)),))

    with pytest.raises(NotImplementedError, match="plain has no gradient"):
        pydp.grad(lambda x: pydp.grad(lambda x: _graph.apply(Once, (x,)))(x))(pydp.tensor(2.0))


# ---- parameters ----------------------------------------------------------------------------------


def test_a_parameter_in_several_places():
    """A shared parameter's gradient is counted once, or twice as often as it should; it is stepped
    twice; its tie is lost in a state."""

    class Tied(nn.Module):
        def __init__(self):
            self.a = nn.Linear(2, 2, bias=False)
            self.b = nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x)) + self.a(x)

    net = Tied()
    w = net.a.weight
    x = pydp.ones((1, 2))
    net(x).sum().backward()
    want = pydp.grad(lambda w: (x @ w.T @ w.T + x @ w.T).sum())(w.detach())
    np.testing.assert_allclose(w.grad.numpy(), want.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match="is given twice"):
        optim.SGD([w, w], lr=0.1)
    before = w.numpy().copy()
    optim.SGD(net.parameters(), lr=1.0).step()
    np.testing.assert_allclose(w.numpy(), before - want.numpy(), rtol=1e-5)
    state = net.state_dict()
    assert list(state) == ["a.weight", "b.weight"]
    assert state["a.weight"] is state["b.weight"]
    net.load_state_dict(state)
    assert net.a.weight is net.b.weight is w


# ---- contexts ------------------------------------------------------------------------------------


def test_detach():
    """A detached tensor copies, or still leads gradients on."""
    x = leaf(1.0, 2.0)
    y = x * 3.0
    d = y.detach()
    assert np.shares_memory(d.numpy(), y.numpy())
    (d * d + y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3, 3])


def records():
    return (leaf(1.0) * 1.0).requires_grad


def test_no_grad_that_does_not_end():
    """Recording stays off after a nested block, an exception, a generator or a decorated call."""
    with pydp.no_grad():
        with pydp.enable_grad(), pydp.no_grad():
            assert not records()
        assert not records()
        with pytest.raises(ZeroDivisionError), pydp.enable_grad():
            raise ZeroDivisionError
        assert not records()
    assert records()

    @pydp.no_grad()
    def steps():
        try:
            got = yield records()
            yield records(), got
        except KeyError:
            yield "thrown"
        return "returned"

    generator = steps()
    assert next(generator) is False
    assert records()  # between its steps
    assert generator.send(3) == (False, 3)
    assert generator.throw(KeyError()) == "thrown"
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "returned"
    unfinished = steps()
    next(unfinished)
    unfinished.close()
    once = pydp.no_grad()  # one object for two blocks, one within the other
    with once, once:
        assert not records()
    assert records()

    def backward_that_fails():
        y = leaf(1.0) * 1.0
        y.register_hook(lambda g: 1 / 0)
        y.backward()

    with pytest.raises(ZeroDivisionError):
        backward_that_fails()
    assert records()


def test_no_grad_of_another_thread_or_task():
    """Recording is turned off for other threads or asyncio tasks too."""
    seen = []
    turns = threading.Barrier(2)

    def off():
        with pydp.no_grad():
            turns.wait()
            seen.append(("off", records()))
            turns.wait()

    def on():
        turns.wait()
        seen.append(("on", records()))
        turns.wait()

    threads = [threading.Thread(target=f) for f in (off, on)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(seen) == [("off", False), ("on", True)]

    @pydp.no_grad()
    async def quiet(other):
        await other.wait()
        return records()

    async def tasks():
        event = asyncio.Event()
        task = asyncio.create_task(quiet(event))
        await asyncio.sleep(0)
        assert records()
        event.set()
        assert await task is False
        return records()

    assert asyncio.run(tasks())


# ---- exceptions and hooks ------------------------------------------------------------------------


class OddError(Exception):
    """An exception that pydp does not know."""


@pytest.mark.parametrize("place", ["function", "hook", "leaf", "module"])
def test_an_exception_in_backward(place):
    """An exception in a hook or a user's backward changes its type, leaves some gradients added, or
    a lock held."""
    fails = [True]

    def maybe(*_):
        if fails:
            raise OddError("here")

    class Strict(pydp.Function):
        @staticmethod
        def forward(x):
            return x * 1.0, None

        @staticmethod
        def backward(saved, dy):
            maybe()
            return dy

    a, b = leaf(1.0), leaf(2.0)
    a.grad = pydp.tensor([10.0])
    middle = b * 1.0
    if place == "function":
        middle = Strict.apply(middle)
    elif place == "module":
        net = nn.Tanh()
        net.register_full_backward_hook(maybe)
        middle = net(middle) * 0.0 + middle
    else:
        (middle if place == "hook" else b).register_hook(maybe)
    y = (a * 2.0 + middle * 3.0).sum()
    for _ in range(2):
        with pytest.raises(OddError, match=r"^(Tanh: )?here$"):
            y.backward(retain_graph=True)
        assert a.grad.item() == 10
        assert b.grad is None
    fails.clear()
    other = threading.Thread(target=lambda: (leaf(1.0) * 1.0).backward())
    other.start()
    other.join(10)
    assert not other.is_alive()
    y.backward()
    assert (a.grad.item(), b.grad.item()) == (12, 3)


def test_no_memory_for_one_of_the_gradients(monkeypatch):
    """Gradients are added to some leaves, and then memory is short."""
    a, b, c = leaf(1.0), leaf(2.0), leaf(3.0)
    for x in (a, b, c):
        x.grad = pydp.tensor([5.0])
    add, calls = pydp.Tensor.__add__, []

    def scarce(x, y):
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError
        return add(x, y)

    y = pydp.stack([a, b, c]).sum()
    monkeypatch.setattr(pydp.Tensor, "__add__", scarce)
    with pytest.raises(MemoryError):
        y.backward()
    assert [x.grad.item() for x in (a, b, c)] == [5, 5, 5]


def test_hooks_that_misbehave():
    """A hook returns what does not fit, removes itself, or calls backward itself."""
    x, seen = leaf(1.0, 2.0), []
    for wrong in (3, "text", pydp.ones(3), pydp.ones(2, dtype="float64")):
        y = x * 1.0
        y.register_hook(lambda g, wrong=wrong: wrong)
        with pytest.raises(TypeError, match="a hook must return None or a tensor of shape"):
            y.sum().backward()
    assert x.grad is None
    y = x * 1.0

    def hook(g):
        seen.append(g)
        handle.remove()
        with pydp.enable_grad():
            (x * 2.0).sum().backward()  # the same leaf

    handle = y.register_hook(hook)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert len(seen) == 1
    np.testing.assert_array_equal(x.grad.numpy(), [4, 4])
