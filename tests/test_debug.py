"""debug: the first number that is not finite is named, with module, op, line and index."""

import asyncio
import inspect
import threading

import numpy as np
import pytest

import pydp
from pydp import _context, nn


def line(offset=0):
    """file:number of the caller's line."""
    frame = inspect.currentframe().f_back
    return f"test_debug.py:{frame.f_lineno + offset} in {frame.f_code.co_name}"


class Scale(nn.Module):
    def __init__(self, by):
        self.weight = nn.Parameter(pydp.tensor(by))

    def forward(self, x):
        return x / self.weight


def test_forward():
    net = nn.Sequential(nn.ReLU(), nn.Sequential(Scale([1.0, 0.0])))
    x = pydp.tensor([[1.0, 2.0], [1.0, 3.0]])
    net(x)  # nothing is said without
    with pytest.raises(FloatingPointError) as raised, pydp.debug():
        net(x)
    text = str(raised.value)
    assert text.startswith(
        "Sequential/1.0: Scale: divide: the result is inf at [0, 1] (and 1 more); its inputs are "
        "finite; "
    )
    assert text.endswith("in forward")
    assert "test_debug.py:" in text


def test_an_input_that_came_in_so():
    x = pydp.tensor([1.0, np.nan])
    with pytest.raises(FloatingPointError) as raised, pydp.debug():
        x + x
    where = line(-1)
    text = str(raised.value)
    assert text.startswith("add: the result is nan at [1]; input 0 is nan at [1] already; ")
    assert text.endswith(where)


def test_backward_names_the_place_of_the_forward_operation():
    net = nn.Sequential(nn.Linear(2, 2), Scale([1.0, 1.0]))

    class Root(nn.Module):
        def __init__(self):
            self.net = net

        def forward(self, x):
            return pydp.sqrt(pydp.abs(self.net(x)) * 0.0)

    root = Root()
    with pydp.debug():
        y = root(pydp.ones((1, 2)))
        with pytest.raises(FloatingPointError) as raised:
            y.sum().backward()
    text = str(raised.value)
    assert text.startswith("Root: sqrt: backward gives input 0 a gradient that is inf at [0, 0] (")
    assert "test_debug.py:" in text
    assert text.endswith("in forward")
    assert net[0].weight.grad is None


def test_a_gradient_given_or_made_by_a_hook():
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    with pydp.debug():
        y = x * 2.0
        where = line(-1)
        with pytest.raises(FloatingPointError) as raised:
            y.backward(pydp.tensor([1.0, np.inf]))
        assert "inf at [1]" in str(raised.value)
        y.register_hook(lambda g: pydp.tensor([np.nan, 1.0]))
        with pytest.raises(FloatingPointError) as raised:
            y.sum().backward()
    assert str(raised.value).startswith("multiply: backward begins with a gradient that is nan at ")
    assert str(raised.value).endswith(where)


def test_gradients_of_gradients_name_the_first_forward_operation():
    x = pydp.tensor([4.0, 0.0], requires_grad=True)
    with pydp.debug():
        y = (x * pydp.sqrt(x + 1e-30)).sum()
        where = line(-1)
        y.backward(create_graph=True)
        g = x.grad
        with pytest.raises(FloatingPointError) as raised:
            for _ in range(4):
                g, x.grad = x.grad, None
                g.sum().backward(create_graph=True)
    assert str(raised.value).endswith(where)


def test_infinity_may_be_meant():
    mask = pydp.tensor([0.0, -np.inf])
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    with pydp.debug(inf=False):
        pydp.softmax(x + mask).sum().backward()
        with pytest.raises(FloatingPointError, match=r"subtract: the result is nan at \[1\]"):
            mask - mask
    with pytest.raises(FloatingPointError, match=r"add: the result is -inf at \[1\]"), pydp.debug():
        x + mask


def test_inside_remat_it_sees_the_operation_itself():
    x = pydp.tensor([0.0], requires_grad=True)
    with pydp.debug():
        y = pydp.remat(lambda x: pydp.sqrt(x) * 1.0, x)
        with pytest.raises(FloatingPointError, match="sqrt: backward gives input 0 a gradient tha"):
            y.sum().backward()


def test_several_results_and_functions():
    class Split(pydp.Function):
        @staticmethod
        def forward(x):
            return (x * 1.0, pydp.tensor([np.inf])), None

        @staticmethod
        def backward(saved, dys):
            return dys[0]

    with pydp.debug(), pytest.raises(FloatingPointError, match=r"\w+: the result is inf at \[0\]"):
        Split.apply(pydp.ones(1))


def test_it_ends_with_its_block_and_stays_in_its_thread():
    bad = lambda: pydp.log(pydp.tensor([-1.0]))  # noqa: E731
    seen = []

    async def other():
        bad()
        seen.append("task")

    async def debugging():
        with pydp.debug():
            await asyncio.gather(
                asyncio.create_task(other(), context=__import__("contextvars").Context())
            )

    with pydp.debug():
        thread = threading.Thread(target=lambda: seen.append(bad().item()))
        thread.start()
        thread.join()
    asyncio.run(debugging())
    assert np.isnan(seen[0])
    assert seen[1:] == ["task"]
    with pytest.raises(ZeroDivisionError), pydp.debug():
        raise ZeroDivisionError
    bad()
    assert _context.watched == []


def test_it_is_a_decorator_too():
    @pydp.debug()
    def f(x):
        return pydp.log(x)

    for _ in range(2):
        with pytest.raises(FloatingPointError, match="log"):
            f(pydp.tensor([-1.0]))


def test_what_was_recorded_outside():
    x = pydp.tensor([0.0], requires_grad=True)
    y = pydp.sqrt(x)
    with (
        pydp.debug(),
        pytest.raises(FloatingPointError, match=r"it was recorded outside debug\(\)"),
    ):
        y.backward()


def test_errors_of_in_place_writes_name_both_lines():
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    with pydp.debug():
        y = x * 1.0
        z = y * y
        saved = line(-1)
        y += 1.0
        written = line(-1)
        with pytest.raises(RuntimeError) as raised:
            z.sum().backward()
    text = str(raised.value)
    assert text.startswith("multiply: a tensor saved for backward, shape (2,), was modified")
    assert f"it was last changed by += at {__file__.rpartition('/')[0]}/{written}" in text
    assert text.endswith(f"it was saved at {__file__.rpartition('/')[0]}/{saved}")
