"""MultiheadAttention against PyTorch's with the same weights: masks, sizes, where the batch is."""

import itertools

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch, weights
from peer import assert_uniform, needs_torch
from pydp import nn

E, H, N, T, S = 12, 3, 4, 5, 7
PADDING = np.arange(S) < np.array([[7], [3], [1], [5]])
SEEN = np.random.default_rng(0).random((T, S)) < 0.6
SEEN[:, 0] = True


def pair(**arguments):
    """Ours and PyTorch's, with the same weights in float64."""
    ours = nn.MultiheadAttention(E, H, **arguments).astype("float64")
    arguments.setdefault("batch_first", True)
    theirs = torch.nn.MultiheadAttention(E, H, **arguments).double()
    with pydp.no_grad():
        for parameter in ours.parameters():  # zeros would hide the biases
            parameter[...] = real(*parameter.shape, seed=3)
    state = {name: torch.from_numpy(x.numpy().copy()) for name, x in ours.state_dict().items()}
    theirs.load_state_dict(state)
    assert list(state) == list(theirs.state_dict())
    return ours, theirs


def compare(ours, theirs, inputs, our_words, their_words):
    """Result, weights, and the gradients of inputs and parameters from both."""
    xs = [pydp.tensor(x, requires_grad=True) for x in inputs]
    ts = [torch.from_numpy(x.copy()).requires_grad_() for x in inputs]
    y, w = ours(*(xs * 3)[:3], **our_words)
    t, u = theirs(*(ts * 3)[:3], **their_words)
    assert_close(y.numpy(), t.detach().numpy(), 1e-12, "value")
    assert (w is None) == (u is None)
    dy = weights(y.shape, 7)
    loss, peer = (y * pydp.tensor(dy)).sum(), (t * torch.from_numpy(dy)).sum()
    if w is not None:
        assert_close(w.numpy(), u.detach().numpy(), 1e-12, "weights")
        dw = weights(w.shape, 8)
        loss = loss + (w * pydp.tensor(dw)).sum()
        peer = peer + (u * torch.from_numpy(dw)).sum()
    loss.backward()
    peer.backward()
    for x, other in zip(xs, ts, strict=True):
        assert_close(x.grad.numpy(), other.grad.numpy(), 1e-10, "gradient of an input")
    peers = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        assert_close(parameter.grad.numpy(), peers[name].grad.numpy(), 1e-10, name)


SELF, CROSS = (N, T, E), ((N, T, E), (N, S, E), (N, S, E))


@needs_torch
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_self_attention(need_weights, batch_first, bias):
    ours, theirs = pair(bias=bias, batch_first=batch_first)
    words = {"need_weights": need_weights}
    compare(ours, theirs, [real(*SELF)], words, words)


@needs_torch
@pytest.mark.parametrize("need_weights", [False, True])
def test_causal(need_weights):
    ours, theirs = pair()
    hidden = torch.triu(torch.ones(T, T, dtype=torch.bool), 1)
    words = {"need_weights": need_weights, "is_causal": True}
    compare(ours, theirs, [real(*SELF)], words, words | {"attn_mask": hidden})


@needs_torch
@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("sizes", [{}, {"kdim": 5}, {"kdim": 5, "vdim": 9}, {"vdim": 9}], ids=str)
def test_cross_attention(sizes, average):
    ours, theirs = pair(**sizes)
    k, v = sizes.get("kdim", E), sizes.get("vdim", E)
    words = {"average_attn_weights": average}
    inputs = [real(N, T, E), real(N, S, k, seed=1), real(N, S, v, seed=2)]
    compare(ours, theirs, inputs, words, words)


