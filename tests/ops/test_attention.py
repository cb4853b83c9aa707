"""Attention: masks, causality, groups of heads, broadcasting, dropout, the borders of tiles, and
what is masked out."""

import itertools
import math

import numpy as np
import pytest

import pydp
from harness import ISAS, TYPES, Case, assert_bits, assert_close, examine, real, setting, torch
from pydp._graph import apply
from pydp._op import registry

sdpa = pydp.scaled_dot_product_attention
rng = np.random.default_rng(0)


def hidden(*shape, share=0.4, seed=0):
    """A mask: True = may attend; its third row sees nothing."""
    seen = np.random.default_rng([seed, *shape]).random(shape) >= share
    seen[..., 2, :] = False
    return seen


def case(why, q, k, v, *mask, torch=None, order2=True, bound=4e-6, **arguments):
    def call(q, k, v, *mask):
        return sdpa(q, k, v, *mask, **arguments)

    return Case("attention", call, [q, k, v, *mask], why, torch, bound, layouts="bound",
                order2=order2)  # fmt: skip


def dropped(why, p, q, k, v, *mask, **arguments):
    def call(q, k, v, *mask):
        generator = pydp.Generator(2**63 + 9)
        return sdpa(q, k, v, *mask, dropout=p, generator=generator, **arguments)

    return Case("attention", call, [q, k, v, *mask], why, layouts="bound", bound=4e-6)


def peer(**arguments):
    """PyTorch's, where the arguments have its meaning."""

    def call(q, k, v, *mask):
        function = torch.nn.functional.scaled_dot_product_attention
        return function(q, k, v, *mask, **arguments)

    return call


def heads(*lead, t=5, s=7, d=8, e=3, g=None):
    """q, k, v."""
    of_k = lead if g is None else (*lead[:-1], g)
    return real(*lead, t, d), real(*of_k, s, d, seed=1), real(*of_k, s, e, seed=2)


ADDED = real(4, 5, 7, seed=3)
ADDED[0, 1, 2:] = -math.inf
ADDED[1, 3] = -math.inf

