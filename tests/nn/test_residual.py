"""Residual and AddNorm: values, types, and what they refuse."""

import numpy as np
import pytest

import pydp
from pydp import nn
from pydp._size import SignatureError


def test_residual_adds_what_goes_around():
    x = pydp.tensor([[1.0, -2.0]])
    f, g = nn.Linear(2, 3), nn.Linear(2, 3)
    assert nn.Residual(nn.ReLU())(x).tolist() == [[2.0, -2.0]]
    assert nn.Residual(f, g)(x).tolist() == (g(x) + f(x)).tolist()


def test_add_norm_is_its_formula():
    pydp.manual_seed(0)
    f, x = nn.Linear(5, 5), pydp.randn((3, 5))
    y = x + f(x)
    mean = y.numpy().mean(-1, keepdims=True)
    want = (y.numpy() - mean) / np.sqrt(y.numpy().var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(nn.AddNorm(f)(x).detach().numpy(), want, atol=1e-6)
    first = nn.AddNorm(f, norm_first=True)
    np.testing.assert_allclose(first(x).tolist(), (x + f(first.norm(x))).tolist(), atol=1e-6)
    assert nn.AddNorm(f, dropout=1.0)(x).tolist() == nn.LayerNorm(5)(x).tolist()
    assert nn.AddNorm(f, dropout=1.0).eval()(x).tolist() == nn.AddNorm(f)(x).tolist()


def test_arguments_go_on_to_f():
    class Scale(nn.Module):
        type = "(real[..., d], real[]?) -> real[..., d]"

        def forward(self, x, by=1.0, more=0.0):
            return x * by + more

    x = pydp.ones(2)
    assert nn.Residual(Scale())(x, 3.0, more=1.0).tolist() == [5.0, 5.0]
    assert nn.AddNorm(nn.Identity(), d=2)(x).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("box", "signature"),
    [
        (lambda: nn.Residual(nn.ReLU()), "real[...] -> real[...]"),
        (
            lambda: nn.Residual(nn.Conv2d(8, 8, 3, padding=1)),
            "real[..., 8, h, w] -> real[..., 8, h, w]",
        ),
        (
            lambda: nn.Residual(
                nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.Conv2d(8, 16, 1, stride=2)
            ),
            "real[..., 8, h, w] -> real[..., 16, (h + 1) // 2, (w + 1) // 2]",
        ),
        (lambda: nn.AddNorm(nn.LSTM(4, 4)), "real[..., t, 4] -> real[..., t, 4]"),
        (lambda: nn.AddNorm(nn.ReLU(), d=4), "real[..., 4] -> real[..., 4]"),
        (lambda: nn.AddNorm(nn.AddNorm(nn.Linear(4, 4))), "real[..., 4] -> real[..., 4]"),
    ],
)
def test_types(box, signature):
    made = box()
    assert str(made.signature) == made.type == signature
    if "h" not in signature.replace("...", ""):
        assert str(pydp.check(made)).startswith(signature)


def test_what_cannot_be_added_is_refused():
    with pytest.raises(SignatureError, match=r"Residual: Linear\(4, 5\) \+ the path around"):
        nn.Residual(nn.Linear(4, 5))
    with pytest.raises(SignatureError, match=r"w - 2 \(output axis -1 of Residual: Conv2d"):
        nn.Residual(nn.Conv2d(8, 8, 3))
    with pytest.raises(SignatureError, match=r"\(w - 3\) // 2 \+ 1 .* against \(w \+ 1\) // 2"):
        nn.Residual(nn.Conv2d(8, 16, 3, stride=2), nn.Conv2d(8, 16, 1, stride=2))
    with pytest.raises(SignatureError, match=r"5 \(output axis -1 of AddNorm: Linear\(4, 5\)\)"):
        nn.AddNorm(nn.Linear(4, 5))
    with pytest.raises(SignatureError, match=r"4 .* against 5 .* of norm: LayerNorm"):
        nn.AddNorm(nn.Linear(4, 4), d=5)
    with pytest.raises(ValueError, match=r"AddNorm: f's type, real.* does not say the size of the"):
        nn.AddNorm(nn.ReLU())
    with pytest.raises(TypeError, match=r"Residual: Linear is a class; write Linear\(…\)"):
        nn.Residual(nn.Linear)
    with pytest.raises(ValueError, match=r"AddNorm: dropout must be in \[0, 1\], got 2"):
        nn.AddNorm(nn.Linear(4, 4), dropout=2)
