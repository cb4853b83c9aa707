"""batch_norm: training and inference, every rank, width and number of rows; running statistics."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, setting, torch
from pydp import _kernels
from pydp._graph import apply
from pydp._op import registry
from pydp.ops._batch_norm import Images


def per_channel(c, weight, bias):
    return [real(c, seed=1)] * weight + [real(c, seed=2)] * bias


def named(given, weight, bias):
    given = list(given)
    return given.pop(0) if weight else None, given.pop(0) if bias else None


def training(shape, weight=True, bias=True, why="", eps=1e-5):
    def call(x, *given):
        w, b = named(given, weight, bias)
        return pydp.batch_norm(x, None, None, w, b, training=True, eps=eps)

    def peer(x, *given):
        w, b = named(given, weight, bias)
        return torch.nn.functional.batch_norm(x, None, None, w, b, training=True, eps=eps)

    inputs = [real(*shape), *per_channel(shape[1], weight, bias)]
    return Case("batch_norm", call, inputs, why, peer, layouts="bound", bound=5e-6)


def inference(shape, weight=True, bias=True, why="", eps=1e-5):
    mean, var = real(shape[1], seed=3), real(shape[1], seed=4, low=0.5)

    def of(x):  # buffers of x's dtype, which get no gradient
        return [pydp.tensor(a, dtype=x.dtype) for a in (mean, var)]

    def call(x, *given):
        return pydp.batch_norm(x, *of(x), *named(given, weight, bias), eps=eps)

    def peer(x, *given):
        buffers = [torch.from_numpy(a) for a in (mean, var)]
        return torch.nn.functional.batch_norm(
            x, *buffers, *named(given, weight, bias), training=False, eps=eps
        )

    inputs = [real(*shape), *per_channel(shape[1], weight, bias)]
    return Case("batch_norm_inference", call, inputs, why, peer, layouts="bound")


def backward_of(shape, groups, trains, weight=True):
    """dx with statistics that no forward gave."""
    of = Images(len(shape) - 2, groups, 1e-5)
    kept = (shape[0], groups) if groups else (shape[1],)
    inputs = [real(*shape), real(*shape, seed=1), *per_channel(shape[1], weight, False)]
    inputs += [real(*kept, seed=3), real(*kept, seed=4, low=0.5)]

    def call(x, dy, *rest):
        rest = rest if weight else (None, *rest)
        return apply(registry["batch_norm_backward"], (x, dy, *rest), of, trains, (True,) * 3)[0]

    return Case("batch_norm_backward", call, inputs, layouts="bound", grad=False, bound=5e-6)


CASES = [
    training((3, 2, 4, 5), why="images"),
    training((2, 19, 3, 3), why="a vector of channels and a tail"),
    training((2, 70, 2, 2), why="several vectors"),
    training((3, 5, 7), why="sequences"),
    training((9, 6), why="rows", eps=0.1),
    training((2, 3, 2, 2, 2), why="volumes"),
    training((3, 1, 3, 3), why="one channel"),
    training((2, 3, 1, 1), why="one pixel"),
    training((4, 3, 2, 2), weight=False, why="bias alone"),
    training((4, 3, 2, 2), bias=False, why="weight alone"),
    training((4, 3, 2, 2), weight=False, bias=False, why="neither"),
    inference((3, 2, 4, 5), why="images"),
    inference((2, 19, 3, 3), why="a vector of channels and a tail"),
    inference((3, 5, 7), why="sequences"),
    inference((9, 6), why="rows", eps=0.1),
    inference((1, 3), why="one row"),
    inference((4, 3, 2, 2), weight=False, why="bias alone"),
    inference((4, 3, 2, 2), bias=False, why="weight alone"),
    inference((4, 3, 2, 2), weight=False, bias=False, why="neither"),
    inference((0, 3, 2, 2), why="no images"),
    backward_of((2, 6, 3, 3), 0, True),
    backward_of((2, 6, 3, 3), 0, False),
    backward_of((2, 6, 3, 3), 3, True),
    backward_of((4, 5), 0, True, weight=False),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 0, 2, 2), (2, 3, 0, 2), (0, 3)])
def test_nothing_to_normalise(shape):
    """FAULTS A1: an empty result of the right shape; weight and bias get zeros."""
    for isa in _kernels.usable_isas():
        with setting(isa):
            x = pydp.tensor(np.zeros(shape), requires_grad=True)
            w, b = (pydp.tensor(real(shape[1], seed=i), requires_grad=True) for i in (1, 2))
            y = pydp.batch_norm(x, weight=w, bias=b, training=True)
            y.backward(pydp.tensor(np.zeros(shape)))
            assert y.shape == x.grad.shape == shape
            assert np.all(w.grad.numpy() == 0) and np.all(b.grad.numpy() == 0)


SIZES = [
    *[(4, c, 3, 3) for c in range(1, 36)], (2, 67, 1, 1), (3, 513, 2, 1), (2, 1030, 3, 1),
    (7, 3, 31, 33), (5, 16, 20, 20), (2, 1, 70, 70), (700, 40), (3, 5, 1, 1), (33, 2, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize("order", ["channels-last", "C", "a window"])
def test_sizes(order):
    """Around every vector, tile, block, part and chunk; against float64's own, and that against
    NumPy."""
    for isa in _kernels.usable_isas():
        with setting(isa, threads=2):
            for shape in SIZES:
                found = {}
                for dtype in ("float32", "float64"):
                    x = laid(real(*shape).astype(dtype), order).requires_grad_()
                    w, b = (pydp.tensor(real(shape[1], seed=i), dtype=dtype, requires_grad=True)
                            for i in (1, 2))  # fmt: skip
                    y = pydp.batch_norm(x, None, None, w, b, training=True, eps=1e-3)
                    y.backward(laid(real(*shape, seed=3).astype(dtype), order))
                    found[dtype] = [a.numpy() for a in (y.detach(), x.grad, w.grad, b.grad)]
                for got, want in zip(*found.values(), strict=True):
                    np.testing.assert_allclose(got, want, 2e-5, 3e-4, err_msg=f"{isa} {shape}")
                vectors = [a.detach().numpy() for a in (w, b)]
                want = registry["batch_norm"].reference(
                    real(*shape), *vectors, Images(len(shape) - 2, 0, 1e-3), None
                )
                np.testing.assert_allclose(found["float64"][0], want, 1e-10, 1e-10)


def laid(a, order):
    """A tensor over the same values, as (n, c, …), in other memory."""
    if order == "channels-last":
        a = np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)
    elif order == "a window":  # channels side by side, gaps between all other axes
        moved = np.moveaxis(a, 1, -1)
        wide = np.zeros([n + 2 for n in moved.shape], a.dtype)
        inner = wide[tuple([slice(1, n + 1) for n in moved.shape])]
        inner[...] = moved
        a = np.moveaxis(inner, -1, 1)
    return pydp.asarray(a, copy=False).detach()


def test_the_result_lies_channels_last():
    """DESIGN, layout: whatever x's strides, in both directions."""
    for shape in ((2, 3, 4, 5), (2, 3, 4)):
        x = pydp.tensor(real(*shape), requires_grad=True)
        z = x * 1.0
        z.retain_grad()
        y = pydp.batch_norm(z, training=True)
        assert np.moveaxis(y.detach().numpy(), 1, -1).flags.c_contiguous
        (dx,) = pydp.grad(lambda z: (pydp.batch_norm(z, training=True) ** 2).sum(), (0,))(x)
        assert np.moveaxis(dx.numpy(), 1, -1).flags.c_contiguous