CASES = [
    case("plain", *heads(2, 4), torch=peer()),
    case("no heads", *heads(), torch=peer()),
    case("heads alone", *heads(3), torch=peer()),
    case("three leading axes", *heads(2, 1, 3), torch=peer()),
    case("scale", *heads(2), scale=-0.7, torch=peer(scale=-0.7)),
    case("causal", *heads(2, s=5), causal=True, torch=peer(is_causal=True)),
    case("causal, the queries are the last ones", *heads(2, t=3), causal=True),
    case("causal, the first queries see nothing", *heads(2, t=9, s=4), causal=True),
    case("mask", *heads(2, 4), hidden(5, 7), torch=peer()),
    case("mask of each head", *heads(2, 4), hidden(2, 4, 5, 7), torch=peer()),
    case("mask of padding", *heads(2, 4), np.arange(7) < np.array([7, 4]).reshape(2, 1, 1, 1)),
    case("mask of queries", *heads(2, 4), hidden(5, 1, share=0)),
    case("mask and causal", *heads(2, 3, s=5), hidden(5, 5), causal=True),
    case("added", *heads(2, 4), real(4, 5, 7), torch=peer()),
    case("added, some -inf", *heads(2, 4), ADDED, torch=peer(), order2=False),
    case("added and causal", *heads(2, s=5), real(5, 5), causal=True),
    case("groups", *heads(2, 4, g=2), torch=peer(enable_gqa=True)),
    case("one head of keys", *heads(2, 4, g=1), torch=peer(enable_gqa=True)),
    case("groups, mask, causal", *heads(6, s=5, g=3), hidden(6, 5, 5), causal=True),
    case("k of all the batch", real(2, 2, 5, 8), real(1, 2, 7, 8), real(2, 2, 7, 3), torch=peer()),
    case("q of all the batch", real(5, 8), real(2, 3, 7, 8), real(3, 7, 3)),
    case("one query", *heads(2, t=1)),
    case("one key", *heads(2, s=1)),
    case("one number", *heads(1, t=1, s=1, d=1, e=1)),
    case("no queries", *heads(2, t=0)),
    case("no keys", *heads(2, s=0)),
    case("no width", *heads(2, d=0)),
    case("no value", *heads(2, e=0)),
    case("no heads at all", *heads(2, 0)),
    case("no batch", *heads(0, 2)),
    case("odd widths", *heads(2, d=7, e=80)),
    case("whole vectors", *heads(2, t=6, d=64, e=64), bound=1e-5),
    case("wide scores", *[8 * x for x in heads(2)], bound=2e-4, order2=False),
    dropped("dropout", 0.3, *heads(2, 2)),
    dropped("dropout, more than a group", 0.5, *heads(1, t=35, s=4)),
    dropped("dropout, groups, mask", 0.5, *heads(2, 4, g=2), hidden(5, 7)),
    dropped("dropout, causal, added", 0.2, *heads(2, s=5), real(5, 5), causal=True),
    dropped("all drop", 1.0, *heads(2)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


# ---- tiles ---------------------------------------------------------------------------------------


def direct(q, k, v, dy, seen, scale):
    """y, dq, dk, dv of one head by whole matrices in float64."""
    q, k, v, dy = [x.astype(np.float64) for x in (q, k, v, dy)]
    with np.errstate(invalid="ignore"):
        s = np.where(seen, scale * q @ k.T, -np.inf)
        e = np.where(seen, np.exp(s - np.max(s, -1, keepdims=True, initial=-1e300)), 0)
        total = e.sum(-1, keepdims=True)
        w = np.where(total > 0, e / np.where(total > 0, total, 1), 0)
    y = w @ v
    ds = w * (dy @ v.T - np.sum(y * dy, -1, keepdims=True))
    return y, scale * ds @ k, scale * ds.T @ q, w.T @ dy


def gradients_of(q, k, v, dy, **arguments):
    xs = [pydp.tensor(x, requires_grad=True) for x in (q, k, v)]
    y = sdpa(*xs, **arguments)
    y.backward(pydp.tensor(dy))
    return [y.numpy(), *[x.grad.numpy() for x in xs]]


LENGTHS = [(1, 300), (300, 1), (63, 65), (64, 64), (65, 127), (128, 128), (129, 257), (127, 130),
           (200, 15), (14, 29), (257, 129)]  # fmt: skip


@pytest.mark.parametrize("kind", ["full", "causal", "mask", "mask and causal"])
def test_borders_of_tiles(kind):
    """Lengths around tiles, panels and vectors; the widths change with them."""
    widths = itertools.cycle([(64, 64), (1, 7), (80, 33), (7, 1), (16, 48)])
    for (t, s), dtype in itertools.product(LENGTHS, TYPES):
        d, e = next(widths)
        q, k, v, dy = [real(*x).astype(dtype) for x in ((t, d), (s, d), (s, e), (t, e))]
        seen = np.ones((t, s), bool)
        arguments = {"causal": "causal" in kind}
        if "mask" in kind:
            seen = np.random.default_rng([t, s]).random((t, s)) < 0.7
            seen[t // 2], seen[:, s // 3] = False, False
            arguments["mask"] = pydp.tensor(seen)
        if "causal" in kind:
            seen = seen & np.tri(t, s, s - t, dtype=bool)
        want = direct(q, k, v, dy, seen, d**-0.5)
        for isa in ISAS:
            with setting(isa, threads=2):
                got = gradients_of(q, k, v, dy, **arguments)
            bound = 1e-12 if dtype is np.float64 else 1e-5
            for a, b, name in zip(got, want, ("y", "dq", "dk", "dv"), strict=True):
                what = f"{isa} {np.dtype(dtype)} {t}x{s}, {d}, {e}: {name}"
                assert_close(a, b, bound * (1 + np.abs(b).max(initial=0)), what)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("lead", [(1,), (2, 3), (6,)], ids=str)
def test_threads_change_no_bit(lead, dtype):
    """Enough work for several tasks, and few heads, whose queries are shared out."""
    g = (*lead[:-1], 1)
    q, k, v = real(*lead, 300, 40), real(*g, 290, 40, seed=1), real(*g, 290, 24, seed=2)
    arrays = [x.astype(dtype) for x in (q, k, v, real(*lead, 300, 24, seed=3))]
    for isa in ISAS:
        for arguments in ({}, {"causal": True}, {"dropout": 0.3}):
            found = []
            for threads in (1, 2):
                with setting(isa, threads=threads):
                    if "dropout" in arguments:
                        arguments["generator"] = pydp.Generator(1)
                    found.append(gradients_of(*arrays, **arguments))
            for one, two in zip(*found, strict=True):
                assert np.isfinite(one).all()
                assert_bits(one, two, f"{isa} {arguments}")


def test_dropout_of_many_tiles():
    """The share of zeros, the same mask on every ISA and in both types, and backward's is it."""
    t, s, p = 150, 300, 0.25
    q, k, v = np.zeros((2, t, 4)), np.zeros((2, s, 4)), np.eye(s)  # y[i, j]: the weight of (i, j)
    found = []
    for isa, dtype in itertools.product(ISAS, TYPES):
        with setting(isa, threads=2):
            arrays = [x.astype(dtype) for x in (q, k, v)]
            dy = np.ones((2, t, s), dtype)
            y, *_, dv = gradients_of(*arrays, dy, dropout=p, generator=pydp.Generator(5))
        stays = y != 0
        assert_close(y[stays], np.full(np.sum(stays), 1 / s / (1 - p)), 1e-9, "weights")
        assert_close(dv[:, 0], y.sum((0, 1), np.float64), 1e-6, "dv with the same mask")
        found.append(stays)
    for stays in found[1:]:
        np.testing.assert_array_equal(stays, found[0])
    assert abs(np.mean(found[0]) - (1 - p)) < 5 * math.sqrt(p * (1 - p) / found[0].size)


# ---- what is masked out, and what is extreme -----------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["bool", "added"])
def test_masked_keys_do_not_leak(kind, bad):
    """FAULTS C47: what a masked key holds is not looked at, in forward and in backward."""
    t, s, d = 70, 140, 16
    q, k, v, dy = [real(2, n, d, seed=i) for i, n in enumerate((t, s, s, t))]
    seen = np.random.default_rng(0).random((2, t, s)) < 0.5
    seen[:, :, 3], seen[:, :, 130] = False, False
    mask = seen if kind == "bool" else np.where(seen, 0.0, -np.inf)
    spoiled = [x.copy() for x in (k, v)]
    for x in spoiled:
        x[:, [3, 130]] = bad
    for isa in ISAS:
        for dtype in TYPES:
            m = pydp.tensor(mask if kind == "bool" else mask.astype(dtype))
            with setting(isa):
                want = gradients_of(*[x.astype(dtype) for x in (q, k, v, dy)], mask=m)
                clean = [x.astype(dtype) for x in (q, *spoiled, dy)]
                got = gradients_of(*clean, mask=m)
            for a, b in zip(got, want, strict=True):
                assert_close(a, b, 1e-5 if dtype is np.float32 else 1e-13, f"{isa} {kind}")
            assert not got[2][:, [3, 130]].any() and not got[3][:, [3, 130]].any()


def test_a_bad_key_harms_only_who_sees_it():
    """Causal: queries before it are what they were, and so is their gradient; a bad query harms no
    key that it does not see."""
    t, d, at = 150, 8, 77
    q, k, v, dy = [real(1, t, d, seed=i) for i in range(4)]
    for isa in ISAS:
        with setting(isa):
            want = gradients_of(q, k, v, dy, causal=True)
            for which in range(4):
                arrays = [q, k, v, dy]
                arrays[which] = arrays[which].copy()
                arrays[which][0, at] = np.nan
                y, dq, dk, dv = gradients_of(*arrays, causal=True)
                what = f"{isa} {('q', 'k', 'v', 'dy')[which]}"
                for got, clean in ((y, want[0]), (dq, want[1])):
                    assert_close(got[:, :at], clean[:, :at], 1e-13, f"{what}: earlier queries")
                if which in (0, 3):
                    for got, clean in ((y, want[0]), (dq, want[1])):
                        assert_close(got[:, at + 1 :], clean[:, at + 1 :], 1e-13, f"{what}: later")
                    for got, clean in ((dk, want[2]), (dv, want[3])):
                        late = got[:, at + 1 :], clean[:, at + 1 :]
                        assert_close(*late, 1e-13, f"{what}: later keys")
                    assert np.isnan(dk[:, : at + 1]).all()
                else:
                    assert np.isnan(y[:, at:]).all()


def test_extreme_scores():
    """FAULTS C46: large scores are exact, a query that sees only -inf gives zeros."""
    inf, nan, big = np.inf, np.nan, 1e30
    v = np.array([[1.0, 2.0], [3.0, 4.0]])
    for isa in ISAS:
        with setting(isa):
            k = np.array([[1.0], [-1.0]])
            for x in (1e4, big):
                assert sdpa(np.array([[x]]), k, v, scale=1.0).tolist() == [[1.0, 2.0]]
                assert sdpa(np.array([[-x]]), k, v, scale=1.0).tolist() == [[3.0, 4.0]]
                same = sdpa(np.array([[x]]), abs(k), v, scale=1.0).tolist()
                assert same == [[2.0, 3.0]]
            assert sdpa(np.array([[inf]]), -abs(k), v).tolist() == [[0.0, 0.0]]
            assert np.isnan(sdpa(np.array([[inf]]), k, v).numpy()).all()
            assert np.isnan(sdpa(np.array([[nan]]), k, v).numpy()).all()
            got = sdpa(np.zeros((3, 1)), k, v, mask=np.full((3, 2), -inf)).numpy()
            assert not got.any()


def test_blind_queries_have_no_gradient():
    """In float and in bool masks, and by causality; second derivatives are finite too."""
    q, k, v = [pydp.tensor(real(4, 3, seed=i), requires_grad=True) for i in range(3)]
    for mask in (np.zeros((4, 4), bool), np.full((4, 4), -np.inf)):
        y = sdpa(q, k, v, pydp.tensor(mask))
        assert not y.numpy().any()
        first = pydp._graph.walk(
            [(y._node, pydp.ones(y.shape, dtype="float64"))],
            create_graph=True, wanted=[x._node for x in (q, k, v)],
        )[1]  # fmt: skip
        assert all(not g.numpy().any() for g in first.values()) and len(first) == 3


def test_a_mask_has_a_gradient_where_it_broadcasts():
    mask = pydp.tensor(real(1, 7), requires_grad=True)
    y = sdpa(*[pydp.tensor(x) for x in heads(2, 4)], mask)
    y.backward(pydp.ones(y.shape, dtype="float64"))
    assert mask.grad.shape == (1, 7) and abs(mask.grad.numpy()).max() > 0


def test_backward_with_maxima_of_its_own():
    """attention_backward against its reference, with y and rows that no forward gave."""
    q, k, v = heads(2, 4, g=2)
    y, dy, rows = real(2, 4, 5, 3, seed=4), real(2, 4, 5, 3, seed=5), real(2, 4, 5, 2, low=0.5)
    key, mask = np.array([3, 4], np.uint64), hidden(2, 4, 5, 7)
    for p, causal in itertools.product((0.0, 0.4), (False, True)):
        arrays = [q, k, v, mask, key if p else None, y, rows, dy]
        rule = registry["attention_backward"]
        want = rule.reference(*arrays, causal, 0.6, p, False)
        for isa in ISAS:
            with setting(isa):
                values = [None if a is None else pydp._graph.wrap(a) for a in arrays]
                got = apply(rule, values, causal, 0.6, p, False)
            for a, b in zip(got, want, strict=True):
                assert_close(a.numpy(), b, 1e-13, isa)


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("sizes", [(1, 2**40, 0, 0), (2**40, 1, 0, 0), (0, 2**40, 0, 0)], ids=str)
def test_huge_and_empty(sizes, grad):
    """FAULTS A6: nothing to compute ends at once, or in a MemoryError."""
    t, s, d, e = sizes
    q, k, v = [pydp.zeros(shape).requires_grad_(grad) for shape in ((t, d), (s, d), (s, e))]
    try:
        y = sdpa(q, k, v)
    except MemoryError:
        assert grad and t > 1
        return
    assert y.shape == (t, e)
    if grad:
        y.backward(pydp.zeros((t, e)))
        assert k.grad.shape == (s, d)


# ---- errors --------------------------------------------------------------------------------------

ONES = pydp.ones
SIZES = (5, 8), (7, 8), (7, 3)
OP = "scaled_dot_product_attention"


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        (((5,), (7, 8), (7, 3)), {}, ValueError,
         "q, k and v must be [..., t, d], [..., s, d], [..., s, e], "
         "got q (5,), k (7, 8), v (7, 3)"),
        (((5, 8), (7, 9), (7, 3)), {}, ValueError,
         "k must have q's last size, 8, got q (5, 8), k (7, 9), v (7, 3)"),
        (((5, 8), (7, 8), (6, 3)), {}, ValueError,
         "v must be as long as k, 7, got q (5, 8), k (7, 8), v (6, 3)"),
        (((2, 4, 5, 8), (3, 4, 7, 8), (3, 4, 7, 3)), {}, ValueError,
         "the leading axes do not broadcast, got q (2, 4, 5, 8), k (3, 4, 7, 8), v (3, 4, 7, 3)"),
        (((4, 5, 8), (3, 7, 8), (3, 7, 3)), {}, ValueError,
         "q's heads, 4, must be a multiple of k's and v's, 3, "
         "got q (4, 5, 8), k (3, 7, 8), v (3, 7, 3)"),
        (((4, 5, 8), (4, 7, 8), (2, 7, 3)), {}, ValueError,
         "k and v must have equally many heads, got q (4, 5, 8), k (4, 7, 8), v (2, 7, 3)"),
        (SIZES, {"mask": ONES((7, 5))}, ValueError,
         "mask must broadcast to (1, 5, 7), [..., heads, queries, keys], got (7, 5)"),
        (SIZES, {"mask": ONES((2, 5, 7))}, ValueError,
         "mask must broadcast to (1, 5, 7), [..., heads, queries, keys], got (2, 5, 7)"),
        (SIZES, {"mask": ONES((5, 7), dtype="int64")}, TypeError,
         "mask must be bool or float32, as q is, got int64"),
        (SIZES, {"mask": ONES((5, 7), dtype="float64")}, TypeError,
         "mask must be bool or float32, as q is, got float64"),
        (SIZES, {"causal": 1}, TypeError,
         "causal must be True or False, got 1"),
        (SIZES, {"scale": math.nan}, ValueError, "scale must be finite, got nan"),
        (SIZES, {"scale": True}, TypeError, "scale must be a number, got True"),
        (SIZES, {"dropout": 1.5}, ValueError,
         "dropout must be between 0 and 1, got 1.5"),
        (SIZES, {"dropout": math.nan}, ValueError,
         "dropout must be between 0 and 1, got nan"),
        (SIZES, {"dropout": "x"}, TypeError, "dropout must be a number, got 'x'"),
        (SIZES, {"generator": 3}, TypeError,
         "generator must be a pydp.Generator, got int"),
    ],
)  # fmt: skip
def test_errors(arguments, keywords, error, message):
    with pytest.raises(error) as caught:
        sdpa(*[ONES(shape) for shape in arguments], **keywords)
    assert str(caught.value) == f"{OP}: {message}"


def test_types_do_not_mix():
    x = ONES((5, 8))
    with pytest.raises(TypeError, match=f"{OP}: arguments must have one dtype, got q float32, k f"):
        sdpa(x, ONES((5, 8), dtype="float64"), x)
    with pytest.raises(TypeError, match=f"{OP}: v must be float32 or float64, got int64"):
        sdpa(x, x, ONES((5, 8), dtype="int64"))
