"""Attention, recurrences, losses."""

import itertools
import math

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import pydp
from peers.row import Draw, Drawn, Row
from pydp.ops._packed_attention import packed_attention

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


def attended_by_itself(d: Draw) -> Drawn:
    """The heads of q, k and v side by side in one array."""
    heads, n, t, width = (d.integer(1, 3) for _ in range(4))
    arrays = [d.real((n, t, 3 * heads * width))]
    causal = d.flag()
    if d.flag() and not causal:
        arrays.append(d.real((t, t)))
    return arrays, {"heads": heads, "causal": causal}


def our_packed_attention(x, mask=None, *, heads, causal):
    return packed_attention(x, heads, mask, causal, 0.0)


def their_packed_attention(x, mask=None, *, heads, causal):
    n, t, width = x.shape
    q, k, v = x.view(n, t, 3, heads, width // (3 * heads)).permute(2, 0, 3, 1, 4)
    y = their_attention(q, k, v, mask, causal)
    return y.transpose(1, 2).reshape(n, t, width // 3)


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


def layer_and_classes(d: Draw) -> Drawn:
    """The inputs of a linear layer, and the classes that its results are held against."""
    x, weight = d.real(d.shape(low=1, high=3, least=1)), d.integer(1, 5)
    weight = d.real((weight, x.shape[-1]))
    target = d.indices(x.shape[:-1], len(weight))
    if target.ndim and d.flag():
        target[..., 1:] = -100
    bias = [d.real(weight.shape[:1])] if d.flag() else []
    arguments = {"label_smoothing": d.choice(0.0, 0.1), **reduction(d)}
    return [x, weight, target, *bias], arguments


def their_linear_entropy(x, weight, target, bias=None, **arguments):
    logits = functional.linear(x, weight, bias)
    if logits.ndim == 3:  # their classes are at axis 1
        logits = logits.movedim(2, 1)
    return functional.cross_entropy(logits, target, **arguments)


def compared(d: Draw) -> Drawn:
    shape = d.shape(least=1)
    return [d.real(shape), d.real(shape)], {"reduction": d.choice("mean", "sum", "none")}


def reduction(d: Draw) -> dict[str, str]:
    return {"reduction": d.choice("mean", "sum", "none")}


def tensors_of(function, *names: str, convert=torch.from_numpy):
    """The function with arguments of these names given as arrays: they get no gradients."""

    def run(*inputs, **arguments):
        given = {name: convert(arguments[name]) for name in names if name in arguments}
        return function(*inputs, **{**arguments, **given})

    return run


def ours_of(function, *names: str):
    return tensors_of(function, *names, convert=pydp.tensor)


def likely(d: Draw) -> Drawn:
    """Of cross_entropy's arguments all but the smoothing."""
    arrays, arguments = classified(d)
    del arguments["label_smoothing"]
    return arrays, arguments


def binary(low: float, high: float, *names: str):
    """Targets between 0 and 1, and weights of these names that broadcast."""

    def draw(d: Draw) -> Drawn:
        shape = d.shape(least=1)
        weights = {name: d.real(d.broadcast(shape), 0.5, 2).copy() for name in names if d.flag()}
        target = d.whole(shape, 0, 1) if d.flag() else d.real(shape, 0, 1)
        return [d.real(shape, low, high), target], {**weights, **reduction(d)}

    return draw


def diverging(d: Draw) -> Drawn:
    shape = d.shape(low=1, least=1)
    arguments = {
        "log_target": d.flag(),
        "reduction": d.choice("mean", "sum", "none", "batchmean"),
    }
    low, high = (-3, 0) if arguments["log_target"] else (0.1, 1)
    return [d.real(shape, -3, 0), d.real(shape, low, high)], arguments


def their_divergence(x, target, log_target, reduction):
    """Without the warning of their "mean"."""
    if reduction == "mean":
        return functional.kl_div(x, target, reduction="none", log_target=log_target).mean()
    return functional.kl_div(x, target, reduction=reduction, log_target=log_target)


def counted(d: Draw) -> Drawn:
    shape = d.shape(least=1)
    arguments = {"log_input": d.flag(), "full": d.flag(), **reduction(d)}
    x = d.real(shape) if arguments["log_input"] else d.real(shape, 0.1, 3)
    return [x, d.real(shape, 0, 5)], arguments


def normal(d: Draw) -> Drawn:
    """Variances above eps: below it ours has no gradient, theirs the one at eps."""
    shape = d.shape(low=1, least=1)
    one = (*shape[:-1], 1)
    arrays = [d.real(shape), d.real(shape), d.real(d.choice(shape, one), 0.1, 3)]
    return arrays, {"full": d.flag(), **reduction(d)}


def signs(d: Draw, shape: tuple[int, ...]):
    return np.asarray(2 * d.indices(shape, 2) - 1)


def hinged(d: Draw) -> Drawn:
    shape = d.shape(least=1)
    return [d.real(shape), signs(d, shape)], {"margin": d.choice(1.0, 0.5), **reduction(d)}


def ranked(d: Draw) -> Drawn:
    shape = d.shape(least=1)
    arrays = [d.real(shape), d.real(shape), signs(d, shape)]
    return arrays, {"margin": d.choice(0.0, 0.5), **reduction(d)}


def angled(d: Draw) -> Drawn:
    """PyTorch has one axis of pairs, or none."""
    shape = d.shape(low=1, high=2, least=1)
    arrays = [d.real(shape), d.real(shape), signs(d, shape[:-1])]
    return arrays, {"margin": d.choice(0.0, 0.3), **reduction(d)}


def directed(d: Draw) -> Drawn:
    shape = d.shape(low=1, least=1)
    other = list(shape)
    axis = d.axis(len(shape))
    for i in range(len(shape)):
        if i != axis % len(shape) and d.flag():
            other[i] = 1
    pair = [d.real(shape), d.real(tuple(other))]
    return pair if d.flag() else pair[::-1], {"axis": axis}


def distant(d: Draw) -> Drawn:
    shape = d.shape(low=1, high=3, least=1)
    arguments = {"p": d.choice(2.0, 1.0, 3.0, 1.5, math.inf), "keepdims": d.flag()}
    return [d.real(shape), d.real(shape)], arguments


def triples(d: Draw) -> Drawn:
    shape = d.shape(low=1, high=3, least=1)
    arguments = {
        "margin": d.choice(1.0, 0.3),
        "p": d.choice(2.0, 1.0, 3.0),
        "swap": d.flag(),
        **reduction(d),
    }
    return [d.real(shape), d.real(shape), d.real(shape)], arguments


def aligned(steps: int, classes: int, labels: int):
    """Logits, and targets of which some may be impossible: those are left out, as zeros."""

    def draw(d: Draw) -> Drawn:
        t, n, c, k = d.integer(1, steps), d.integer(1, 3), d.integer(2, classes), labels
        blank = d.integer(0, c - 1)
        targets = d.indices((n, k), c - 1)
        arguments = {
            "targets": targets + (targets >= blank),
            "input_lengths": d.indices((n,), t + 1, 1),
            "target_lengths": d.indices((n,), k + 1),
            "blank": blank,
            "zero_infinity": True,
            **reduction(d),
        }
        return [d.real((t, n, c))], arguments

    return draw


ALIGNED = "targets", "input_lengths", "target_lengths"


def our_alignment(x, **arguments):
    return pydp.ctc_loss(pydp.log_softmax(x), **arguments)


def their_alignment(x, **arguments):
    """Their gradient holds only in front of a log_softmax."""
    return functional.ctc_loss(torch.log_softmax(x, -1), **arguments)


def their_paths(x, targets, input_lengths, target_lengths, blank, zero_infinity, reduction):
    """The sum over every path that reads as the target: theirs has no second derivative."""
    p, losses = torch.log_softmax(x, -1), []
    for row, steps in enumerate(input_lengths):
        wanted = targets[row, : target_lengths[row]].tolist()
        paths = [
            sum(p[i, row, c] for i, c in enumerate(path))
            for path in itertools.product(range(x.shape[2]), repeat=int(steps))
            if [c for c, _ in itertools.groupby(path) if c != blank] == wanted
        ]
        losses.append(-torch.stack(paths).logsumexp(0) if paths else 0 * x.sum())
    y = torch.stack(losses)
    if reduction == "mean":
        return (y / torch.from_numpy(target_lengths.clip(1))).mean()
    return y.sum() if reduction == "sum" else y


# fmt: off
ROWS = [
    Row("scaled_dot_product_attention", attended, pydp.scaled_dot_product_attention,
        their_attention, "attention attention_backward"),
    Row("packed_attention", attended_by_itself, our_packed_attention, their_packed_attention,
        "packed_attention_backward"),
    Row("lstm", recurrent(4, 2), our_recurrence(pydp.lstm), their_recurrence(torch.lstm),
        "lstm_backward"),
    Row("gru", recurrent(3, 1), our_recurrence(pydp.gru), their_recurrence(torch.gru),
        "gru_backward"),
    Row("rnn", recurrent(1, 1), our_recurrence(pydp.rnn), their_recurrence(torch.rnn_tanh),
        "rnn_backward"),
    Row("rnn", masked_recurrence, our_padded, their_padded, "recurrent_mask"),
    Row("cross_entropy", classified, our_entropy, their_entropy, "cross_entropy_backward"),
    Row("linear_cross_entropy", layer_and_classes, pydp.linear_cross_entropy, their_linear_entropy,
        "linear_cross_entropy_backward"),
    Row("mse_loss", compared, pydp.mse_loss, functional.mse_loss, "mse_loss_backward"),
    Row("l1_loss", compared, pydp.l1_loss, functional.l1_loss, "l1_loss_backward"),
    Row("smooth_l1_loss", compared, pydp.smooth_l1_loss, functional.smooth_l1_loss,
        "smooth_l1_loss_backward"),
    Row("huber_loss", compared, pydp.huber_loss, functional.huber_loss, "huber_loss_backward"),
    Row("nll_loss", likely, lambda x, target, **more:
        ours_of(pydp.nll_loss, "weight")(x, target, axis=1, **more),
        tensors_of(functional.nll_loss, "weight")),
    # at 0 and 1 themselves their gradient in the target is infinite, ours ends at 100;
    # close to them their second derivative has 1e-12 more in its divisor
    Row("binary_cross_entropy", binary(0.01, 0.99, "weight"),
        ours_of(pydp.binary_cross_entropy, "weight"),
        tensors_of(functional.binary_cross_entropy, "weight"), "binary_cross_entropy_backward"),
    Row("binary_cross_entropy_with_logits", binary(-5, 5, "weight", "pos_weight"),
        ours_of(pydp.binary_cross_entropy_with_logits, "weight", "pos_weight"),
        tensors_of(functional.binary_cross_entropy_with_logits, "weight", "pos_weight"),
        "binary_cross_entropy_with_logits_backward"),
    Row("kl_div", diverging, pydp.kl_div, their_divergence),
    Row("poisson_nll_loss", counted, pydp.poisson_nll_loss, functional.poisson_nll_loss),
    Row("gaussian_nll_loss", normal, pydp.gaussian_nll_loss, functional.gaussian_nll_loss),
    Row("hinge_embedding_loss", hinged, pydp.hinge_embedding_loss,
        functional.hinge_embedding_loss),
    Row("margin_ranking_loss", ranked, pydp.margin_ranking_loss, functional.margin_ranking_loss),
    Row("cosine_embedding_loss", angled, pydp.cosine_embedding_loss,
        functional.cosine_embedding_loss),
    Row("cosine_similarity", directed, pydp.cosine_similarity,
        lambda x1, x2, axis: functional.cosine_similarity(x1, x2, axis)),
    Row("pairwise_distance", distant, pydp.pairwise_distance,
        lambda x1, x2, p, keepdims: functional.pairwise_distance(x1, x2, p, keepdim=keepdims)),
    Row("triplet_margin_loss", triples, pydp.triplet_margin_loss, functional.triplet_margin_loss),
    Row("ctc_loss", aligned(4, 3, 2), our_alignment, their_paths, "ctc_loss_backward"),
    Row("ctc_loss", aligned(12, 5, 4), our_alignment, tensors_of(their_alignment, *ALIGNED),
        once=True),
]
# fmt: on
