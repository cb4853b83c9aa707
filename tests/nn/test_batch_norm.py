"""BatchNorm1d and BatchNorm2d against PyTorch's: values, gradients, buffers, modes."""

import copy

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import against_torch, needs_torch
from pydp import nn

OPTIONS = [
    {},
    {"momentum": 0.3, "eps": 1e-3},
    {"momentum": None},
    {"affine": False},
    {"track_running_stats": False},
]
SHAPES = [("BatchNorm1d", (6, 4)), ("BatchNorm1d", (3, 4, 5)), ("BatchNorm2d", (3, 4, 5, 2))]


def pair(name, options):
    """Ours and PyTorch's, with the same weights that are not ones and zeros."""
    ours, theirs = getattr(nn, name)(4, **options), getattr(torch.nn, name)(4, **options)
    with pydp.no_grad():
        for i, parameter in enumerate(ours.parameters()):
            parameter[...] = real(4, seed=i).astype("float32")
    ours.astype("float64")
    theirs.double()
    state = {key: torch.from_numpy(np.array(t.numpy())) for key, t in ours.state_dict().items()}
    assert list(state) == list(theirs.state_dict())
    theirs.load_state_dict(state)
    return ours, theirs


@needs_torch
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
def test_against_torch(name, shape, options):
    """Batches in training mode, then one in evaluation mode; the buffers after each."""
    ours, theirs = pair(name, options)
    for step in range(4):
        if step == 3:
            ours.eval()
            theirs.eval()
        x = real(*shape, seed=step)
        got, want = ours(pydp.tensor(x)), theirs(torch.from_numpy(x))
        assert_close(got.detach().numpy(), want.detach().numpy(), 1e-10, f"step {step}")
        peers = dict(theirs.named_buffers())
        for key, buffer in ours.named_buffers():
            assert_close(buffer.numpy(), peers[key].numpy(), 1e-12, f"{key} at step {step}")
            assert buffer.dtype == peers[key].numpy().dtype


@needs_torch
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
@pytest.mark.parametrize("mode", [True, False])
def test_gradients_against_torch(name, shape, options, mode):
    ours, theirs = pair(name, options)
    against_torch(ours.train(mode), theirs.train(mode), real(*shape))


def test_modes():
    norm, x = nn.BatchNorm2d(2), pydp.tensor(real(3, 2, 4, 4).astype("float32"))
    norm.eval()
    np.testing.assert_allclose(norm(x).detach().numpy(), x.numpy(), rtol=1e-4)  # mean 0, variance 1
    assert norm.num_batches_tracked.item() == 0
    norm.train()
    norm(x)
    assert norm.num_batches_tracked.item() == 1 and norm.running_mean.tolist() != [0, 0]
    norm.reset_running_stats()
    assert norm.running_mean.tolist() == [0, 0] and norm.running_var.tolist() == [1, 1]
    assert norm.num_batches_tracked.item() == 0


def test_state():
    norm = nn.BatchNorm1d(3)
    keys = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert list(norm.state_dict()) == keys
    assert norm.num_batches_tracked.dtype == np.int64 and norm.num_batches_tracked.shape == ()
    norm(pydp.tensor(real(5, 3).astype("float32")))
    other = nn.BatchNorm1d(3)
    other.load_state_dict(norm.state_dict())
    twin = copy.deepcopy(norm)
    for loaded in (other, twin):
        for key, value in norm.state_dict().items():
            np.testing.assert_array_equal(loaded.state_dict()[key].numpy(), value.numpy())
    twin(pydp.tensor(real(5, 3).astype("float32")))
    assert norm.num_batches_tracked.item() == 1  # the copy has buffers of its own
    assert list(nn.BatchNorm1d(3, affine=False, track_running_stats=False).state_dict()) == []


def test_types_compose():
    net = nn.Conv2d(3, 8, 3, padding=1) >> nn.BatchNorm2d(8) >> nn.ReLU() >> nn.MaxPool2d(2)
    assert str(net.signature) == "real[..., 3, h, w] -> real[..., 8, h // 2, w // 2]"
    with pytest.raises(ValueError, match="do not fit"):
        nn.Conv2d(3, 8, 3) >> nn.BatchNorm2d(9)


def test_features_are_axis_1():
    norm = nn.BatchNorm1d(8)
    assert str(pydp.check(norm)) == "real[n, 8, ...] -> real[n, 8, ...]"
    dense = nn.Linear(3, 8) >> norm >> nn.ReLU() >> nn.Linear(8, 2)
    assert str(dense.signature) == "real[n, 3] -> real[n, 2]"
    waves = nn.Conv1d(3, 8, 3) >> nn.BatchNorm1d(8)
    assert str(waves.signature) == "real[n, 3, l] -> real[n, 8, l - 2]"
    with pytest.raises(
        ValueError, match=r"12 .* against 8 .*\n.*repair: BatchNorm1d.num_features=12"
    ):
        nn.Linear(3, 12) >> norm
    with pytest.raises(
        ValueError, match=r"12 .* against 8 .*\n.*repair: BatchNorm1d.num_features=12"
    ):
        nn.Conv1d(3, 12, 3) >> norm


def test_1d_is_2d_where_there_are_two_axes_behind():
    x = pydp.tensor(real(3, 4, 5, 2).astype("float32"))
    np.testing.assert_array_equal(nn.BatchNorm1d(4)(x).numpy(), nn.BatchNorm2d(4)(x).numpy())


def test_text():
    assert nn.BatchNorm2d(8).extra_repr() == "8"
    assert nn.BatchNorm1d(8, 1e-3, None, False, False).extra_repr() == (
        "8, eps=0.001, momentum=None, affine=False, track_running_stats=False"
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.BatchNorm2d(0), ValueError,
         "BatchNorm2d: num_features must be at least 1, got 0"),
        (lambda: nn.BatchNorm2d(3, momentum=2), ValueError,
         "BatchNorm2d: momentum must be in [0, 1], got 2"),
        (lambda: nn.BatchNorm1d(3, eps=0.0), ValueError,
         "BatchNorm1d: eps must be above 0, got 0"),
        (lambda: nn.BatchNorm1d(3, affine=None), TypeError,
         "BatchNorm1d: affine must be True or False, got None"),
        (lambda: nn.BatchNorm2d(3)(pydp.zeros((2, 3))), ValueError,
         "BatchNorm2d: x must be [..., c, h, w], got shape (2, 3)"),
        (lambda: nn.BatchNorm1d(3)(pydp.zeros(3)), ValueError,
         "BatchNorm1d: batch_norm: x must have 3 channels on axis 1, got shape (3,)"),
        (lambda: nn.BatchNorm1d(3)(pydp.zeros((2, 4))), ValueError,
         "BatchNorm1d: batch_norm: x must have 3 channels on axis 1, got shape (2, 4)"),
        (lambda: nn.BatchNorm1d(3)(pydp.zeros((1, 3))), ValueError,
         "BatchNorm1d: batch_norm: training must have more than 1 value per channel, got x of "
         "shape (1, 3)"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