@needs_torch
@pytest.mark.parametrize(
    "more",
    [
        {"add_bias_kv": True},
        {"add_zero_attn": True},
        {"add_bias_kv": True, "add_zero_attn": True},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("padding", [None, "bool", "real"])
@pytest.mark.parametrize("mask", [None, "bool", "real", "each head"])
def test_masks(padding, mask, more, need_weights):
    """A boolean mask is PyTorch's inverted, a real one is added by both."""
    if {padding, mask} == {"bool", "real"} or (padding == "bool" and mask == "each head"):
        pytest.skip("PyTorch refuses, or warns of, mixed masks")
    ours, theirs = pair(**more)
    our_words, their_words = {"need_weights": need_weights}, {"need_weights": need_weights}
    if padding == "bool":
        our_words["key_padding_mask"] = PADDING
        their_words["key_padding_mask"] = torch.from_numpy(~PADDING)
    elif padding == "real":
        our_words["key_padding_mask"] = real(N, S)
        their_words["key_padding_mask"] = torch.from_numpy(real(N, S))
    if mask == "bool":
        our_words["attn_mask"] = SEEN
        their_words["attn_mask"] = torch.from_numpy(~SEEN)
    elif mask is not None:
        added = real(T, S, seed=4) if mask == "real" else real(N * H, T, S)
        our_words["attn_mask"] = added
        their_words["attn_mask"] = torch.from_numpy(added)
    inputs = [real(*shape, seed=i) for i, shape in enumerate(CROSS)]
    compare(ours, theirs, inputs, our_words, their_words)


@needs_torch
def test_without_a_batch():
    ours, theirs = pair()
    words = {"key_padding_mask": PADDING[1]}
    peer_words = {"key_padding_mask": torch.from_numpy(~PADDING[1])}
    inputs = [real(*shape[1:], seed=i) for i, shape in enumerate(CROSS)]
    compare(ours, theirs, inputs, words, peer_words)


def test_mixed_masks():
    """A boolean padding with an added mask of pairs: the same as all added."""
    layer = nn.MultiheadAttention(E, H).astype("float64")
    q, k, v = [pydp.tensor(real(*shape, seed=i)) for i, shape in enumerate(CROSS)]
    added = real(N, H, T, S, seed=4)
    one = layer(q, k, v, key_padding_mask=PADDING, attn_mask=added)
    hidden = np.where(PADDING[:, None, None, :], added, -np.inf)
    two = layer(q, k, v, attn_mask=hidden)
    for a, b in zip(one, two, strict=True):
        assert_close(a.numpy(), b.numpy(), 1e-14, "")
    seen = layer(q, k, v, key_padding_mask=PADDING, attn_mask=SEEN)[0]
    want = layer(q, k, v, attn_mask=SEEN & PADDING[:, None, None, :])[0]
    assert_close(seen.numpy(), want.numpy(), 0, "")


def test_a_sequence_of_padding_alone_gives_the_bias():
    layer = nn.MultiheadAttention(E, H)
    x = pydp.tensor(np.full((2, T, E), np.nan, np.float32), requires_grad=True)
    y, w = layer(x, x, x, key_padding_mask=np.zeros((2, T), bool))
    assert not w.numpy().any()
    np.testing.assert_array_equal(y.numpy(), np.zeros((2, T, E)))  # the bias begins as zeros


def test_dropout_in_training_alone():
    layer = nn.MultiheadAttention(E, H, dropout=0.5)
    x = pydp.tensor(real(*SELF).astype(np.float32))
    pydp.manual_seed(1)
    one, dropped = layer(x, x, x, average_attn_weights=False)
    pydp.manual_seed(1)
    two, none = layer(x, x, x, need_weights=False)
    assert none is None and np.mean(dropped.numpy() == 0) > 0.2
    np.testing.assert_array_equal(one.numpy(), two.numpy())
    still = layer.eval()(x, x, x)[1].numpy()
    np.testing.assert_allclose(still.sum(-1), 1, rtol=1e-5)


def test_initial_values():
    layer = nn.MultiheadAttention(96, 4, add_bias_kv=True)
    assert_uniform(layer.in_proj_weight, np.sqrt(6 / (4 * 96)))
    assert_uniform(layer.out_proj.weight, 96**-0.5)
    assert not layer.in_proj_bias.numpy().any() and not layer.out_proj.bias.numpy().any()
    assert layer.bias_k.numpy().any() and layer.bias_v.shape == (1, 1, 96)
    assert_uniform(nn.MultiheadAttention(96, 4, kdim=48).k_proj_weight, np.sqrt(6 / (96 + 48)))


def test_type_and_repr():
    layer = nn.MultiheadAttention(8, 2, kdim=3)
    assert str(layer.signature) == (
        "(real[..., t, 8], real[..., s, 3], real[..., s, 8]) -> (real[..., t, 8], any)"
    )
    assert repr(layer).startswith("MultiheadAttention(8, num_heads=2, kdim=3")
    words = {"dropout": 0.1, "bias": False, "add_bias_kv": True, "add_zero_attn": True,
             "vdim": 3, "batch_first": False}  # fmt: skip
    shown = repr(nn.MultiheadAttention(8, 2, **words))
    for word in ("dropout=0.1", "bias=False", "add_bias_kv=True", "add_zero_attn=True", "vdim=3",
                 "batch_first=False"):  # fmt: skip
        assert word in shown


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"num_heads": 5}, ValueError, "embed_dim must be a multiple of num_heads, got 12 and 5"),
        ({"num_heads": 0}, ValueError, "num_heads must be at least 1, got 0"),
        ({"embed_dim": 12.0}, TypeError, "embed_dim must be an int, got 12.0"),
        ({"dropout": 1.5}, ValueError, "dropout must be in [0, 1], got 1.5"),
        ({"kdim": 0}, ValueError, "kdim must be at least 1, got 0"),
        ({"batch_first": 1}, TypeError, "batch_first must be True or False, got 1"),
    ],
)
def test_arguments(words, error, message):
    with pytest.raises(error) as caught:
        nn.MultiheadAttention(**({"embed_dim": 12, "num_heads": 3} | words))
    assert str(caught.value) == f"MultiheadAttention: {message}"


