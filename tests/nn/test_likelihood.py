"""Losses of likelihoods as modules against PyTorch's."""

import pytest

import pydp
from harness import indices, real, torch
from peer import against_torch, needs_torch
from pydp import nn

REDUCTIONS = ["mean", "sum", "none"]


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nll(reduction):
    w, options = real(5, low=0.5), {"ignore_index": 2, "reduction": reduction}
    ours = nn.NLLLoss(pydp.tensor(w), axis=1, **options)
    theirs = torch.nn.NLLLoss(torch.tensor(w), **options)
    against_torch(ours, theirs, real(4, 5, 3), indices(4, 3, below=5))
    assert list(ours.state_dict()) == ["weight"]


@needs_torch
@pytest.mark.parametrize("reduction", ["batchmean", "sum", "none"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(reduction, log_target):
    ours, theirs = [
        box.KLDivLoss(reduction=reduction, log_target=log_target) for box in (nn, torch.nn)
    ]
    against_torch(ours, theirs, real(3, 4), real(3, 4, low=0.1, high=1, seed=1))


@needs_torch
@pytest.mark.parametrize("options", [{}, {"full": True}, {"log_input": False, "eps": 0.1}], ids=str)
def test_poisson(options):
    ours, theirs = [box.PoissonNLLLoss(**options) for box in (nn, torch.nn)]
    against_torch(ours, theirs, real(3, 4, low=0.1), real(3, 4, low=0.1, high=5, seed=1))


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gaussian(reduction):
    ours, theirs = [box.GaussianNLLLoss(full=True, reduction=reduction) for box in (nn, torch.nn)]
    against_torch(ours, theirs, real(3, 4), real(3, 4, seed=1), real(3, 4, low=0.1, seed=2))


def test_types_and_arguments():
    assert str(nn.NLLLoss().signature) == "(real[..., c], token[...]) -> real[]"
    assert repr(nn.KLDivLoss("batchmean")) == "KLDivLoss(reduction='batchmean')"
    with pytest.raises(ValueError, match="KLDivLoss: reduction must be one of 'batchmean'"):
        nn.KLDivLoss("no")
    with pytest.raises(TypeError, match="PoissonNLLLoss: full must be True or False, got 1"):
        nn.PoissonNLLLoss(full=1)
