"""Numbers at their ends: NaN, infinities, huge and denormal ones, zeros, ties.

A test's first line is the fault. Each runs on every instruction set; no warning may be raised.
"""

import math
import threading

import numpy as np
import pytest

import pydp
from harness import ISAS, setting, torch
from pydp import optim

INF, NAN = math.inf, math.nan
BIG = 3e38  # near the largest float32
TINY = 1e-40  # denormal in float32


@pytest.fixture(params=ISAS, autouse=True)
def isa(request):
    with setting(request.param, threads=2):
        yield request.param


def tensor(values, dtype="float32"):
    return pydp.tensor(values, dtype=dtype).requires_grad_()


def slopes(call, *inputs, dtype="float32"):
    """The value of a call and the gradient of its sum for each input, as lists."""
    leaves = [tensor(x, dtype) for x in inputs]
    y = call(*leaves)
    pydp.sum(y).backward()
    grads = [x.grad.tolist() if x.grad is not None else None for x in leaves]
    return y.tolist(), *grads


def same(got, want):
    """Equal, NaN where NaN is wanted, and zeros of the same sign."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    np.testing.assert_array_equal(got, want)
    zero = want == 0
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(want[zero]))


# ---- max-pool ----------------------------------------------------------------------------------


def pooled(window, padding=0):
    """Value and gradient of one row of pixels, a single window of it."""
    x = tensor([[[window]]])
    y = pydp.max_pool2d(x, (1, len(window)), stride=(1, 2), padding=(0, padding))
    pydp.sum(y).backward()
    return y.numpy()[0, 0, 0].tolist(), x.grad.numpy()[0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("window", "value", "gradient"),
    [
        ([1, NAN, 3], NAN, [0, 1, 0]),
        ([NAN, INF, 3], NAN, [1, 0, 0]),
        ([-INF, -INF, -INF], -INF, [1, 0, 0]),
        ([-INF, -BIG, -INF], np.float32(-BIG), [0, 1, 0]),
        ([INF, INF, 0], INF, [1, 0, 0]),
        ([2, 5, 5], 5, [0, 1, 0]),
        ([0, 0, 0], 0, [1, 0, 0]),
        ([-0.0, 0.0, -1], 0, [1, 0, 0]),
    ],
)
def test_max_pool_of_nan_infinities_and_ties(window, value, gradient):
    """A NaN in a window is its maximum; a window of -inf has one, and a place for its gradient;
    of equal entries the first takes all of it."""
    got, grad = pooled(window)
    np.testing.assert_array_equal(got, [value])
    assert grad == gradient


def test_max_pool_padding_is_minus_infinity():
    """Padding is no zero: it never wins, not over negative entries and not over -inf."""
    assert pooled([-5, -7, -9], padding=1) == ([-5, -7], [1, 1, 0])
    assert pooled([-INF, -INF, -INF], padding=1) == ([-INF, -INF], [1, 1, 0])
    same(pooled([-1, -2, NAN], padding=1)[0], [-1, NAN])


# ---- softmax and its kin -----------------------------------------------------------------------

HALF = math.log(0.5)
ROWS = [
    ([1e4, -1e4], [1, 0], [0, -2e4]),
    ([-1e4, -1e4], [0.5, 0.5], [HALF, HALF]),
    ([BIG, BIG], [0.5, 0.5], [HALF, HALF]),
    ([BIG, -BIG], [1, 0], [0, -INF]),
    ([-BIG, -BIG], [0.5, 0.5], [HALF, HALF]),
    ([0, -INF], [1, 0], [0, -INF]),
    ([INF, 0], [NAN, NAN], [NAN, NAN]),
    ([-INF, -INF], [NAN, NAN], [NAN, NAN]),
    ([NAN, 0], [NAN, NAN], [NAN, NAN]),
]


@pytest.mark.parametrize(("row", "shares", "logs"), ROWS)
def test_softmax_of_extreme_rows(row, shares, logs):
    """Logits of ±1e4 and ±3e38 overflow nothing; +inf, NaN or -inf alone make a row of NaN; other
    rows do not notice."""
    x = pydp.tensor([[0.0, 0.0], row, [0.0, 0.0]])
    for call, want, calm in ((pydp.softmax, shares, 0.5), (pydp.log_softmax, logs, HALF)):
        y = call(x).numpy()
        np.testing.assert_allclose(y[1], want, rtol=1e-6)
        np.testing.assert_allclose(y[[0, 2]], calm, rtol=1e-6)
    if np.isfinite(logs).all():
        _, grad = slopes(lambda x: pydp.log_softmax(x)[1], row)
        np.testing.assert_allclose(grad, np.array([0, 1]) - shares, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "value", "gradient"),
    [
        ([-INF, -INF], -INF, [0, 0]),
        ([-INF, 2], 2, [0, 1]),
        ([1e4, -1e4], 1e4, [1, 0]),
        ([BIG, -BIG], np.float32(BIG), [1, 0]),
        ([INF, 1], INF, [NAN, 0]),
        ([NAN, 1], NAN, [NAN, NAN]),
    ],
)
def test_logsumexp_of_infinities(row, value, gradient):
    """The logarithm of no sum at all is -inf, with a gradient of 0 and not NaN; +inf stays."""
    y, grad = slopes(lambda x: pydp.logsumexp(x, axis=0), row)
    np.testing.assert_array_equal(y, value)
    np.testing.assert_array_equal(grad, gradient)


@pytest.mark.parametrize("smoothing", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("row", [[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [0.5, 0.25, -3.0]])
def test_cross_entropy_of_distant_logits(row, smoothing):
    """With logits 1e4 apart the loss is logsumexp − x_t to a few ulp, smoothed by nothing, some or
    all; its gradient is softmax minus the target."""
    for target in range(3):
        x = tensor([row])
        loss = pydp.cross_entropy(x, [target], label_smoothing=smoothing)
        loss.backward()
        q = smoothing / 3 + (1 - smoothing) * (np.arange(3) == target)
        z = np.float64(row)
        lse = z.max() + np.log(np.exp(z - z.max()).sum())
        assert abs(loss.item() - q @ (lse - z)) <= 4 * np.spacing(
            np.float32(1 + abs(q @ (lse - z)))
        )
        want = np.exp(z - lse) - q
        np.testing.assert_allclose(x.grad.numpy()[0], want, rtol=1e-5, atol=1e-7)


# ---- functions at their ends -------------------------------------------------------------------

ENDS = [-INF, -BIG, -1e4, -0.0, 0.0, 1e4, BIG, INF, NAN]
LIMITS = {
    "sigmoid": [0, 0, 0, 0.5, 0.5, 1, 1, 1, NAN],
    "tanh": [-1, -1, -1, -0.0, 0.0, 1, 1, 1, NAN],
    "erf": [-1, -1, -1, -0.0, 0.0, 1, 1, 1, NAN],
    "softplus": [0, 0, 0, math.log(2), math.log(2), 1e4, BIG, INF, NAN],
    "gelu": [0, 0, 0, -0.0, 0.0, 1e4, BIG, INF, NAN],
    "relu": [0, 0, 0, -0.0, 0.0, 1e4, BIG, INF, NAN],
    "exp": [0, 0, 0, 1, 1, INF, INF, INF, NAN],
    "expm1": [-1, -1, -1, -0.0, 0.0, INF, INF, INF, NAN],
    "log1p": [NAN, NAN, NAN, -0.0, 0.0, math.log(10001), math.log(BIG), INF, NAN],
    "sqrt": [NAN, NAN, NAN, -0.0, 0.0, 100, math.sqrt(BIG), INF, NAN],
    "log": [NAN, NAN, NAN, -INF, -INF, math.log(1e4), math.log(BIG), INF, NAN],
}
SLOPES = {
    "sigmoid": [0, 0, 0, 0.25, 0.25, 0, 0, 0, NAN],
    "tanh": [0, 0, 0, 1, 1, 0, 0, 0, NAN],
    "softplus": [0, 0, 0, 0.5, 0.5, 1, 1, 1, NAN],
    "gelu": [0, 0, 0, 0.5, 0.5, 1, 1, 1, NAN],
    "relu": [0, 0, 0, 0, 0, 1, 1, 1, 1],
}
ODD = ("tanh", "erf", "expm1", "log1p", "sqrt", "relu")  # keep the sign of zero


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LIMITS)
def test_functions_at_their_ends(name, dtype):
    """At ±1e4, ±3e38 and ±inf a function is at its limit, its slope too; -0 gives -0 where the
    function is odd; NaN stays NaN."""
    y, grad = slopes(getattr(pydp, name), ENDS, dtype=dtype)
    np.testing.assert_allclose(y, LIMITS[name], rtol=1e-6)
    if name in ODD:
        same(y[3:5], LIMITS[name][3:5])
    if name in SLOPES:
        np.testing.assert_allclose(grad, SLOPES[name], rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["gelu", "tanh", "erf", "sin", "expm1", "log1p", "negative", "abs"]
)
def test_functions_of_denormals(name):
    """Near 0 these are multiples of x, down to the smallest denormal: nothing is flushed to 0."""
    factor = {"gelu": 0.5, "erf": 2 / math.sqrt(math.pi), "negative": -1}.get(name, 1)
    x = np.float32([1e-39, 1e-42, 2.8e-45, 1.2e-38])
    y = getattr(pydp, name)(pydp.tensor(x)).numpy()
    smallest = np.float64(2.0**-149)
    assert (np.abs(y - factor * x.astype(float)) <= smallest).all()
    assert y.all()


def test_denormals_in_every_thread():
    """A denormal is a number in every thread, of the kernels and of Python: for one thread and for
    several the bits are equal, and none is 0."""
    x = np.full((64, 4096), TINY, np.float32)
    weight, filters = np.eye(64, dtype=np.float32), np.eye(64, dtype=np.float32)[:, :, None, None]
    calls = {
        "multiply": lambda x: x * 0.5,
        "exp": lambda x: pydp.exp(x * 0 - 100.0),
        "sum": lambda x: pydp.sum(x, axis=0),
        "mean": lambda x: pydp.mean(x, axis=1),
        "max": lambda x: pydp.max(x, axis=1),
        "matmul": lambda x: pydp.matmul(weight, x),
        "conv2d": lambda x: pydp.conv2d(x.reshape(1, 64, 64, 64), filters),
        "avg_pool2d": lambda x: pydp.avg_pool2d(x.reshape(1, 64, 64, 64), 2),
        "softmax": lambda x: pydp.softmax(x * 0 - 95.0 * (pydp.arange(4096) > 0), axis=1),
    }
    for name, call in calls.items():
        results = []
        for threads in (1, 2, 4):
            with setting(threads=threads):
                results.append(call(pydp.tensor(x)).numpy())
        assert results[0].all(), name
        np.testing.assert_array_equal(results[0], results[1], err_msg=name)
        np.testing.assert_array_equal(results[0], results[2], err_msg=name)

    def halved():
        return float(np.float32(TINY) * np.float32(0.5))

    found = [halved()]
    thread = threading.Thread(target=lambda: found.append(halved()))
    thread.start()
    thread.join()
    assert all(found)


@pytest.mark.parametrize("name", ["var", "std"])
def test_variance_of_a_large_mean(name):
    """A mean of 1e6 costs the variance nothing; it is never negative, and 0 for a constant row with
    a finite gradient."""
    x = (1e6 + np.arange(1000) % 7).astype(np.float32)
    want = getattr(np, name)(x.astype(np.float64))
    assert abs(getattr(pydp, name)(pydp.tensor(x)).item() / want - 1) < 1e-5
    for value in (0.1, 1e6, -BIG / 2000, 1e-20):
        y, grad = slopes(getattr(pydp, name), [value] * 1000)
        assert 0 <= y <= abs(value) * 1e-6
        assert np.isfinite(grad).all()


def test_a_sum_of_ten_million():
    """Adding ten million float32 one behind the other would lose three digits."""
    x = np.full(10_000_000, 0.1, np.float32)
    exact = float(np.float32(0.1)) * x.size
    assert abs(pydp.sum(pydp.asarray(x)).item() / exact - 1) < 1e-6
    assert abs(pydp.mean(pydp.asarray(x)).item() / 0.1 - 1) < 1e-6


# ---- slopes at zeros and ties ------------------------------------------------------------------

# (what, call, inputs, values, the gradient for each input): PyTorch's, and asked of it below.
AT_ZERO = [
    ("sqrt", lambda o, x: o.sqrt(x), [[0.0, -0.0, 4.0]], [0, -0.0, 2], [[INF, -INF, 0.25]]),
    ("log", lambda o, x: o.log(x), [[0.0, -0.0]], [-INF, -INF], [[INF, -INF]]),
    ("reciprocal", lambda o, x: o.reciprocal(x), [[0.0, -0.0]], [INF, -INF], [[-INF, -INF]]),
    ("divide", lambda o, a, b: o.divide(a, b), [[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, -0.0]],
     [NAN, INF, 0, -INF], [[INF, INF, 1, -INF], [NAN, -INF, -0.0, -INF]]),
    ("x ** 0", lambda o, x: x**0, [[0.0, 2.0]], [1, 1], [[0, 0]]),
    ("x ** 1", lambda o, x: x**1, [[0.0]], [0], [[1]]),
    ("x ** 2", lambda o, x: x**2, [[0.0]], [0], [[0]]),
    ("x ** 3", lambda o, x: x**3, [[0.0, -0.0]], [0, -0.0], [[0, 0]]),
    ("x ** 0.5", lambda o, x: x**0.5, [[0.0]], [0], [[INF]]),
    ("x ** -1", lambda o, x: x**-1, [[0.0]], [INF], [[-INF]]),
    ("x ** -2", lambda o, x: x**-2, [[0.0]], [INF], [[-INF]]),
    ("0 ** x", lambda o, x: 0.0**x, [[0.0, 1.0, -1.0]], [1, 0, INF], [[0, 0, -INF]]),
    ("a ** b", lambda o, a, b: o.pow(a, b),
     [[0.0, 0.0, 0.0, 0.0, -2.0], [0.0, 1.0, 0.5, -1.0, 2.0]],
     [1, 0, 0, INF, 4], [[0, 1, INF, -INF, -4], [0, 0, 0, -INF, NAN]]),
    ("length", lambda o, x: o.sqrt(o.sum(x * x)), [[0.0, 0.0]], 0, [[NAN, NAN]]),
    ("where of a root", lambda o, x: o.where(x > 0, o.sqrt(x), 0.0), [[0.0, -1.0, 4.0]],
     [0, 0, 2], [[NAN, NAN, 0.25]]),
    ("where twice", lambda o, x: o.where(x > 0, o.sqrt(o.where(x > 0, x, 1.0)), 0.0),
     [[0.0, -1.0, 4.0]], [0, 0, 2], [[0, 0, 0.25]]),
    ("prod", lambda o, x: o.prod(x), [[0.0, 2.0, 3.0]], 0, [[6, 0, 0]]),
    ("prod of two zeros", lambda o, x: o.prod(x), [[0.0, 0.0, 3.0]], 0, [[0, 0, 0]]),
]  # fmt: skip
AT_TIES = [
    ("relu", lambda o, x: o.relu(x), [[0.0, -0.0, 1.0]], [0, -0.0, 1], [[0, 0, 1]]),
    ("abs", lambda o, x: o.abs(x), [[0.0, 2.0, -2.0]], [0, 2, 2], [[0, 1, -1]]),
    ("relu of NaN", lambda o, x: o.relu(x), [[NAN]], [NAN], [[1]]),
    ("maximum", lambda o, a, b: o.maximum(a, b),
     [[1.0, 2.0, 0.0, NAN, 1.0], [1.0, 1.0, 1.0, 1.0, NAN]],
     [1, 2, 1, NAN, NAN], [[0.5, 1, 0, 1, 1], [0.5, 0, 1, 1, 1]]),
    ("minimum", lambda o, a, b: o.minimum(a, b),
     [[1.0, 2.0, 0.0, NAN, 1.0], [1.0, 1.0, 1.0, 1.0, NAN]],
     [1, 1, 0, NAN, NAN], [[0.5, 0, 1, 1, 1], [0.5, 1, 0, 1, 1]]),
    ("clip", lambda o, x: o.clip(x, -1.0, 1.0), [[-2.0, -1.0, 0.0, 1.0, 2.0, NAN]],
     [-1, -1, 0, 1, 1, NAN], [[0, 1, 1, 1, 0, 0]]),
    ("clip by tensors", lambda o, x, low, high: o.clip(x, low, high),
     [[-2.0, -1.0, 1.0, 2.0], [-1.0] * 4, [1.0] * 4], [-1, -1, 1, 1],
     [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]),
    ("clip with crossed bounds", lambda o, x: o.clip(x, 2.0, 1.0), [[0.0, 1.5, 3.0]], [1, 1, 1],
     [[0, 0, 0]]),
    ("max", lambda o, x: (o.amax if o is torch else o.max)(x), [[3.0, 3.0, 1.0]], 3,
     [[0.5, 0.5, 0]]),
    ("min", lambda o, x: (o.amin if o is torch else o.min)(x), [[3.0, 1.0, 1.0]], 1,
     [[0, 0.5, 0.5]]),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("call", "inputs", "value", "gradients"),
    [row[1:] for row in AT_ZERO + AT_TIES],
    ids=[row[0] for row in AT_ZERO + AT_TIES],
)
def test_slopes_at_zeros_and_ties(call, inputs, value, gradients, dtype):
    """At a pole the slope is infinite, at a kink and at a tie it is one of those that may be, and
    NaN only where 0 meets infinity: the same as PyTorch's, so that a loss moves alike."""
    y, *grads = slopes(lambda *x: call(pydp, *x), *inputs, dtype=dtype)
    same(y, value)
    for got, want in zip(grads, gradients, strict=True):
        np.testing.assert_array_equal(got, want)
    if torch is not None:
        leaves = [torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True) for x in inputs]
        y = call(torch, *leaves)
        y.sum().backward()
        same(y.detach().numpy(), value)
        for leaf, want in zip(leaves, gradients, strict=True):
            np.testing.assert_array_equal(leaf.grad.numpy(), want)


# ---- optimizers --------------------------------------------------------------------------------

MAKERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "Adadelta": lambda p: optim.Adadelta(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "Adamax": lambda p: optim.Adamax(p, lr=0.1),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_step_with_a_gradient_that_is_not_finite(name, bad):
    """A gradient of NaN or infinity goes where it belongs and nowhere else: the other elements and
    parameters take the step that they take without it, and all count it."""
    results = []
    for value in (bad, 1.0):
        w, v = tensor([1.0, 2.0, 3.0]), tensor([4.0])
        optimizer = MAKERS[name]([w, v])
        for _ in range(3):
            w.grad, v.grad = pydp.tensor([1.0, value, 1.0]), pydp.tensor([1.0])
            optimizer.step()
        assert {s["step"].item() for s in optimizer.state.values()} == {3.0}
        results.append((w.numpy().copy(), v.numpy().copy()))
    (w, v), (calm, still) = results
    assert not np.isfinite(w[1])
    np.testing.assert_array_equal(w[[0, 2]], calm[[0, 2]])
    np.testing.assert_array_equal(v, still)
