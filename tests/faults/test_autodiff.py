"""Autodiff: gradients are right or there is an error, and an exception leaves things as they were.

A test's first line is the fault.
"""

import asyncio
import gc
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import pydp
from harness import torch
from processes import printed
from pydp import _graph, _kernels, nn, optim
from pydp._op import Op


def leaf(*values):
    return pydp.tensor(list(values), requires_grad=True)


# ---- writes in place -----------------------------------------------------------------------------

WRITES = {
    "+=": lambda y: y.__iadd__(1.0),
    "-=": lambda y: y.__isub__(1.0),
    "*=": lambda y: y.__imul__(2.0),
    "/=": lambda y: y.__itruediv__(2.0),
    "**=": lambda y: y.__ipow__(2.0),
    "index assignment": lambda y: y.__setitem__(0, 5.0),
}


@pytest.mark.parametrize("op", WRITES)
def test_a_write_to_what_backward_needs(op):
    """A tensor that was saved for backward is written before backward reads it."""
    x = leaf(1.0, 2.0)
    y = x * 1.0
    z = y * y
    WRITES[op](y)
    message = (
        r"multiply: a tensor saved for backward, shape \(2,\), was modified by an in-place "
        rf"operation: it is at version 1, expected 0; it was last changed by {WRITES_RE[op]} at "
        r".*test_autodiff.py:\d+ in <lambda>$"
    )
    with pytest.raises(RuntimeError, match=message):
        z.sum().backward()
    assert x.grad is None


WRITES_RE = {op: "".join("\\" + c if c in "+*" else c for c in op) for op in WRITES}


@pytest.mark.parametrize(
    "view",
    [
        lambda m: m.reshape(2, 1),
        lambda m: m[::-1],
        lambda m: m[:1],
        lambda m: m.detach(),
        lambda m: pydp.expand_dims(m, 0)[0],
        lambda m: pydp.permute_dims(m.reshape(2, 1), (1, 0)),
    ],
)
def test_a_write_through_a_view(view):
    """What was saved is written through another tensor that lies in the same memory."""
    x, memory = leaf(1.0, 2.0), pydp.ones(2)
    z = x * memory
    view(memory)[...] = 5.0
    with pytest.raises(
        RuntimeError, match=r"modified .* changed by index assignment at .*autodiff"
    ):
        z.sum().backward()
    with pytest.raises(ValueError, match="read-only"):
        memory.numpy()[0] = 5.0


def test_a_step_between_forward_and_backward():
    """The optimizer, or load_state_dict, changes the weights that backward still needs."""
    net = nn.Linear(2, 2)
    sgd = optim.SGD(net.parameters(), lr=0.1)
    x = pydp.ones((1, 2)).requires_grad_()
    before = net(x).sum()
    net(x).sum().backward()
    sgd.step()
    with pytest.raises(
        RuntimeError, match=r"linear: .* changed by SGD.step at .*test_autodiff.py:"
    ):
        before.backward()
    before = net(x).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="changed by load_state_dict at"):
        before.backward()


@pytest.mark.parametrize("op", WRITES)
def test_a_write_to_a_leaf(op):
    """A leaf that wants a gradient is written while operations are recorded."""
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf that requires grad cannot be changed in place"):
        WRITES[op](x)
    np.testing.assert_array_equal(x.numpy(), [1, 2])
    with pydp.no_grad():
        WRITES[op](x)
    assert x.is_leaf
    assert x.requires_grad


def written(library):
    """Views made before a write, used after it, in pydp and in PyTorch."""
    a, w = (
        library.tensor(v, requires_grad=True) for v in ([1.0, 2.0, 3.0], [5.0])
    )  # fmt: skip
    y = a * 1.0
    head, row, rest = y[:2], y.reshape(3, 1), y[2:]
    first = head[0]
    y[0] = w[0] * 2.0
    total = first * 3.0 + rest.sum()
    y += a
    total = total + (head * head * 4.0).sum() + (row * row).sum()
    total.backward()
    return total.item(), a.grad.tolist(), w.grad.tolist()


def test_a_view_of_what_was_written():
    """A view made before a write keeps its old place in the graph, and gets the wrong gradient."""
    assert written(pydp) == (754, [110, 80, 25], [226])
    if torch is not None:
        assert written(torch) == written(pydp)


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


