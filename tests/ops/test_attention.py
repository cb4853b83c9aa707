"""Attention against PyTorch's: masks, causality, groups of heads, leading axes that broadcast."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch, weights

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch, the peer, is not installed")
sdpa = pydp.scaled_dot_product_attention

Q, K, V = real(2, 4, 5, 8), real(2, 4, 7, 8, seed=1), real(2, 4, 7, 3, seed=2)
SEEN = np.random.default_rng(0).random((5, 7)) < 0.6
SEEN[2] = False

PAIRS = [
    ("plain", (Q, K, V), {}, {}),
    ("no heads", (Q[0, 0], K[0, 0], V[0, 0]), {}, {}),
    ("mask", (Q, K, V), {"mask": SEEN}, {"attn_mask": SEEN}),
    ("added", (Q, K, V), {"mask": real(4, 5, 7)}, {"attn_mask": real(4, 5, 7)}),
    ("causal", (Q, Q, Q), {"causal": True}, {"is_causal": True}),
    ("scale", (Q, K, V), {"scale": 0.7}, {"scale": 0.7}),
    ("groups", (Q, K[:, :2], V[:, :2]), {}, {"enable_gqa": True}),
    ("batch", (Q, K[:1], V), {}, {}),
]


@needs_torch
@pytest.mark.parametrize(("arrays", "ours", "theirs"), [p[1:] for p in PAIRS],
                         ids=[p[0] for p in PAIRS])  # fmt: skip
def test_against_torch(arrays, ours, theirs):
    theirs = {name: torch.from_numpy(x) if isinstance(x, np.ndarray) else x
              for name, x in theirs.items()}  # fmt: skip
    xs = [pydp.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
    y = sdpa(*xs, **ours)
    t = torch.nn.functional.scaled_dot_product_attention(*ts, **theirs)
    assert_close(y.numpy(), t.detach().numpy(), 1e-12, "value")
    w = weights(y.shape, 7)
    y.backward(pydp.tensor(w))
    t.backward(torch.from_numpy(w))
    for x, peer in zip(xs, ts, strict=True):
        assert_close(x.grad.numpy(), peer.grad.numpy(), 1e-12, "gradient")
