"""SequenceRNN: a cell along a sequence is the layer of that cell."""

import pytest

import pydp
from harness import assert_close, real
from pydp import nn
from sequence_peer import filled


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_cell_is_the_layer(kind, bias):
    layer = filled(getattr(nn, kind)(4, 5, bias=bias))
    cell = getattr(nn, f"{kind}Cell")(4, 5, bias).astype("float64")
    cell.load_state_dict({name[:-3]: x for name, x in layer.state_dict().items()})
    run, x = nn.SequenceRNN(cell), pydp.tensor(real(3, 6, 4))
    assert_close(run(x).numpy(), layer(x).numpy(), 1e-12, kind)
    assert str(run.signature) == str(layer.signature) == "real[..., t, 4] -> real[..., t, 5]"


def test_its_type_is_that_of_a_model():
    model = nn.Transformer(8, 2, 1, causal=True)
    assert nn.SequenceRNN(model).type == model.type


def test_a_cell_of_ones_own():
    class Decay(nn.Module):
        def initial_state(self, batch):
            return pydp.zeros((*batch, 2))

        def step(self, x, state):
            return x + 0.5 * state, x + 0.5 * state

    run = nn.SequenceRNN(Decay())
    assert run.type == "any -> any"
    y = run(pydp.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 4.0]]))
    assert y.tolist() == [[1.0, 0.0], [0.5, 0.0], [0.25, 4.0]]
    state = run.reorder(pydp.tensor([[1.0, 2.0], [3.0, 4.0]]), pydp.tensor([1, 1]))
    assert state.tolist() == [[3.0, 4.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("cell", "error", "message"),
    [
        (nn.Linear(2, 2), TypeError, "must be a module with initial_state and step, got Linear"),
        (nn.LSTMCell, TypeError, "must be a module with initial_state and step, got LSTMCell"),
        (nn.GRU(2, 2, bidirectional=True), ValueError, "GRU is not causal: .* bidirectional=True"),
        (nn.Transformer(4, 2, 1), ValueError, r"write Transformer\(…, causal=True\)"),
    ],
)
def test_refused(cell, error, message):
    with pytest.raises(error, match=f"SequenceRNN: .*{message}"):
        nn.SequenceRNN(cell)