# ---- sizes of graphs -----------------------------------------------------------------------------

SMALL_STACK = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_STACK, (2 << 20, 2 << 20))\n"
)
SIZES = {
    "a chain of 10^6": """
y = x
for _ in range(1_000_000):
    y = y + x
y.backward()
assert x.grad.item() == 1_000_001
y = x
for _ in range(300_000):
    y = y * 1.0
del y                                       # released without a walk
""",
    "a chain of 10^5, recorded backward": """
y = x
for _ in range(100_000):
    y = y * 1.0
y.backward(create_graph=True)
g, x.grad = x.grad, None
del y, g
""",
    "a fan-in of 10^5": """
pydp.stack([x * 1.0 for _ in range(100_000)]).sum().backward()
assert x.grad.item() == 100_000
""",
    "a fan-out of 10^5": """
parts = [x * 1.0 for _ in range(100_000)]
while len(parts) > 1:
    parts = [a + b for a, b in zip(parts[::2], parts[1::2])] + parts[len(parts) & ~1:]
parts[0].backward()
assert x.grad.item() == 100_000
""",
    "10^5 diamonds, 2^100000 paths": """
y = x
for _ in range(100_000):
    y = y * 0.5 + y * 0.5
y.backward()
assert abs(x.grad.item() - 1) < 1e-3
""",
    "10^5 diamonds in a search": """
def f(x):
    y = x
    for _ in range(20_000):
        y = y * 0.5 + y * 0.5
    return y.sum()
assert abs(pydp.grad(lambda x: pydp.grad(f)(x).sum() + f(x))(x).item() - 1) < 1e-3
assert abs(pydp.remat(f, x).item() - 1) < 1e-3
""",
    "views of views": """
y = x.reshape(1, 1)
for _ in range(50_000):
    y = y.reshape(1).reshape(1, 1)
y.backward(pydp.ones((1, 1)))
assert x.grad.item() == 1
""",
}


@pytest.mark.parametrize("size", SIZES)
def test_a_graph_too_large_for_the_stack(size):
    """A long, wide or knotted graph overflows the stack, or takes a walk for each of its paths."""
    code = f"{SMALL_STACK}import pydp\nx = pydp.tensor([1.0], requires_grad=True)\n{SIZES[size]}"
    assert printed(code + "print('done')", timeout=240) == "done"


# ---- memory --------------------------------------------------------------------------------------


def test_a_graph_that_stays():
    """A graph is kept alive by a cycle of references until the collector runs."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Dropout(0.5), nn.Linear(36, 3))  # fmt: skip
    x, target = pydp.randn(2, 1, 8, 8), pydp.tensor([0, 2])

    def step(**how):
        seen = []
        hidden = net[0](x)
        y = net[1:](hidden)
        loss = (
            pydp.cross_entropy(y, target)
            + pydp.log_softmax(y).max()
            + pydp.remat(pydp.exp, y).sum()
        )
        hidden.register_hook(lambda g: seen.append(g.shape))
        loss.backward(**how)
        net.zero_grad()
        return weakref.ref(hidden), weakref.ref(y), weakref.ref(loss)

    step()
    gc.collect()
    gc.disable()
    try:
        before = _kernels.memory()[0]
        for how in ({}, {"retain_graph": True}, {"create_graph": True}):
            assert [ref() for ref in step(**how)] == [None] * 3
            assert _kernels.memory()[0] == before
        pydp.hessian(lambda w: (pydp.tanh(w) ** 2).sum())(pydp.ones(3))
        pydp.jvp(lambda w: pydp.exp(w), (pydp.ones(3),), (pydp.ones(3),))
        assert _kernels.memory()[0] == before
        with pytest.raises(ZeroDivisionError):
            y = net(x)
            y.register_hook(lambda g: 1 / 0)
            y.sum().backward()
        del y
    finally:
        gc.enable()


def test_a_hook_that_holds_its_tensor():
    """A hook that closes over its tensor is a cycle: the collector can free it, nothing leaks."""
    x = leaf(1.0)
    y = x * 2.0
    y.register_hook(lambda g, y=y: g * y.item())
    ref = weakref.ref(y)
    del y
    gc.collect()
    assert ref() is None


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


# ---- threads -------------------------------------------------------------------------------------


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
