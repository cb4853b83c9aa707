"""FeedForward: its definition in Linear and an activation, against PyTorch's of the same boxes."""

from functools import partial

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn


def peers(layer):
    """The same function in torch, with the same weights."""
    gelu = torch.nn.functional.gelu
    activations = {"relu": torch.relu, "gelu": gelu, "tanh": torch.tanh,
                   "gelu_tanh": partial(gelu, approximate="tanh")}  # fmt: skip
    f = activations.get(layer.activation, torch.sigmoid if layer.activation else lambda y: y)
    state = {k: torch.tensor(t.numpy(), requires_grad=True) for k, t in layer.state_dict().items()}

    def forward(x):
        y = f(x @ state["linear1.weight"].T + state["linear1.bias"])
        if "linear2.weight" in state:
            y = y @ state["linear2.weight"].T + state["linear2.bias"]
        return y

    return forward, state


@needs_torch
@pytest.mark.parametrize("hidden", [None, 5])
@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_tanh", "tanh", "sigmoid", None])
def test_against_torch(activation, hidden):
    layer = nn.FeedForward(3, 4, hidden=hidden, activation=activation).astype("float64")
    forward, state = peers(layer)
    a = real(2, 6, 3)
    x, t = pydp.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    y, want = layer(x), forward(t)
    assert_close(y.numpy(), want.detach().numpy(), 1e-10, "value")
    y.backward(pydp.ones(y.shape, dtype="float64"))
    want.backward(torch.ones_like(want))
    assert_close(x.grad.numpy(), t.grad.numpy(), 1e-10, "gradient of x")
    for name, parameter in layer.named_parameters():
        assert_close(parameter.grad.numpy(), state[name].grad.numpy(), 1e-10, name)


def test_names_types_and_values():
    assert list(nn.FeedForward(3, 4).state_dict()) == ["linear1.weight", "linear1.bias"]
    assert list(nn.FeedForward(3, 4, 5).state_dict())[2:] == ["linear2.weight", "linear2.bias"]
    for hidden in (None, 5):
        layer = nn.FeedForward(3, 4, hidden)
        assert str(layer.signature) == "real[..., 3] -> real[..., 4]"
    assert np.all(nn.FeedForward(3, 4)(pydp.tensor(real(50, 3), "float32")).numpy() >= 0)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((0, 2), ValueError, "in_features must be at least 1"),
        ((3, 2, 0), ValueError, "must be at least 1, got 0"),
        ((3, 2, True), TypeError, "must be an int, got True"),
        ((3, 2, None, "swish"), ValueError, "FeedForward: activation must be one of None, 'relu'"),
        ((3, 2, None, max), ValueError, "FeedForward: activation must be one of"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.FeedForward(*arguments)
