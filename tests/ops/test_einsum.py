"""einsum: against NumPy's, gradients of order 1 and 2 by differences and PyTorch's."""

import string
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pydp
from harness import (
    ISAS,
    Case,
    assert_close,
    examine_against_torch,
    examine_gradients,
    integers,
    real,
    setting,
    torch,
    value,
)

SIZE = dict(zip(string.ascii_letters, [2, 3, 4, 3, 2, 5, 1, 3] * 7, strict=False))

PATTERNS = {
    "ij,jk->ik": "a matrix product",
    "ij,kj->ik": "with a transpose",
    "ij,jk->ki": "transposed",
    "ij,jk": "implicit",
    "ba": "implicit output is alphabetical",
    "ij,ij->": "everything",
    "ij,ij->ij": "elementwise",
    "i,j->ij": "outer",
    "i,j->ji": "outer, transposed",
    "bij,bjk->bik": "a batch",
    "bqhd,bkhd->bhqk": "attention's scores",
    "bhqk,bkhd->bqhd": "attention's values",
    "abc,cdb->ad": "two axes go",
    "abcd,dbef->aecf": "axes that lie apart",
    "ij->": "a sum",
    "ij->j": "a sum of rows",
    "ij,k->k": "an axis of one operand goes",
    "ii->i": "a diagonal",
    "ii": "a trace",
    "iij,jk->ik": "a diagonal in a product",
    "iii->i": "the diagonal of a cube",
    "...ij,...jk->...ik": "ellipsis",
    "i...->...": "ellipsis behind",
    "...i,i": "ellipsis in one, implicit",
    ",ij->ij": "a number",
    "->": "only a number",
    "ij,jk,kl->il": "three",
    "a,ab,abc,c->b": "four",
    "ab,cd,bc->ad": "an outer product comes last",
    " i j , j k -> i k ": "blanks",
    "Aa,aB->AB": "capitals",
}


def shapes_of(pattern, dots=(2, 3)):
    square = {"i": 3} if "ii" in pattern else {}
    terms = pattern.replace(" ", "").partition("->")[0].replace("...", ".").split(",")
    return [
        tuple(n for c in term for n in (dots if c == "." else (square.get(c) or SIZE[c],)))
        for term in terms
    ]


def case_of(pattern):
    inputs = [real(*shape, seed=k) for k, shape in enumerate(shapes_of(pattern))]
    peer = torch and (lambda *x: torch.einsum(pattern, *x))
    return Case("matmul", lambda *x: pydp.einsum(pattern, *x), inputs, pattern, peer)


@pytest.mark.parametrize(
    "pattern", PATTERNS, ids=[why.replace(" ", "_") for why in PATTERNS.values()]
)
def test_patterns(pattern):
    case = case_of(pattern)
    assert_close(value(case, case.inputs), np.einsum(pattern, *case.inputs), 1e-13, pattern)
    with setting(threads=2):
        examine_gradients(case, ISAS[0])
    if torch is not None:
        examine_against_torch(case)


@pytest.mark.parametrize(
    "pattern", ["ij,jk->ik", "bqhd,bkhd->bhqk", "iij,jk->ik", "ij->j", "i,j->ij"]
)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int64", "uint16"])
def test_types_and_exactness(pattern, dtype):
    inputs = [integers(*s, low=0, seed=k).astype(dtype) for k, s in enumerate(shapes_of(pattern))]
    got, want = pydp.einsum(pattern, *map(pydp.tensor, inputs)), np.einsum(pattern, *inputs)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.numpy(), want)


@given(st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_random_patterns(data):
    """Any letters over any number of operands, sizes 0, 1 and 2 … 4; 1 broadcasts."""
    letters = "abcdE"
    sizes = {c: data.draw(st.integers(0, 4), label=c) for c in letters}
    terms = data.draw(st.lists(st.text(letters, max_size=4), min_size=1, max_size=4))
    used = sorted({c for term in terms for c in term})
    output = "".join(data.draw(st.permutations(used))[: data.draw(st.integers(0, len(used)))])
    pattern = ",".join(terms) + "->" + output
    thin = data.draw(st.sampled_from(used)) if used else ""
    inputs = []
    for k, term in enumerate(terms):
        shape = [1 if c == thin and k == 0 else sizes[c] for c in term]
        inputs.append(integers(*shape, seed=k))
    want = np.einsum(pattern, *inputs)
    got = pydp.einsum(pattern, *[pydp.tensor(a) for a in inputs]).numpy()
    assert got.shape == want.shape or thin in output
    np.testing.assert_array_equal(np.broadcast_to(got, want.shape), want, err_msg=pattern)


def test_a_product_of_views_copies_nothing():
    """Attention's scores, batched over (b, h) that lie apart: no copy kernel runs."""
    from pydp import _kernels

    q, k = pydp.tensor(real(2, 5, 3, 4)), pydp.tensor(real(2, 6, 3, 4))
    calls = _kernels.record()
    try:
        pydp.einsum("bqhd,bkhd->bhqk", q, k)
    finally:
        _kernels.stop_recording()
    assert [call.name for call in calls] == ["matmul_forward"]


X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("subscripts", "operands", "error", "message"),
    [
        ("ij,jk->ik", [X], ValueError, "'ij,jk->ik' names 2 operands, 1 are given"),
        ("ij->k", [X], ValueError, "output letter 'k' of 'ij->k' is in no operand"),
        ("ij->ii", [X], ValueError, "output letter 'i' of 'ij->ii' stands twice"),
        ("i1->i", [X], ValueError, "'i1' in 'i1->i' must be letters a-z and A-Z"),
        ("iж->i", [X], ValueError, "must be letters a-z and A-Z"),
        ("i..->i", [X], ValueError, r"at most one '\.\.\.'"),
        ("......->", [X], ValueError, r"at most one '\.\.\.'"),
        ("ij->i->", [X], ValueError, "must be letters"),
        ("ijk->i", [X], ValueError, "operand 0 has 2 axes, 'ijk' in 'ijk->i' names 3"),
        ("i->i", [X], ValueError, "operand 0 has 2 axes, 'i' in 'i->i' names 1"),
        ("i...->i", [X], ValueError, r"the output of 'i\.\.\.->i' lacks the operands' '\.\.\.'"),
        ("ij,ij->ij", [X, X.T], ValueError, "letter 'i' of .* is 3 in operand 1, 2"),
        ("ii->i", [X], ValueError, "letter 'i' of 'ii->i' is 3 in operand 0, 2 before"),
        ("...,...->...", [X, X.T], ValueError, r"an axis of '\.\.\.' .* is 3 in operand 1, 2"),
        ("", [], ValueError, "operands must be 1 to 64, got 0"),
        (b"ij", [X], TypeError, "subscripts must be text, got bytes"),
        ("ij", [X > 1], TypeError, "operands must be numbers, got bool"),
        ("i" * 10**6, [X], ValueError, "subscripts of 1000000 characters; at most 4096"),
        ("," * 4000, [X] * 64, ValueError, "names 4001 operands, 64 are given"),
    ],
)  # fmt: skip
def test_errors(subscripts, operands, error, message):
    begun = time.perf_counter()
    with pytest.raises(error, match=message):
        pydp.einsum(subscripts, *[pydp.tensor(x) for x in operands])
    assert time.perf_counter() - begun < 0.5
