"""What lstm, gru and rnn share: padding, whatever it holds, reaches nothing."""

import numpy as np
import pytest
from recurrent_cases import GATES

import pydp
from harness import Case, examine, real
from pydp._graph import apply
from pydp._op import registry

MASK = registry["recurrent_mask"]
CASES = [
    Case("recurrent_mask", lambda x, n: apply(MASK, (x, n)), [real(*shape), np.array(lengths)], why)
    for why, shape, lengths in [
        ("a batch", (4, 3, 2), [1, 4, 0]),
        ("runs of several vectors and a tail", (2, 2, 37), [1, 2]),
        ("several tasks", (5, 40, 90), [i % 6 for i in range(40)]),
        ("no rows", (3, 0, 2), np.zeros(0, np.int64)),
        ("lengths that no rule lets through", (3, 3, 1), [-5, 2**62, 7]),
    ]
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", GATES)
def test_nan_in_the_padding(name, reverse):
    """FAULTS C47: neither value nor any gradient sees it, to second order; as in rows by
    themselves."""
    lengths = [4, 1, 6, 0]
    x = real(4, 6, 3)
    for row, n in enumerate(lengths):
        x[row, n:] = np.nan
    rows = 5 * GATES[name]
    shapes = ((rows, 3), (rows, 5), (rows,), (rows,))

    def gradients(x, lengths, order):
        xs = pydp.tensor(x, requires_grad=True)
        weights = [pydp.tensor(real(*shape), requires_grad=True) for shape in shapes]
        y, state = getattr(pydp, name)(xs, *weights, lengths=lengths, reverse=reverse)
        h = state[0] if name == "lstm" else state
        ((y * y).sum() + h.sum()).backward(create_graph=order == 2)
        found = [y, h]
        if order == 2:
            slopes = [t.grad for t in (xs, *weights)]
            for t in (xs, *weights):
                t.grad = None
            sum((s * s).sum() for s in slopes).backward()
        return [t.detach().numpy() for t in (*found, *[t.grad for t in (xs, *weights)])]

    for order in (1, 2):
        got = gradients(x, lengths, order)
        assert all(np.isfinite(a).all() for a in got)
        for row, n in enumerate(lengths):
            assert not got[0][row, n:].any() and not got[2][row, n:].any()
        if order == 2:
            continue  # the square of a sum over rows is not a sum over rows
        alone = [gradients(x[[r], :n], None, order) for r, n in enumerate(lengths) if n]
        for k in range(3, len(got)):  # of the weights: the sum over the rows
            np.testing.assert_allclose(got[k], sum(a[k] for a in alone), rtol=1e-9, atol=1e-12)
        at = [r for r, n in enumerate(lengths) if n]
        for r, a in zip(at, alone, strict=True):
            np.testing.assert_allclose(got[0][r, : lengths[r]], a[0][0], rtol=1e-12)
            np.testing.assert_allclose(got[1][r], a[1][0], rtol=1e-12)
            np.testing.assert_allclose(got[2][r, : lengths[r]], a[2][0], rtol=1e-9, atol=1e-12)
