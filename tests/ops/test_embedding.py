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


CASES += [
    Case(
        "embedding",
        lambda ids, w: pydp.embedding(ids, w, padding_idx=-1),
        [indices(7, below=5), integers(6, 3)],
        "a row of padding that is not taken",
        exact=True,
        torch=torch and (lambda i, w: torch.nn.functional.embedding(i, w, padding_idx=-1)),
    ),
    Case(
        "embedding_backward",
        lambda i, dy: apply(EmbeddingBackward, (i, dy), 6, 2),
        [indices(30, below=6), integers(30, 9)],
        "a row of padding that is taken",
        exact=True,
    ),
]
CASES += [
    Case("one_hot", lambda ids, dtype=dtype: pydp.one_hot(ids, 5, dtype),
         [indices(*shape, below=5)], f"{dtype}, {len(shape)} axes", grad=False,
         torch=torch and (lambda ids: torch.nn.functional.one_hot(ids, 5)))
    for dtype in ("int64", "float32", "bool") for shape in ((), (7,), (2, 0), (3, 4))
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


@pytest.mark.skipif(torch is None, reason="PyTorch, the peer, is not installed")
def test_the_row_of_padding_has_no_gradient_of_any_order():
    """Against PyTorch, whose rule this is: by differences the gradient is not 0."""
    ids, w, u = np.array([1, 3, 1, 0]), real(4, 3), real(4, 3, seed=1)
    weight, direction = pydp.tensor(w, requires_grad=True), pydp.tensor(u)
    loss = (pydp.embedding(ids, weight, padding_idx=1) ** 3).sum()
    loss.backward(create_graph=True)
    first = weight.grad
    weight.grad = None
    (first * direction).sum().backward()
    peer = torch.tensor(w, requires_grad=True)
    loss = (torch.nn.functional.embedding(torch.tensor(ids), peer, padding_idx=1) ** 3).sum()
    (theirs,) = torch.autograd.grad(loss, peer, create_graph=True)
    (second,) = torch.autograd.grad((theirs * torch.tensor(u)).sum(), peer)
    np.testing.assert_allclose(first.numpy(), theirs.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(weight.grad.numpy(), second.numpy(), rtol=1e-12)
    assert np.all(first.numpy()[1] == 0) and np.all(weight.grad.numpy()[1] == 0)


@pytest.mark.parametrize(
    ("padding", "error", "message"),
    [
        (5, ValueError, "embedding: padding_idx must be in -5 … 4, got 5"),
        (-6, ValueError, "embedding: padding_idx must be in -5 … 4, got -6"),
        (True, TypeError, "embedding: padding_idx must be an int, got True"),
    ],
)
def test_rows_of_padding_that_are_none(padding, error, message):
    with pytest.raises(error) as raised:
        pydp.embedding([1], pydp.zeros((5, 2)), padding)
    assert str(raised.value) == message


def test_one_hot():
    hot = pydp.one_hot([[1], [0]], 2)
    assert hot.dtype == np.int64 and hot.tolist() == [[[0, 1]], [[1, 0]]]
    assert pydp.one_hot(np.array([3], np.uint8), 4, dtype="float64").dtype == np.float64
    assert pydp.one_hot(pydp.zeros((0,), dtype="int64"), 0).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 3], 3), IndexError, "one_hot: ids[1] is 3, allowed are 0 … 2"),
        (([[0], [-1]], 3), IndexError, "one_hot: ids[1, 0] is -1, allowed are 0 … 2"),
        ((np.uint64(2**64 - 1), 3), IndexError,
         "one_hot: ids is 18446744073709551615, allowed are 0 … 2"),
        (([0], 0), IndexError, "one_hot: ids[0] is 0, allowed are none, for num_classes is 0"),
        (([0.0], 3), TypeError, "one_hot: ids must be integers, got float32"),
        (([0], -1), ValueError, "one_hot: num_classes must be at least 0, got -1"),
        (([0], 3.0), TypeError, "one_hot: num_classes must be an int, got 3.0"),
    ],
)  # fmt: skip
def test_one_hot_errors(arguments, error, message):
    with pytest.raises(error) as raised:
        pydp.one_hot(*arguments)
    assert str(raised.value) == message


def test_one_hot_of_more_than_memory():
    with pytest.raises(MemoryError, match="one_hot: no memory for shape"):
        pydp.one_hot(pydp.zeros((2**20,), dtype="int64"), 2**30)
