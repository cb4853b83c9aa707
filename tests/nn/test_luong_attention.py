"""LuongAttention: its formulas by hand; the rest is asked together with BahdanauAttention's."""

import numpy as np

import pydp
from harness import assert_close, real
from pydp import nn
from sequence_peer import filled


def by_hand(scores, xs):
    w = np.exp(scores - scores.max())
    return (w / w.sum()) @ xs


def test_the_three_scores():
    xs, y = real(6, 4), real(4, seed=1)
    dot = nn.LuongAttention(4, 4, "dot")
    assert_close(dot(pydp.tensor(xs), pydp.tensor(y)).numpy(), by_hand(xs @ y, xs), 1e-13, "dot")
    general = filled(nn.LuongAttention(4, 4))
    want = by_hand(np.array([y @ (general.key.weight.numpy() @ x) for x in xs]), xs)
    assert_close(general(pydp.tensor(xs), pydp.tensor(y)).numpy(), want, 1e-13, "general")
    concat = filled(nn.LuongAttention(4, 4, "concat"))
    both = np.concatenate([concat.key.query.weight.numpy(), concat.key.key.weight.numpy()], axis=1)
    v = concat.key.score.weight.numpy()[0]
    want = by_hand(np.array([v @ np.tanh(both @ np.concatenate([y, x])) for x in xs]), xs)
    assert_close(concat(pydp.tensor(xs), pydp.tensor(y)).numpy(), want, 1e-13, "concat")
