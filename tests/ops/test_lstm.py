"""lstm against its definition, PyTorch and differences; errors by message; Ctrl-C.

The cases are those of recurrent_cases.py.
"""

import signal
import time

import numpy as np
import pytest
from recurrent_cases import cases, examine_backward, examine_cut, examine_final_state

import pydp
from harness import examine, real

CASES = cases("lstm")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_final_state():
    examine_final_state("lstm")


def test_backward():
    examine_backward("lstm")


def test_every_cut_has_the_same_bits():
    examine_cut("lstm")


def test_large_numbers_saturate():
    """FAULTS C50: gates at their limits, no overflow, no NaN."""
    x = pydp.tensor([[[1e4], [-1e4], [3e38]]], requires_grad=True)
    y, (_, c) = pydp.lstm(x, pydp.ones((4, 1)), pydp.ones((4, 1)))
    assert np.isfinite(y.numpy()).all() and np.isfinite(c.numpy()).all()
    y.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_ctrl_c_between_short_steps():
    """FAULTS E76: no single step is long, and yet the walk stops, in both directions; the next call
    is whole. (gru and rnn walk the same way.)"""
    weights = [pydp.tensor(real(*s).astype(np.float32)) for s in ((2048, 1), (2048, 512))]
    x = pydp.zeros((1, 8000, 1), dtype="float32")
    x.requires_grad_(True)

    def interrupted(call):
        began = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            call()
        return time.perf_counter() - began

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        began = time.perf_counter()
        y, _ = pydp.lstm(x, *weights)
        whole = time.perf_counter() - began
        assert interrupted(lambda: pydp.lstm(x, *weights)) < 0.3 + whole / 2
        assert interrupted(lambda: y.backward(pydp.ones(y.shape))) < 0.3 + whole / 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    again, _ = pydp.lstm(x[:, :5], *weights)
    np.testing.assert_array_equal(again.numpy(), y.numpy()[:, :5])


X, W, U = pydp.zeros((2, 5, 3)), pydp.zeros((16, 3)), pydp.zeros((16, 4))
H = pydp.zeros((2, 4))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, W, pydp.zeros((16, 3))), {}, ValueError,
         "lstm: weight_hh must be [4 h, h] with a hidden size h of at least 1, got (16, 3)"),
        ((X, W, pydp.zeros((0, 0))), {}, ValueError,
         "lstm: weight_hh must be [4 h, h] with a hidden size h of at least 1, got (0, 0)"),
        ((X, W, pydp.tensor(1.0)), {}, ValueError,
         "lstm: weight_hh must be [4 h, h] with a hidden size h of at least 1, got ()"),
        ((X, pydp.zeros((16, 2)), U), {}, ValueError,
         "lstm: weight_ih must be (16, 3) for x (2, 5, 3) and weight_hh (16, 4), got (16, 2)"),
        ((pydp.zeros((2, 0, 3)), W, U), {}, ValueError,
         "lstm: x must be [..., t, d] with at least one step t and an input size d of at least 1, "
         "got (2, 0, 3)"),
        ((pydp.zeros(3), W, U), {}, ValueError,
         "lstm: x must be [..., t, d] with at least one step t and an input size d of at least 1, "
         "got (3,)"),
        ((X, W, U, pydp.zeros(4)), {}, ValueError, "lstm: bias_ih must be (16,), got (4,)"),
        ((X, W, U, None, pydp.zeros((16, 1))), {}, ValueError,
         "lstm: bias_hh must be (16,), got (16, 1)"),
        ((X, W, U), {"state": (pydp.zeros((3, 4)), H)}, ValueError,
         "lstm: state[0] must be (2, 4) for x (2, 5, 3) and hidden size 4, got (3, 4)"),
        ((X, W, U), {"state": (H, pydp.zeros((1, 2, 4)))}, ValueError,
         "lstm: state[1] must be (2, 4) for x (2, 5, 3) and hidden size 4, got (1, 2, 4)"),
        ((X, W, U), {"state": H}, TypeError, "lstm: state must be a tuple (h, c), got Tensor"),
        ((X, W, U), {"state": (H,)}, ValueError,
         "lstm: state must be a tuple (h, c), got 1 parts"),
        ((X, W, U), {"state": (H, H.astype("float64"))}, TypeError,
         "lstm: arguments must have one dtype, got x float32, weight_ih float32, weight_hh "
         "float32, state[0] float32, state[1] float64; use astype"),
        ((X, W, U), {"state": (H, H.astype("int64"))}, TypeError,
         "lstm: state[1] must be float32 or float64, got int64; use astype"),
        ((X.astype("float64"), W, U), {}, TypeError,
         "lstm: arguments must have one dtype, got x float64, weight_ih float32, weight_hh "
         "float32; use astype"),
        ((X, W, U), {"lengths": [5, 6]}, ValueError,
         "lstm: lengths[1] is 6, allowed are 0 … 5"),
        ((X, W, U), {"lengths": [-1, 5]}, ValueError,
         "lstm: lengths[0] is -1, allowed are 0 … 5"),
        ((X[0], W, U), {"lengths": 6}, ValueError, "lstm: lengths is 6, allowed are 0 … 5"),
        ((X, W, U), {"lengths": [5]}, ValueError,
         "lstm: lengths must have shape (2,), that of x without its last two axes, got (1,)"),
        ((X, W, U), {"lengths": [5.0, 2.0]}, TypeError,
         "lstm: lengths must be integers, got float32"),
        ((X, W, U), {"lengths": [True, False]}, TypeError,
         "lstm: lengths must be integers, got bool"),
        ((X, W, U), {"lengths": np.array([2**63, 1], np.uint64)}, ValueError,
         "lstm: lengths[0] is 9223372036854775808, allowed are 0 … 5"),
        ((X, W, U), {"reverse": 1}, TypeError, "lstm: reverse must be True or False, got 1"),
    ],
)  # fmt: skip
def test_errors(arguments, options, error, message):
    with pytest.raises(error) as caught:
        pydp.lstm(*arguments, **options)
    assert str(caught.value) == message
