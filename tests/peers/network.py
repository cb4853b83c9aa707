"""Attention, recurrences, losses."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import pydp
from peers.row import Draw, Drawn, Row

functional = torch.nn.functional


def attended(d: Draw) -> Drawn:
    """Causal only where there are as many queries as keys: PyTorch aligns at the first of them."""
    groups, heads = d.integer(1, 2), d.integer(1, 2)
    n, t, s, width, values = (d.integer(1, 4) for _ in range(5))
    causal = d.flag()
    s = t if causal else s
    q = d.real((n, groups * heads, t, width))
    arrays = [q, d.real((n, groups, s, width)), d.real((n, groups, s, values))]
    kind = d.choice("none", "bool", "real")
    if kind == "real" and not causal:
        arrays.append(d.real((t, s)))
    elif kind == "bool" and not causal:
        mask = d.mask((n, 1, t, s))
        mask[..., 0] = True  # nobody sees nothing: zeros for us, NaN for some versions of theirs
        arrays.append(mask)
    return arrays, {"causal": causal, "scale": d.choice(None, 0.3)}


def their_attention(q, k, v, mask=None, causal=False, scale=None):
    """By the formula: their fused kernel has no second derivative."""
    with sdpa_kernel(SDPBackend.MATH):
        return functional.scaled_dot_product_attention(
            q, k, v, mask, is_causal=causal, scale=scale, enable_gqa=True
        )


def recurrent(gates: int, states: int):
    def draw(d: Draw) -> Drawn:
        b, t, width, hidden = (d.integer(1, 4) for _ in range(4))
        arrays = [
            d.real((b, t, width)),
            d.real((gates * hidden, width), -1, 1),
            d.real((gates * hidden, hidden), -1, 1),
            d.real((gates * hidden,), -1, 1),
            d.real((gates * hidden,), -1, 1),
            *[d.real((b, hidden), -1, 1) for _ in range(states)],
        ]
        return arrays, {}

    return draw


def our_recurrence(function):
    """The results as one row: y, and each state."""

    def run(x, w_ih, w_hh, b_ih, b_hh, *state):
        y, final = function(x, w_ih, w_hh, b_ih, b_hh, state if len(state) > 1 else state[0])
        return (y, *final) if len(state) > 1 else (y, final)

    return run


def their_recurrence(function):
    """PyTorch's own function behind its modules: one layer, no dropout, batch first."""

    def run(x, w_ih, w_hh, b_ih, b_hh, *state):
        first = [s[None] for s in state]
        hidden = first if len(state) > 1 else first[0]
        weights = [w_ih, w_hh, b_ih, b_hh]
        y, *final = function(x, hidden, weights, True, 1, 0.0, False, False, True)
        return (y, *[s[0] for s in final])

    return run


def masked_recurrence(d: Draw) -> Drawn:
    """A padded batch: PyTorch packs it. No row of length 0, which it refuses."""
    arrays, _ = recurrent(1, 1)(d)
    b, t, _ = arrays[0].shape
    return arrays, {"lengths": d.indices((b,), t + 1, 1)}


def our_padded(x, w_ih, w_hh, b_ih, b_hh, h, lengths):
    return pydp.rnn(x, w_ih, w_hh, b_ih, b_hh, h, lengths=pydp.tensor(lengths))


def their_padded(x, w_ih, w_hh, b_ih, b_hh, h, lengths):
    """Step by step, each row as long as it lasts."""
    ys = []
    for i in range(x.shape[1]):
        going = torch.from_numpy(lengths > i)[:, None]
        new = torch.rnn_tanh_cell(x[:, i], h, w_ih, w_hh, b_ih, b_hh)
        h = torch.where(going, new, h)
        ys.append(torch.where(going, new, torch.zeros_like(new)))
    return torch.stack(ys, 1), h


def classified(d: Draw) -> Drawn:
    """Classes at axis 1, as PyTorch has them; some targets are left out, not all."""
    classes = d.integer(1, 5)
    x = d.real((d.integer(1, 4), classes, *d.shape(0, 2, 1, 3)))
    target = d.indices((x.shape[0], *x.shape[2:]), classes)
    ignored = d.mask(target.shape)
    ignored.flat[0] = True
    target[~ignored] = -100
    arguments = {
        "label_smoothing": d.choice(0.0, 0.1),
        "reduction": d.choice("mean", "sum", "none"),
    }
    weight = {"weight": d.rng.uniform(0.5, 2, classes)} if d.flag() else {}
    return [x, target], {**arguments, **weight}


def our_entropy(x, target, weight=None, **arguments):
    weight = None if weight is None else pydp.tensor(weight)
    return pydp.cross_entropy(x, target, axis=1, weight=weight, **arguments)


def their_entropy(x, target, weight=None, **arguments):
    weight = None if weight is None else torch.from_numpy(weight)
    return functional.cross_entropy(x, target, weight=weight, **arguments)


def compared(d: Draw) -> Drawn:
    shape = d.shape(least=1)
    return [d.real(shape), d.real(shape)], {"reduction": d.choice("mean", "sum", "none")}


# fmt: off
ROWS = [
    Row("scaled_dot_product_attention", attended, pydp.scaled_dot_product_attention,
        their_attention, "attention attention_backward"),
    Row("lstm", recurrent(4, 2), our_recurrence(pydp.lstm), their_recurrence(torch.lstm),
        "lstm_backward"),
    Row("gru", recurrent(3, 1), our_recurrence(pydp.gru), their_recurrence(torch.gru),
        "gru_backward"),
    Row("rnn", recurrent(1, 1), our_recurrence(pydp.rnn), their_recurrence(torch.rnn_tanh),
        "rnn_backward"),
    Row("rnn", masked_recurrence, our_padded, their_padded, "recurrent_mask"),
    Row("cross_entropy", classified, our_entropy, their_entropy, "cross_entropy_backward"),
    Row("mse_loss", compared, pydp.mse_loss, functional.mse_loss, "mse_loss_backward"),
    Row("l1_loss", compared, pydp.l1_loss, functional.l1_loss, "l1_loss_backward"),
    Row("smooth_l1_loss", compared, pydp.smooth_l1_loss, functional.smooth_l1_loss,
        "smooth_l1_loss_backward"),
    Row("huber_loss", compared, pydp.huber_loss, functional.huber_loss, "huber_loss_backward"),
]
# fmt: on