def test_a_large_mean_and_constant_channels():
    """FAULTS C52: no cancellation, no negative variance, nothing infinite."""
    noise = real(4, 3, 30, 30)
    for isa in _kernels.usable_isas():
        with setting(isa):
            x = (1e6 + noise).astype(np.float32)
            want = registry["batch_norm"].reference(
                x.astype(np.float64), None, None, Images(2, 0, 1e-5), None
            )
            y = pydp.batch_norm(pydp.tensor(x), training=True).numpy()
            np.testing.assert_allclose(y, want, atol=1e-5)  # the mean alone is known to 0.03
            for value in (0.0, 0.1, -1e6, 1e-40):
                x = pydp.tensor(np.full((3, 5, 9, 9), value, np.float32), requires_grad=True)
                y = pydp.batch_norm(x, bias=pydp.ones(5), training=True)
                np.testing.assert_allclose(y.detach().numpy(), 1, atol=1e-4 * (1 + abs(value)))
                y.sum().backward()
                assert np.isfinite(x.grad.numpy()).all()


def test_an_outlier_at_the_beginning():
    """The first rows set the shift of the sums: it must not matter how far off they are."""
    x = real(5000, 3)
    x[:40] += 1e4
    want = registry["batch_norm"].reference(x, None, None, Images(0, 0, 1e-5), None)
    for isa in _kernels.usable_isas():
        with setting(isa):
            y = pydp.batch_norm(pydp.tensor(x, dtype="float32"), training=True).numpy()
            np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)


