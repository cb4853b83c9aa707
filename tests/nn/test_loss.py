"""The losses as modules against PyTorch's."""

import numpy as np
import pytest

import pydp
from harness import indices, real, torch
from peer import against_torch, needs_torch
from pydp import nn

OPTIONS = [{}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1}]


@needs_torch
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_cross_entropy_against_torch(options):
    ours, theirs = nn.CrossEntropyLoss(**options), torch.nn.CrossEntropyLoss(**options)
    against_torch(ours, theirs, real(6, 5), indices(6, below=5))


@needs_torch
def test_cross_entropy_of_weighted_classes_and_images():
    weight, target = real(5, low=0.1), indices(2, 3, 4, below=5)
    target[0, 0, :2] = 7
    options = {"ignore_index": 7, "reduction": "mean"}
    ours = nn.CrossEntropyLoss(pydp.tensor(weight), axis=1, **options)
    theirs = torch.nn.CrossEntropyLoss(torch.from_numpy(weight), **options)
    against_torch(ours, theirs, real(2, 5, 3, 4), target)


@needs_torch
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_against_torch(reduction):
    against_torch(
        nn.MSELoss(reduction), torch.nn.MSELoss(reduction=reduction), real(3, 4), real(3, 4, seed=1)
    )


ALIKE = [
    ("L1Loss", {}),
    ("SmoothL1Loss", {"beta": 0.5}),
    ("HuberLoss", {"delta": 0.75}),
    ("BCELoss", {}),
    ("BCEWithLogitsLoss", {}),
]


@needs_torch
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "options"), ALIKE, ids=str)
def test_against_torch(name, options, reduction):
    ours, theirs = [getattr(box, name)(reduction=reduction, **options) for box in (nn, torch.nn)]
    span = {"low": 0.05, "high": 0.95}
    against_torch(ours, theirs, real(3, 4, **(span if name == "BCELoss" else {})),
                  real(3, 4, seed=1, **span))  # fmt: skip
    assert str(ours.signature) == (
        f"(real[...], real[...]) -> real[{'...' if reduction == 'none' else ''}]"
    )


@needs_torch
def test_weights_of_classes_and_elements():
    w, p = real(4, low=0.5), real(4, low=0.5, seed=1)
    x, t = real(3, 4, low=0.05, high=0.95), real(3, 4, low=0, high=1)
    against_torch(nn.BCELoss(pydp.tensor(w)), torch.nn.BCELoss(torch.tensor(w)), x, t)
    ours = nn.BCEWithLogitsLoss(pydp.tensor(w), pos_weight=pydp.tensor(p))
    theirs = torch.nn.BCEWithLogitsLoss(torch.tensor(w), pos_weight=torch.tensor(p))
    against_torch(ours, theirs, real(3, 4), t)
    assert list(ours.state_dict()) == ["weight", "pos_weight"]


def test_repr_and_arguments():
    assert repr(nn.SmoothL1Loss("sum", beta=0.5)) == "SmoothL1Loss(beta=0.5, reduction='sum')"
    assert repr(nn.BCEWithLogitsLoss()) == "BCEWithLogitsLoss()"
    with pytest.raises(ValueError, match="HuberLoss: delta must be finite and above 0, got 0"):
        nn.HuberLoss(delta=0)


def test_the_weight_is_state():
    loss = nn.CrossEntropyLoss(pydp.tensor([1.0, 2.0]))
    assert list(loss.state_dict()) == ["weight"] and list(loss.parameters()) == []
    assert list(nn.CrossEntropyLoss().state_dict()) == []


def test_types():
    assert str(nn.CrossEntropyLoss().signature) == "(real[..., c], token[...]) -> real[]"
    assert str(nn.MSELoss("none").signature) == "(real[...], real[...]) -> real[...]"


def test_a_loss_does_not_broadcast():
    with pytest.raises(ValueError, match=r"^MSELoss: mse_loss: "):
        nn.MSELoss()(pydp.zeros((3, 1)), pydp.zeros((3,)))


@pytest.mark.parametrize("box", [nn.CrossEntropyLoss, nn.MSELoss, nn.BCELoss, nn.CTCLoss])
@pytest.mark.parametrize("reduction", ["average", None, 1])
def test_reductions(box, reduction):
    with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none', got"):
        box(reduction=reduction)


@pytest.mark.parametrize("smoothing", [-0.1, 1.5, np.nan])
def test_label_smoothing(smoothing):
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\]"):
        nn.CrossEntropyLoss(label_smoothing=smoothing)
