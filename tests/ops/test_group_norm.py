"""group_norm and instance_norm: every way to group, every rank."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, setting, torch
from pydp import _kernels
from pydp._op import registry
from pydp.ops._batch_norm import Images


def group(shape, groups, weight=True, bias=True, why="", eps=1e-5):
    c = shape[1]
    extra = [real(c, seed=1)] * weight + [real(c, seed=2)] * bias

    def named(given):
        given = list(given)
        return given.pop(0) if weight else None, given.pop(0) if bias else None

    def peer(x, *given):
        w, b = named(given)
        if w is None and b is not None:  # PyTorch 2.13 fails in its backward
            w = torch.ones(c, dtype=x.dtype)
        return torch.nn.functional.group_norm(x, groups, w, b, eps)

    return Case(
        "group_norm",
        lambda x, *given: pydp.group_norm(x, groups, *named(given), eps),
        [real(*shape), *extra],
        why,
        peer,
        layouts="bound",
        bound=5e-6,
    )


def instance(shape, why=""):
    c = shape[1]
    return Case(
        "group_norm",
        lambda x, w, b: pydp.instance_norm(x, w, b),
        [real(*shape), real(c, seed=1), real(c, seed=2)],
        why,
        lambda x, w, b: torch.nn.functional.instance_norm(x, weight=w, bias=b),
        layouts="bound",
        bound=5e-6,
    )


CASES = [
    group((2, 6, 3, 4), 3, why="images"),
    group((3, 6, 2, 2), 1, why="one group: the whole image"),
    group((2, 6, 2, 3), 6, why="a group for each channel"),
    group((2, 38, 3, 2), 2, why="a vector of channels and a tail"),
    group((2, 6, 5), 2, why="sequences"),
    group((3, 8), 2, why="rows", eps=0.1),
    group((1, 4, 3, 3), 2, why="one image"),
    group((2, 4, 2, 2), 2, weight=False, why="bias alone"),
    group((2, 4, 2, 2), 2, bias=False, why="weight alone"),
    group((2, 4, 2, 2), 2, weight=False, bias=False, why="neither"),
    group((0, 4, 2, 2), 2, why="no images"),
    instance((2, 3, 4, 3), why="images"),
    instance((2, 5, 7), why="sequences"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("groups", [1, 2, 6, 12])
def test_sizes(groups):
    """Around blocks, parts and chunks; the same bits for any number of threads."""
    for isa in _kernels.usable_isas():
        for shape in [(2, 12, 31, 33), (9, 24, 9, 9), (1, 516, 5, 7), (3, 12, 1, 100)]:
            x, w, b = real(*shape), real(shape[1], seed=1), real(shape[1], seed=2)
            found = []
            for dtype, threads in (("float32", 1), ("float32", 2), ("float64", 2)):
                with setting(isa, threads):
                    given = [pydp.tensor(a, dtype=dtype, requires_grad=True) for a in (x, w, b)]
                    y = pydp.group_norm(given[0], groups, *given[1:], eps=1e-3)
                    y.backward(pydp.tensor(real(*shape, seed=3), dtype=dtype))
                    found.append([y.detach().numpy(), *[a.grad.numpy() for a in given]])
            for one, two, exact in zip(*found, strict=True):
                np.testing.assert_array_equal(one, two)
                np.testing.assert_allclose(one, exact, 2e-5, 3e-4, err_msg=f"{isa} {shape}")
            of = Images(len(shape) - 2, groups, 1e-3)
            want = registry["group_norm"].reference(x, w, b, of)
            np.testing.assert_allclose(found[2][0], want, 1e-10, 1e-10)


def test_a_large_mean():
    """FAULTS C52; in one group of all channels it is far from each channel's own mean too."""
    x = (1e5 + real(2, 4, 20, 20)).astype(np.float32)
    x[:, 1] += 100
    for isa in _kernels.usable_isas():
        with setting(isa):
            for groups in (1, 4):
                of = Images(2, groups, 1e-5)
                want = registry["group_norm"].reference(x.astype(np.float64), None, None, of)
                y = pydp.group_norm(pydp.tensor(x), groups).numpy()
                np.testing.assert_allclose(y, want, atol=1e-5)


X = pydp.zeros((2, 6, 2, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.group_norm(pydp.zeros(6), 2), ValueError,
         "group_norm: x must have at least 2 axes (n, c, …), got shape (6,)"),
        (lambda: pydp.group_norm(X, 4), ValueError,
         "group_norm: num_groups must divide the 6 channels of x, got 4"),
        (lambda: pydp.group_norm(X, 0), ValueError,
         "group_norm: num_groups must be at least 1, got 0"),
        (lambda: pydp.group_norm(X, 2.0), TypeError,
         "group_norm: num_groups must be an int, got 2.0"),
        (lambda: pydp.group_norm(X, 2, pydp.ones(2)), ValueError,
         "group_norm: weight must have shape (6,), got (2,)"),
        (lambda: pydp.group_norm(X, 2, eps=0.0), ValueError,
         "group_norm: eps must be above 0, got 0"),
        (lambda: pydp.instance_norm(pydp.zeros((2, 3, 1, 1))), ValueError,
         "instance_norm: x must have more than 1 pixel, got shape (2, 3, 1, 1)"),
        (lambda: pydp.instance_norm(X, bias=pydp.ones(5)), ValueError,
         "instance_norm: bias must have shape (6,), got (5,)"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