@pytest.mark.parametrize(
    ("shapes", "words", "error", "message"),
    [
        (((N, T, E), (N, S, 5), (N, S, E)), {}, ValueError,
         "key must be [n, t, 12] or [t, 12], got shape (4, 7, 5)"),
        (((N, T, E), (S, E), (S, E)), {}, ValueError,
         "key must have as many axes as query (4, 5, 12), got shape (7, 12)"),
        (CROSS, {"key_padding_mask": np.ones((N, T), bool)}, ValueError,
         "key_padding_mask must be (4, 7), got (4, 5)"),
        (CROSS, {"attn_mask": np.ones((S, T), bool)}, ValueError,
         "attn_mask must be (5, 7), (12, 5, 7), or broadcast to (4, 3, 5, 7), got (7, 5)"),
        (CROSS, {"attn_mask": np.ones((T, S), np.int64)}, TypeError,
         "attn_mask must be bool (True = may attend) or real, got int64"),
        (CROSS, {"need_weights": None}, TypeError,
         "forward: need_weights must be True or False, got None"),
    ],
)  # fmt: skip
def test_errors_of_a_call(shapes, words, error, message):
    layer = nn.MultiheadAttention(E, H)
    with pytest.raises(error) as caught:
        layer(*[pydp.ones(shape) for shape in shapes], **words)
    assert str(caught.value) == f"MultiheadAttention: {message}"


def test_a_step_can_be_recorded():
    """Self and cross attention, with padding: every kernel call comes by the doors."""
    from pydp import _kernels, optim

    layer = nn.MultiheadAttention(E, H, dropout=0.25)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    x, z = [pydp.tensor(real(N, S, E, seed=i).astype(np.float32)) for i in (0, 1)]
    mask = pydp.tensor(PADDING)

    def step():
        optimizer.zero_grad()
        y = layer(x, x, x, mask, need_weights=False)[0]
        (layer(y, z, z, need_weights=False, is_causal=True)[0] * y).sum().backward()
        optimizer.step()

    def begin():
        pydp.manual_seed(0)
        layer.reset_parameters()

    found = []
    for replays in (False, True):
        begin()
        step()
        if replays:
            calls = _kernels.record()
            step()
            _kernels.stop_recording()
        for _ in itertools.repeat(None, 3 if replays else 4):
            _kernels.replay(calls) if replays else step()
        found.append([p.numpy().copy() for p in layer.parameters()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