def test_the_same_bits_for_any_number_of_threads():
    results = []
    for threads in (1, 2, 3, 4):
        with setting(threads=threads):
            x = pydp.tensor(real(20, 70, 15, 15), requires_grad=True)
            w = pydp.tensor(real(70, seed=1), requires_grad=True)
            y = pydp.batch_norm(x, weight=w, training=True)
            y.backward(pydp.tensor(real(20, 70, 15, 15, seed=3)))
            results.append([y.detach().numpy(), x.grad.numpy(), w.grad.numpy()])
    for other in results[1:]:
        for got, want in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(got, want)


# ---- running statistics --------------------------------------------------------------------------


def state(c, dtype="float64"):
    return [pydp.tensor(real(c, seed=7), dtype=dtype),
            pydp.tensor(real(c, seed=8, low=0.5), dtype=dtype),
            pydp.tensor(np.array(0), dtype="int64")]  # fmt: skip


@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, None])
def test_running_statistics(momentum):
    """PyTorch's momentum and unbiased variance; None is the average of all batches."""
    c = 5
    mean, var, count = state(c)
    want_mean, want_var = mean.numpy().copy(), var.numpy().copy()
    for step in range(3):
        x = real(4, c, 3, 2, seed=step)
        y = pydp.batch_norm(pydp.tensor(x), mean, var, training=True, momentum=momentum,
                            num_batches_tracked=count)  # fmt: skip
        want = registry["batch_norm"].reference(x, None, None, Images(2, 0, 1e-5), None)
        np.testing.assert_allclose(y.numpy(), want, 1e-12)  # they play no part in training
        m = 1 / (step + 1) if momentum is None else momentum
        want_mean = (1 - m) * want_mean + m * x.mean((0, 2, 3))
        want_var = (1 - m) * want_var + m * x.var((0, 2, 3), ddof=1)
        np.testing.assert_allclose(mean.numpy(), want_mean, 1e-12)
        np.testing.assert_allclose(var.numpy(), want_var, 1e-12)
        assert count.item() == step + 1 == mean._version[0] == var._version[0] == count._version[0]


