"""Initial values: bounds and moments against the formulas, PyTorch's gains, arguments."""

import tracemalloc

import numpy as np
import pytest

import pydp
from harness import ISAS, setting, torch
from peer import assert_normal, assert_uniform, needs_torch
from pydp.nn import init

CONV = (64, 8, 5, 5)  # fan_in 200, fan_out 1600


def zeros(*shape, dtype=None):
    return pydp.zeros(shape, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distributions(dtype):
    assert_uniform(init.uniform_(zeros(100, 100, dtype=dtype), -0.5, 0.5), 0.5)
    w = init.uniform_(zeros(100, 100, dtype=dtype), 2.0, 3.0)
    assert w.numpy().min() >= 2.0 and w.numpy().max() <= 3.0 and abs(w.numpy().mean() - 2.5) < 0.02
    assert_normal(init.normal_(zeros(100, 100, dtype=dtype), 3.0, 0.5), 3.0, 0.5)
    assert str(w.dtype) == dtype


def test_truncated_normal():
    w = init.trunc_normal_(zeros(100_000), std=0.02, a=-0.04, b=0.04).numpy() / 0.02
    assert np.all(np.abs(w) <= 2.0000001)
    assert abs(w.mean()) < 0.015
    assert abs(w.std() - 0.8796) < 0.01  # the deviation of a normal cut at two
    assert abs(np.mean(np.abs(w) < 1) - 0.6827 / 0.9545) < 0.008
    one_sided = init.trunc_normal_(zeros(2000), a=1.0, b=3.0).numpy()
    assert one_sided.min() >= 1.0 and one_sided.max() <= 3.0 and abs(one_sided.mean() - 1.51) < 0.05


def test_constants():
    for function, value in ((init.zeros_, 0.0), (init.ones_, 1.0)):
        assert function(pydp.tensor([5.0, 7.0])).numpy().tolist() == [value] * 2
    assert init.constant_(pydp.tensor([5.0]), 0.25).item() == 0.25


def test_fans():
    assert_uniform(init.xavier_uniform_(zeros(*CONV), gain=2.0), 2.0 * np.sqrt(6 / 1800))
    assert_normal(init.xavier_normal_(zeros(*CONV)), 0.0, np.sqrt(2 / 1800))
    assert_uniform(init.kaiming_uniform_(zeros(*CONV), a=5**0.5), 1 / np.sqrt(200))
    assert_uniform(init.kaiming_uniform_(zeros(*CONV), nonlinearity="relu"), np.sqrt(6 / 200))
    assert_normal(init.kaiming_normal_(zeros(*CONV), mode="fan_out"), 0.0, np.sqrt(2 / 1600))


@needs_torch
@pytest.mark.parametrize("name", sorted(init.GAINS))
def test_gains_are_torchs(name):
    assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 2, 3, 3)], ids=str)
def test_orthogonal(shape):
    w = init.orthogonal_(zeros(*shape, dtype="float64"), gain=2.0).numpy().reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    assert np.allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_has_both_orientations():
    determinants = [np.linalg.det(init.orthogonal_(zeros(3, 3)).numpy()) for _ in range(40)]
    assert min(determinants) < 0 < max(determinants)


def test_in_place_unrecorded_and_counted():
    w = pydp.nn.Parameter(zeros(4, 4))
    array, version = w._array, w._version[0]
    assert init.normal_(w) is w
    assert w._array is array and w._version[0] > version and w.is_leaf and w.requires_grad


def test_any_layout_is_filled():
    w = pydp.zeros((6, 4))
    init.ones_(w[::2, 1:3])
    assert w.numpy().sum() == 6
    init.constant_(w.T, 2.0)
    assert np.all(w.numpy() == 2)


