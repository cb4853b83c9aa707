"""embedding and its gradient."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, indices, integers, real, torch
from pydp._graph import apply
from pydp.ops._embedding import EmbeddingBackward


def case(ids, weight, why, exact=True):
    return Case("embedding", pydp.embedding, [ids, weight], why, exact=exact,
                torch=torch and torch.nn.functional.embedding)  # fmt: skip


CASES = [
    case(indices(3, 4, below=5), integers(5, 7), "rows shorter than a vector"),
    case(indices(50, below=6), integers(6, 150), "repeated ids, blocks and tails of a row"),
    case(indices(below=5), integers(5, 3), "one id"),
    case(indices(0, 3, below=5), integers(5, 3), "no ids"),
    case(indices(4, below=5), integers(5, 0), "empty rows"),
    case(indices(900, below=3000), integers(3000, 20), "most rows untouched, several tasks"),
    case(indices(40, below=2), real(2, 33), "long sums", exact=False),
]


def backward(ids, dy):
    return apply(EmbeddingBackward, (ids, dy), 6)


CASES += [
    Case("embedding_backward", backward, [indices(3, 4, below=6), integers(3, 4, 9)], exact=True),
    Case("embedding_backward", backward, [indices(300, below=6), integers(300, 70)],
         "blocks and tails", exact=True),
    Case("embedding_backward", backward, [indices(0, below=6), integers(0, 9)], "no ids",
         exact=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_ids_of_every_integer_type(dtype):
    weight = pydp.tensor(real(100, 3))
    ids = np.array([[99, 0], [7, 7]], dtype)
    got = pydp.embedding(pydp.tensor(ids), weight)
    np.testing.assert_array_equal(got.numpy(), weight.numpy()[ids.astype(int)])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.array([[1, 2], [5, 9]]), "embedding: ids[1, 0] is 5, allowed are 0 … 4"),
        (np.array([0, -1]), "embedding: ids[1] is -1, allowed are 0 … 4"),
        (np.array(7, np.uint8), "embedding: ids is 7, allowed are 0 … 4"),
        (np.array([2**64 - 1], np.uint64),
         "embedding: ids[0] is 18446744073709551615, allowed are 0 … 4"),
        (np.array([[0, 1, 2], [3, 4, 6]]).T, "embedding: ids[2, 1] is 6, allowed are 0 … 4"),
    ],
)  # fmt: skip
def test_ids_out_of_range(ids, message):
    with pytest.raises(IndexError) as raised:
        pydp.embedding(ids, pydp.tensor(np.zeros((5, 2))))
    assert str(raised.value) == message


def test_backward_checks_ids_too():
    ids, dy = pydp.tensor([0, 6]), pydp.tensor(np.zeros((2, 3)))
    with pytest.raises(IndexError, match=r"embedding_backward: ids\[1\] is 6, allowed are 0 … 5"):
        backward(ids, dy)


def test_types_and_shapes():
    weight = pydp.tensor(np.zeros((5, 2)))
    with pytest.raises(TypeError, match="embedding: ids must be integers, got float32"):
        pydp.embedding([1.0], weight)
    with pytest.raises(TypeError, match="embedding: ids must be integers, got bool"):
        pydp.embedding([True], weight)
    with pytest.raises(ValueError, match=r"embedding: weight must have 2 axes \(v, d\), got shape"):
        pydp.embedding([1], pydp.tensor(np.zeros(5)))
    with pytest.raises(IndexError, match="allowed are none, for weight has no rows"):
        pydp.embedding([0], pydp.tensor(np.zeros((0, 5))))


def test_a_negative_id_of_one_byte_is_negative():
    """It was read as 255, which is a row of a large table."""
    with pytest.raises(IndexError, match=r"ids\[0\] is -1, allowed are 0 … 299"):
        pydp.embedding(pydp.tensor(np.array([-1], np.int8)), pydp.ones((300, 2)))
