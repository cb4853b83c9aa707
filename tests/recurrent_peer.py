"""LSTM, GRU and RNN against PyTorch's with the same weights: y, final state and every gradient.

Padded batches go to PyTorch as packed sequences. Rows of length 0, which it refuses, are asked of
our definition alone (tests/ops).
"""

import numpy as np

import pydp
from harness import assert_close, real, torch, weights
from pydp import nn

LAYERS = [
    {},
    {"bias": False},
    {"num_layers": 3},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "bias": False},
]
BATCHES = {
    "a batch": ((3, 6), None),
    "one sequence": ((5,), None),
    "one step": ((2, 1), None),
    "padded": ((4, 6), [6, 1, 4, 5]),
    "all shorter than t": ((2, 7), [5, 3]),
}


def peer_of(ours):
    """PyTorch's module of the same kind, arguments and weights, in float64."""
    name = type(ours).__name__
    options = {"nonlinearity": ours.nonlinearity} if name == "RNN" else {}
    theirs = getattr(torch.nn, name)(
        ours.input_size, ours.hidden_size, ours.num_layers, bias=ours.bias, batch_first=True,
        bidirectional=ours.bidirectional, **options,
    ).double()  # fmt: skip
    state = {k: torch.from_numpy(np.array(v.numpy())) for k, v in ours.state_dict().items()}
    theirs.load_state_dict(state)
    return theirs


def run_theirs(theirs, x, state, lengths):
    if lengths is None:
        return theirs(x, state)
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, final = theirs(packed, state)
    y, _ = rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    return y, final


def against_torch(name, options, batch, with_state):
    """Everything that both can say."""
    shape, lengths = BATCHES[batch]
    ours = getattr(nn, name)(4, 5, **options).astype("float64")
    theirs = peer_of(ours)
    count = ours.num_layers * (2 if ours.bidirectional else 1)
    parts = [real(count, *shape[:-1], 5, seed=i) for i in range(2 if name == "LSTM" else 1)]
    arrays = [real(*shape, 4), *(parts if with_state else [])]
    xs = [pydp.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]

    def state(values):
        if not with_state:
            return None
        return tuple(values[1:]) if name == "LSTM" else values[1]

    y, final = ours(xs[0], state(xs), lengths, return_state=True)
    want_y, want_final = run_theirs(theirs, ts[0], state(ts), lengths)
    got, want = [y, final], [want_y, want_final]
    if name == "LSTM":
        got, want = [y, *final], [want_y, *want_final]
    for label, a, b in zip(("y", "h", "c"), got, want):  # noqa: B905 (no c but for LSTM)
        assert_close(a.numpy(), b.detach().numpy(), 1e-10, label)
    sum([(a * pydp.tensor(weights(a.shape, 7))).sum() for a in got]).backward()
    sum([(b * torch.from_numpy(weights(tuple(b.shape), 7))).sum() for b in want]).backward()
    for i, (a, b) in enumerate(zip(xs, ts, strict=True)):
        assert_close(a.grad.numpy(), b.grad.numpy(), 1e-8, f"gradient of input {i}")
    peers = dict(theirs.named_parameters())
    for key, parameter in ours.named_parameters():
        assert_close(parameter.grad.numpy(), peers[key].grad.numpy(), 1e-8, f"gradient of {key}")