@pytest.mark.parametrize("function", [init.uniform_, init.normal_, init.trunc_normal_])
def test_a_seed_repeats_and_a_generator_is_its_own(function):
    pydp.manual_seed(1)
    one, two = function(zeros(50)).tolist(), function(zeros(50)).tolist()
    pydp.manual_seed(1)
    assert function(zeros(50)).tolist() == one and one != two
    three = function(zeros(50), generator=pydp.Generator(1)).tolist()
    pydp.manual_seed(1)
    function(zeros(50), generator=pydp.Generator(2))
    assert function(zeros(50)).tolist() == one
    assert three == function(zeros(50), generator=pydp.Generator(1)).tolist()


def test_the_same_weights_on_every_isa_and_for_every_number_of_threads():
    found = []
    for isa in ISAS:
        for threads in (1, 2):
            with setting(isa, threads):
                pydp.manual_seed(5)
                layer = pydp.nn.Linear(300, 200)
                init.trunc_normal_(layer.bias)
            found.append((layer.weight.numpy().tobytes(), layer.bias.numpy().tobytes()))
    assert len(set(found)) == 1


@pytest.mark.parametrize("shape", [(0,), (0, 3), ()], ids=str)
def test_few_elements(shape):
    for function in (init.uniform_, init.normal_, init.trunc_normal_, init.ones_):
        assert function(pydp.zeros(shape)).shape == shape


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: init.normal_([1.0]), TypeError, "normal_: expected a tensor, got list"),
        (lambda: init.zeros_(pydp.tensor([1])), TypeError, "must be float32 or float64, got int64"),
        (lambda: init.uniform_(zeros(2), 1.0, 0.0), ValueError, "uniform_: a must be at most b"),
        (
            lambda: init.uniform_(zeros(2), np.nan),
            ValueError,
            "uniform_: a must be finite, got nan",
        ),
        (lambda: init.normal_(zeros(2), std=-1), ValueError, "normal_: std must be at least 0"),
        (lambda: init.normal_(zeros(2), "0"), TypeError, "normal_: mean must be a number, got '0'"),
        (lambda: init.normal_(zeros(2), True), TypeError, "normal_: mean must be a number"),
        (lambda: init.trunc_normal_(zeros(2), std=0), ValueError, "std must be above 0, got 0"),
        (lambda: init.trunc_normal_(zeros(2), a=9, b=10), ValueError, "at least 1 % of the distr"),
        (lambda: init.trunc_normal_(zeros(2), a=1, b=-1), ValueError, "at least 1 % of the distr"),
        (lambda: init.xavier_normal_(zeros(2)), ValueError, "at least 2 axes, got shape"),
        (lambda: init.kaiming_normal_(zeros(2)), ValueError, "at least 2 axes, got shape"),
        (lambda: init.kaiming_normal_(zeros(2, 2), mode="in"), ValueError, "mode must be 'fan_in'"),
        (
            lambda: init.kaiming_uniform_(zeros(2, 2), nonlinearity="swish"),
            ValueError,
            "nonlinearity must be one of linear, .* got 'swish'",
        ),
        (
            lambda: init.orthogonal_(zeros(4)),
            ValueError,
            "orthogonal_: tensor must have at least 2",
        ),
    ],
)
def test_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_read_only_memory():
    w = pydp.asarray(np.broadcast_to(np.float32(1), (3,)), copy=False)
    with pytest.raises(ValueError, match="constant_: the tensor's memory is read-only"):
        init.ones_(w)


DRAWN = [init.uniform_, init.normal_, init.trunc_normal_, init.ones_, init.kaiming_uniform_]


@pytest.mark.parametrize("function", DRAWN, ids=lambda function: function.__name__)
def test_weights_are_made_in_their_own_memory(function):
    """Of 8 MB, trunc_normal_ holds the 5 % that it draws again, and one piece's comparisons."""
    w = zeros(2000, 1000)
    before = sum(pydp._kernels.memory())
    tracemalloc.start()
    try:
        function(w)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    besides = most + sum(pydp._kernels.memory()) - before
    assert besides < (w.size * 4 if function is init.trunc_normal_ else 100_000)
