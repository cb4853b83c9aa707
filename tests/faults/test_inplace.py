"""Writes in place: backward never reads what was written since, and views keep their meaning.

A test's first line is the fault.
"""

import numpy as np
import pytest

import pydp
from harness import torch
from pydp import nn, optim


def leaf(*values):
    return pydp.tensor(list(values), requires_grad=True)


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
        r".*test_inplace.py:\d+ in <lambda>$"
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
    with pytest.raises(RuntimeError, match=r"modified .* changed by index assignment at .*inplace"):
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
    with pytest.raises(RuntimeError, match=r"linear: .* changed by SGD.step at .*test_inplace.py:"):
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