def test_inference_leaves_them():
    mean, var, count = state(3)
    before = [a.numpy().copy() for a in (mean, var, count)]
    x = pydp.tensor(real(4, 3, 2, 2), requires_grad=True)
    pydp.batch_norm(x, mean, var, num_batches_tracked=count).sum().backward()
    for a, b in zip((mean, var, count), before, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
        assert a._version[0] == 0


def test_an_empty_batch_leaves_them():
    mean, var, count = state(3)
    before = mean.numpy().copy()
    y = pydp.batch_norm(pydp.tensor(np.zeros((0, 3, 2, 2))), mean, var, training=True,
                        num_batches_tracked=count)  # fmt: skip
    assert y.shape == (0, 3, 2, 2) and count.item() == 0
    np.testing.assert_array_equal(mean.numpy(), before)


def test_a_call_that_raises_leaves_them():
    x = pydp.tensor(real(4, 3))
    for broken in (
        {"weight": pydp.ones(3)},  # another dtype
        {"bias": pydp.tensor(real(4))},
        {"eps": 0.0},
        {"momentum": 2.0},
        {"num_batches_tracked": pydp.tensor(0.0)},
    ):
        mean, var, count = state(3)
        before = [a.numpy().copy() for a in (mean, var, count)]
        with pytest.raises((ValueError, TypeError)):
            pydp.batch_norm(x, mean, var, training=True, **{"num_batches_tracked": count, **broken})
        for a, b in zip((mean, var, count), before, strict=True):
            np.testing.assert_array_equal(a.numpy(), b)
            assert a._version[0] == 0


def test_backward_of_inference_sees_that_they_moved():
    """They are saved for backward, and a later training step writes into them."""
    mean, var, _ = state(3)
    x = pydp.tensor(real(4, 3), requires_grad=True)
    y = pydp.batch_norm(x, mean, var)
    pydp.batch_norm(x.detach(), mean, var, training=True)
    with pytest.raises(RuntimeError, match="batch_norm_inference: a tensor saved for backward"):
        y.sum().backward()


def test_a_recorded_step_moves_them_again():
    x = pydp.tensor(real(4, 3, 2, 2))
    eager, replayed = state(3), state(3)

    def step(mean, var, count):
        pydp.batch_norm(x, mean, var, training=True, momentum=None, num_batches_tracked=count)

    for _ in range(4):
        step(*eager)
    calls = _kernels.record()
    step(*replayed)
    _kernels.stop_recording()
    for _ in range(3):
        _kernels.replay(calls)
    for a, b in zip(eager, replayed, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


X, M, V = pydp.zeros((2, 3)), pydp.zeros(3), pydp.ones(3)


def read_only():
    a = np.zeros(3, np.float32)
    a.flags.writeable = False
    return pydp.asarray(a, copy=False)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.batch_norm(pydp.zeros(3), M, V), ValueError,
         "batch_norm: x must have at least 2 axes (n, c, …), got shape (3,)"),
        (lambda: pydp.batch_norm(X), ValueError,
         "batch_norm: running_mean and running_var must be given unless training"),
        (lambda: pydp.batch_norm(X, M), ValueError,
         "batch_norm: running_mean and running_var must be given both or neither"),
        (lambda: pydp.batch_norm(X, M, pydp.ones(2)), ValueError,
         "batch_norm: running_var must have shape (3,), got (2,)"),
        (lambda: pydp.batch_norm(X, M, V, pydp.ones((1, 3))), ValueError,
         "batch_norm: weight must have shape (3,), got (1, 3)"),
        (lambda: pydp.batch_norm(pydp.zeros((1, 3)), M, V, training=True), ValueError,
         "batch_norm: training must have more than 1 value per channel, got x of shape (1, 3)"),
        (lambda: pydp.batch_norm(X, M, V, training=1), TypeError,
         "batch_norm: training must be a bool, got 1"),
        (lambda: pydp.batch_norm(X, M, V, training=True, momentum=-0.1), ValueError,
         "batch_norm: momentum must be from 0 to 1, got -0.1"),
        (lambda: pydp.batch_norm(X, M, V, training=True, momentum=None), ValueError,
         "batch_norm: momentum None must come with num_batches_tracked"),
        (lambda: pydp.batch_norm(X, M, V, training=True, num_batches_tracked=M), ValueError,
         "batch_norm: num_batches_tracked must be an int64 tensor of shape (), got float32 (3,)"),
        (lambda: pydp.batch_norm(X, np.zeros(3, np.float32), V, training=True), TypeError,
         "batch_norm: running_mean must be a tensor, which training writes, got ndarray"),
        (lambda: pydp.batch_norm(X, read_only(), V, training=True), ValueError,
         "batch_norm: running_mean must be contiguous and writeable, training writes it"),
        (lambda: pydp.batch_norm(X, pydp.zeros(3).requires_grad_(), V, training=True), ValueError,
         "batch_norm: running_mean is written by training and must not require a gradient"),
        (lambda: pydp.batch_norm(X, pydp.zeros(3, dtype="float64"), V), TypeError,
         "batch_norm: arguments must have one dtype, got x float32, running_mean float64, "
         "running_var float32; use astype"),
        (lambda: pydp.batch_norm(X, M, V, eps=-1.0), ValueError,
         "batch_norm: eps must be above 0, got -1"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
