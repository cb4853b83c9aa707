"""layer_norm and rms_norm: every length next to a vector, large means, optional arguments."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, setting, torch
from pydp import _kernels
from pydp._graph import apply
from pydp._op import registry

NAMES = ["layer_norm", "rms_norm"]


def layer(shape, axes=1, weight=True, bias=True, why="", **options):
    """layer_norm over the last axes."""
    sizes = shape[len(shape) - axes :]
    extra = [real(*sizes, seed=1)] * weight + [real(*sizes, seed=2)] * bias

    def split(given):
        given = list(given)
        return given.pop(0) if weight else None, given.pop(0) if bias else None

    def call(x, *given):
        w, b = split(given)
        return pydp.layer_norm(x, w, b, normalized_shape=sizes, **options)

    def peer(x, *given):
        w, b = split(given)
        return torch.nn.functional.layer_norm(x, sizes, w, b, **options)

    return Case("layer_norm", call, [real(*shape), *extra], why, peer, layouts="bound")


def rms(shape, axes=1, weight=True, why="", eps=1e-5):
    sizes = shape[len(shape) - axes :]
    extra = [real(*sizes, seed=1)] if weight else []
    return Case(
        "rms_norm",
        lambda x, w=None: pydp.rms_norm(x, w, eps=eps, normalized_shape=sizes),
        [real(*shape), *extra],
        why,
        lambda x, w=None: torch.nn.functional.rms_norm(x, sizes, w, eps),
        layouts="bound",
    )


def backward_of(name, shape, axes, weight=True):
    """dx with statistics that no forward gave."""
    rows, sizes = shape[: len(shape) - axes], shape[len(shape) - axes :]
    given = [real(*shape), real(*shape, seed=1)] + [real(*sizes, seed=2)] * weight
    given += [real(*rows, seed=3 + i, low=0.5) for i in range(2 if name == "layer_norm" else 1)]
    wants = (True,) * (3 if name == "layer_norm" else 2)

    def call(x, dy, *rest):
        rest = rest if weight else (None, *rest)
        return apply(registry[f"{name}_backward"], (x, dy, *rest), axes, 1e-5, wants)[0]

    return Case(f"{name}_backward", call, given, layouts="bound", grad=False)


CASES = [
    layer((3, 10), why="ten features"),
    layer((2, 3, 37), why="two leading axes, vectors and a tail"),
    layer((9, 21), why="rows together and one over", eps=0.1),
    layer((2, 3, 4), axes=2, why="two axes"),
    layer((3, 4), axes=2, why="all axes: one row"),
    layer((7,), why="no leading axis"),
    layer((5, 6), weight=False, why="bias alone"),
    layer((5, 6), bias=False, why="weight alone"),
    layer((5, 6), weight=False, bias=False, why="neither"),
    layer((4, 1), why="rows of one"),
    layer((0, 4), why="no rows"),
    rms((3, 10), why="ten features"),
    rms((2, 5, 37), why="vectors and a tail"),
    rms((2, 3, 4), axes=2, why="two axes"),
    rms((7,), why="no leading axis"),
    rms((5, 6), weight=False, why="no weight"),
    rms((4, 1), why="rows of one", eps=1e-3),
    rms((0, 4), why="no rows"),
    *[backward_of(name, (6, 19), 1) for name in NAMES],
    *[backward_of(name, (3, 4, 5), 2, weight=False) for name in NAMES],
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("name", NAMES)
def test_lengths(name):
    """Around every vector, block and task; forward, and all gradients against float64."""
    for isa in _kernels.usable_isas():
        with setting(isa, threads=2):
            for rows, n in [*[(5, n) for n in range(1, 36)], (3, 1023), (67, 257), (9, 4097),
                            (600, 3), (2, 20001)]:  # fmt: skip
                found = {}
                for dtype in ("float32", "float64"):
                    x = pydp.tensor(real(rows, n), dtype=dtype, requires_grad=True)
                    w = pydp.tensor(real(n, seed=1), dtype=dtype, requires_grad=True)
                    y = getattr(pydp, name)(x, w, eps=1e-3)
                    y.backward(pydp.tensor(real(rows, n, seed=2), dtype=dtype))
                    found[dtype] = [a.numpy() for a in (y.detach(), x.grad, w.grad)]
                for got, want in zip(*found.values(), strict=True):
                    np.testing.assert_allclose(got, want, 2e-5, 2e-4, err_msg=f"{isa} {rows} {n}")


def test_a_large_mean_and_constant_rows():
    """FAULTS C52: no cancellation, no negative variance, nothing infinite."""
    noise = real(4, 1000)
    for isa in _kernels.usable_isas():
        with setting(isa):
            x = (1e6 + noise).astype(np.float32)
            want = registry["layer_norm"].reference(x.astype(np.float64), None, None, 1, 1e-5)
            y = pydp.layer_norm(pydp.tensor(x)).numpy()
            np.testing.assert_allclose(y, want, atol=1e-5)  # the mean alone is known to 0.03
            for value in (0.0, 0.1, -1e6, 1e30, 1e-40):
                x = pydp.tensor(np.full((2, 77), value, np.float32), requires_grad=True)
                y = pydp.layer_norm(x, bias=pydp.ones(77))
                assert np.all(y.numpy() == 1), f"{isa} {value}"
                y.sum().backward()
                assert np.isfinite(x.grad.numpy()).all()


def test_empty_rows():
    for name in NAMES:
        x = pydp.tensor(np.zeros((2, 0)), requires_grad=True)
        y = getattr(pydp, name)(x)
        y.backward(pydp.tensor(np.zeros((2, 0))))
        assert y.shape == x.grad.shape == (2, 0)


def test_bad_numbers_stay_in_their_row():
    x = real(5, 40).astype(np.float32)
    x[1, 7], x[3, 39] = np.nan, np.inf
    for isa in _kernels.usable_isas():
        with setting(isa):
            for name in NAMES:
                y = getattr(pydp, name)(pydp.tensor(x), eps=1e-5).numpy()
                finite = np.isfinite(y).all(axis=1)
                assert finite[[0, 2, 4]].all() and not finite[[1, 3]].any()


def test_the_same_bits_for_any_number_of_threads():
    """Gradients of weights are sums over rows: their order must not depend on who adds."""
    w, b = real(70, seed=1), real(70, seed=2)
    results = []
    for threads in (1, 2, 3, 4):
        with setting(threads=threads):
            x = pydp.tensor(real(9000, 70), requires_grad=True)
            given = [pydp.tensor(a, requires_grad=True) for a in (w, b)]
            pydp.layer_norm(x, *given).backward(pydp.tensor(real(9000, 70, seed=3)))
            results.append([x.grad.numpy(), *[g.grad.numpy() for g in given]])
    for other in results[1:]:
        for got, want in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(got, want)


def test_only_what_is_wanted_is_computed():
    for needs in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1)):
        full, some = [
            [
                pydp.tensor(a, requires_grad=bool(need))
                for a, need in zip(
                    (real(6, 5), real(5, seed=1), real(5, seed=2)), flags, strict=True
                )
            ]
            for flags in ((1, 1, 1), needs)
        ]
        with setting():
            for given in (full, some):
                pydp.layer_norm(*given).backward(pydp.tensor(real(6, 5, seed=4)))
        for need, a, b in zip(needs, some, full, strict=True):
            assert (a.grad is not None) == bool(need)
            if need:
                np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


X = pydp.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.layer_norm(pydp.arange(3)), TypeError,
         "layer_norm: x must be float32 or float64, got int64; use astype"),
        (lambda: pydp.layer_norm(X, pydp.ones(4)), ValueError,
         "layer_norm: weight's shape must be the last axes of x (2, 3), got (4,)"),
        (lambda: pydp.layer_norm(X, bias=pydp.ones(2)), ValueError,
         "layer_norm: bias's shape must be the last axes of x (2, 3), got (2,)"),
        (lambda: pydp.layer_norm(X, pydp.ones(3), pydp.ones(4)), ValueError,
         "layer_norm: bias must have shape (3,), got (4,)"),
        (lambda: pydp.layer_norm(X, pydp.ones(())), ValueError,
         "layer_norm: weight's shape must be the last axes of x (2, 3), got ()"),
        (lambda: pydp.layer_norm(X, normalized_shape=(2,)), ValueError,
         "layer_norm: normalized_shape must be the last axes of x (2, 3), got (2,)"),
        (lambda: pydp.layer_norm(X, normalized_shape=(4, 2, 3)), ValueError,
         "layer_norm: normalized_shape must be the last axes of x (2, 3), got (4, 2, 3)"),
        (lambda: pydp.layer_norm(X, normalized_shape=()), ValueError,
         "layer_norm: normalized_shape must have at least 1 axis, got ()"),
        (lambda: pydp.layer_norm(X, normalized_shape=3.0), TypeError,
         "layer_norm: normalized_shape must be an int, got 3.0"),
        (lambda: pydp.layer_norm(X, pydp.ones(3), normalized_shape=(2, 3)), ValueError,
         "layer_norm: weight must have shape (2, 3), got (3,)"),
        (lambda: pydp.layer_norm(pydp.tensor(1.0)), ValueError,
         "layer_norm: normalized_shape must be the last axes of x (), got ()"),
        (lambda: pydp.layer_norm(X, eps=0), ValueError,
         "layer_norm: eps must be above 0, got 0"),
        (lambda: pydp.layer_norm(X, eps=-1e-5), ValueError,
         "layer_norm: eps must be above 0, got -1e-05"),
        (lambda: pydp.layer_norm(X, eps=float("nan")), ValueError,
         "layer_norm: eps must be finite, got nan"),
        (lambda: pydp.layer_norm(X, eps=True), TypeError,
         "layer_norm: eps must be a number, got True"),
        (lambda: pydp.layer_norm(X, pydp.ones(3, dtype="float64")), TypeError,
         "layer_norm: arguments must have one dtype, got x float32, weight float64; use astype"),
        (lambda: pydp.rms_norm(X, pydp.ones(2)), ValueError,
         "rms_norm: weight's shape must be the last axes of x (2, 3), got (2,)"),
        (lambda: pydp.rms_norm(X, eps="1"), TypeError,
         "rms_norm: eps must be a number, got '1'"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
