"""SequenceModel: whole sequences and single steps give the same, whatever the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pydp
from harness import assert_close, real
from pydp import nn
from sequence_peer import filled

D = 6


class Mean(nn.SequenceModel):
    """The mean of all vectors so far: a model of somebody's own, with no more than it must have."""

    type = "real[..., t, d] -> real[..., t, d]"

    def initial_state(self, batch):
        return pydp.zeros((*batch, D), dtype="float64"), pydp.zeros(batch, dtype="float64")

    def step(self, x, state):
        total, n = state[0] + x, state[1] + 1.0
        return total / n[..., None], (total, n)


def transformer(**options):
    return nn.Transformer(D, num_heads=3, num_layers=2, hidden=10, causal=True, **options)


MODELS = {
    "SimpleRNN": lambda: nn.SimpleRNN(D, 5),
    "RNN, relu": lambda: nn.RNN(D, 5, nonlinearity="relu"),
    "LSTM": lambda: nn.LSTM(D, 5),
    "LSTM, two layers": lambda: nn.LSTM(D, 5, num_layers=2, bias=False),
    "GRU": lambda: nn.GRU(D, 5, num_layers=2),
    "Transformer": transformer,
    "Transformer, norms first": lambda: transformer(norm_first=True, activation="gelu"),
    "Transformer, learned": lambda: transformer(positions="learned", max_length=9),
    "Transformer, rotary": lambda: transformer(positions="rotary"),
    "Transformer, no positions": lambda: transformer(positions=None),
    "SequenceRNN(LSTMCell)": lambda: nn.SequenceRNN(nn.LSTMCell(D, 5)),
    "SequenceRNN(GRUCell)": lambda: nn.SequenceRNN(nn.GRUCell(D, 5)),
    "SequenceRNN(RNNCell)": lambda: nn.SequenceRNN(nn.RNNCell(D, 5)),
    "SequenceRNN(LSTM)": lambda: nn.SequenceRNN(nn.LSTM(D, 5, 2)),
    "SequenceRNN(Transformer)": lambda: nn.SequenceRNN(transformer()),
    "one of somebody's own": Mean,
}
each = pytest.mark.parametrize("name", MODELS)


def make(name):
    return filled(MODELS[name]())


def steps(model, x, state):
    """y step by step, and the state after the last."""
    ys = []
    for i in range(x.shape[-2]):
        y, state = model.step(x[..., i, :], state)
        ys.append(y)
    return pydp.stack(ys, axis=-2), state


@each
@given(batch=st.lists(st.integers(1, 3), max_size=2).map(tuple), t=st.integers(1, 9))
def test_forward_is_step_by_step(name, batch, t):
    model = make(name)
    x = pydp.tensor(real(*batch, t, D))
    y, _ = steps(model, x, model.initial_state(batch))
    assert_close(y.numpy(), model(x).numpy(), 1e-12, name)


@each
def test_the_gradients_are_the_same(name):
    model = make(name)
    found = []
    for whole in (True, False):
        for parameter in model.parameters():
            parameter.grad = None
        x = pydp.tensor(real(2, 5, D), requires_grad=True)
        y = model(x) if whole else steps(model, x, model.initial_state((2,)))[0]
        dy = real(*y.shape, seed=3)
        (y * pydp.tensor(dy)).sum().backward()
        found.append([x.grad.numpy(), *[p.grad.numpy() for p in model.parameters()]])
    for a, b in zip(*found, strict=True):
        assert_close(a, b, 1e-10, name)


@each
def test_no_output_depends_on_what_follows(name):
    """The gradient of y_i in x_j is exactly 0 for j > i, and is not for j <= i."""
    model = make(name)
    assert model.causal
    for i in range(5):
        x = pydp.tensor(real(2, 5, D), requires_grad=True)
        (model(x)[:, i] * pydp.tensor(real(2, model(x).shape[-1]))).sum().backward()
        moved = np.abs(x.grad.numpy()).max(axis=(0, 2))
        assert not moved[i + 1 :].any() and moved[: i + 1].all()


@each
def test_what_was_read_before_is_in_the_state(name):
    """Some steps, one, some more: as all at once. A state can be used again."""
    model, x = make(name), pydp.tensor(real(2, 8, D))
    want = model(x).numpy()
    first, state = model.read(x[:, :3], model.initial_state((2,)))
    for _ in range(2):
        one, later = model.step(x[:, 3], state)
        rest, _ = model.read(x[:, 4:], later)
        y = pydp.concat([first, one[:, None], rest], axis=1)
        assert_close(y.numpy(), want, 1e-12, name)


@each
def test_reorder(name):
    """Rows of a state are sequences of their own."""
    model, x = make(name), pydp.tensor(real(3, 4, D))
    rows = pydp.tensor([2, 0, 2, 1])
    _, state = model.read(x[:, :3], model.initial_state((3,)))
    y, _ = model.step(pydp.take(x[:, 3], rows, axis=0), model.reorder(state, rows))
    assert_close(y.numpy(), model(x)[:, 3].numpy()[rows.numpy()], 1e-12, name)


@each
def test_a_state_has_the_parameters_dtype(name):
    if name == "one of somebody's own":
        pytest.skip("it has none")
    model = make(name).astype("float32")
    x = pydp.tensor(real(2, D).astype(np.float32))
    y, state = model.step(x, model.initial_state(2))
    assert y.dtype == pydp.float32
    assert {str(a.dtype) for _, a in pydp._tree.leaves(state)} == {"float32"}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.LSTM(D, 5, bidirectional=True), "LSTM: it is bidirectional and has no step"),
        (nn.Transformer(D, 3, 1), "Transformer: it has no step, because every vector sees"),
    ],
)
def test_what_sees_later_vectors_has_no_step(model, message):
    assert not model.causal
    with pytest.raises(ValueError, match=message):
        model.step(pydp.zeros((2, D)), model.initial_state(2))
    assert model(pydp.zeros((2, 4, D))).shape[:2] == (2, 4)


def test_what_a_model_must_define():
    class Nothing(nn.SequenceModel):
        pass

    with pytest.raises(NotImplementedError, match="Nothing has no initial_state"):
        Nothing()(pydp.zeros((2, D)))
    with pytest.raises(NotImplementedError, match="Nothing has no step"):
        Nothing().step(pydp.zeros((D,)), None)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "Transformer", "SequenceRNN(GRUCell)"])
@pytest.mark.parametrize(
    ("batch", "error"),
    [(-1, ValueError), (2.0, TypeError), ((2, -3), ValueError), ("3", TypeError)],
)
def test_the_batch_of_a_state(name, batch, error):
    with pytest.raises(error, match=r"initial_state: "):
        make(name).initial_state(batch)
