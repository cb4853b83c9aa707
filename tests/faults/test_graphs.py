"""Graphs that are long, wide or knotted, and the memory that a graph holds.

A test's first line is the fault.
"""

import gc
import weakref

import pytest

import pydp
from processes import printed
from pydp import _kernels, nn


def leaf(*values):
    return pydp.tensor(list(values), requires_grad=True)


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
