"""The digits that come with pydp, damaged files, and batches."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

import pydp
from pydp.data import Batches, DataError, _digits, digits
from pydp.data._digits import read_digits

FILE = Path(_digits.FILE)


def test_digits():
    x_train, y_train, x_test, y_test = digits()
    assert (x_train.shape, x_train.dtype) == ((1348, 1, 8, 8), np.float32)
    assert (x_test.shape, x_test.dtype) == ((449, 1, 8, 8), np.float32)
    assert (y_train.shape, y_train.dtype) == ((1348,), np.int64)
    assert (y_test.shape, y_test.dtype) == ((449,), np.int64)
    assert x_train.min() == 0 and x_train.max() == 1
    assert np.bincount(np.concatenate([y_train, y_test])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip


def test_every_fourth_image_is_held_out():
    rows = read_digits(FILE)
    split = digits()
    assert (split.x_test[:, 0].reshape(-1, 64) * 16 == rows[3::4, :64]).all()
    assert (split.y_test == rows[3::4, 64]).all()
    kept = np.delete(rows, np.s_[3::4], axis=0)
    assert (split.x_train[:, 0].reshape(-1, 64) * 16 == kept[:, :64]).all()
    assert (split.y_train == kept[:, 64]).all()


def test_the_data_are_those_of_the_repository():
    """The hash of the 1,797 x 65 bytes, computed from scikit-learn's copy of the UCI set."""
    digest = hashlib.sha256(read_digits(FILE).tobytes()).hexdigest()
    assert digest == "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"


def test_the_licence_is_there():
    text = (FILE.parent / "LICENSE").read_text()
    for needed in ("E. Alpaydin", "C. Kaynak", "CC BY 4.0", "UCI", "Changes"):
        assert needed in text


LINES = gzip.decompress(FILE.read_bytes()).decode().splitlines()


def changed(line: int, text: str) -> str:
    lines = [*LINES]
    lines[line - 1] = text
    return "\n".join(lines)


ROW = ",".join(["0"] * 64)
DAMAGED = [
    ("cut off", FILE.read_bytes()[:20_000], "cannot be read: Compressed file ended"),
    ("another end", FILE.read_bytes()[:30_000] + b"x" * 20_000, "cannot be read: "),
    ("another checksum", FILE.read_bytes()[:-8] + bytes(8), "cannot be read: CRC check failed"),
    ("not gzip", b"0,1,2\n", "cannot be read: Not a gzipped file"),
    ("empty", b"", "expected 1,797 lines, got 0 lines"),
    ("a line too few", "\n".join(LINES[1:]), "expected 1,797 lines, got 1,796 lines"),
    ("too long", "1" * 3_000_000, "expected 1,797 lines, got over 1,048,576 characters"),
    ("words", changed(5, "x" + LINES[4][1:]), "could not convert string 'x'"),
    ("no digit", changed(7, ROW), "the number of columns changed from 65 to 64 at row 7"),
    ("a pixel too dark", changed(3, f"17{ROW[1:]},4"), "line 3: pixel must be in 0 … 16, got 17"),
    ("no such digit", changed(1797, f"{ROW},10"), "line 1797: digit must be in 0 … 9, got 10"),
    ("negative", changed(2, f"-1{ROW[1:]},4"), "could not convert string '-1'"),
    ("too large", changed(2, f"256{ROW[1:]},4"), "could not convert string '256'"),
    ("not ASCII", changed(2, "é"), "cannot be read: "),
    ("63 pixels", "\n".join(line[2:] for line in LINES), "expected 65 numbers a line, got 64"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"), [d[1:] for d in DAMAGED], ids=[d[0] for d in DAMAGED]
)
def test_damaged_data(tmp_path, content, message):
    file = tmp_path / "digits.csv.gz"
    if isinstance(content, str):
        content = gzip.compress(content.encode())
    file.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_digits(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert message in str(raised.value)


def test_missing_data(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read: .*No such file"):
        read_digits(tmp_path / "digits.csv.gz")


# ---- batches -------------------------------------------------------------------------------------


def rows(batches: Batches) -> list[list[int]]:
    return [x.numpy().tolist() for (x,) in batches]


def test_batches_in_order():
    batches = Batches(np.arange(7), np.arange(7) * 10, batch_size=3)
    assert len(batches) == 3
    got = [(x.numpy().tolist(), y.numpy().tolist()) for x, y in batches]
    assert got == [([0, 1, 2], [0, 10, 20]), ([3, 4, 5], [30, 40, 50]), ([6], [60])]


def test_batches_take_tensors():
    (x,) = next(iter(Batches(pydp.tensor([[1.0], [2.0]]), batch_size=5)))
    assert isinstance(x, pydp.Tensor)
    assert x.numpy().tolist() == [[1.0], [2.0]]


def test_no_rows_no_batches():
    assert rows(Batches(np.zeros(0), batch_size=2)) == []


def test_shuffling():
    """Every row once, anew each time round; the same seed gives the same orders."""
    batches = Batches(np.arange(100), batch_size=8, generator=pydp.Generator(3))
    first, second = rows(batches), rows(batches)
    assert first != second
    for order in (first, second):
        assert sorted(row for batch in order for row in batch) == list(range(100))
    again = Batches(np.arange(100), batch_size=8, generator=pydp.Generator(3))
    assert [rows(again), rows(again)] == [first, second]
    other = Batches(np.arange(100), batch_size=8, generator=pydp.Generator(4))
    assert rows(other) != first


def test_augment():
    """It gets the first array's rows and the generator, and the others stay."""
    generator = pydp.Generator(0)

    def double(x, given):
        assert given is generator
        return 2 * x

    batches = Batches(np.arange(6), np.arange(6), batch_size=4, generator=generator, augment=double)
    for x, y in batches:
        assert (x.numpy() == 2 * y.numpy()).all()


@pytest.mark.parametrize(
    ("arrays", "how", "error", "message"),
    [
        ([np.zeros(3)], {"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ([np.zeros(3)], {"batch_size": -2}, ValueError, "batch_size must be at least 1, got -2"),
        ([np.zeros(3)], {"batch_size": 2.0}, TypeError, "batch_size must be an int, got 2.0"),
        ([np.zeros(3)], {"batch_size": True}, TypeError, "batch_size must be an int, got True"),
        ([], {"batch_size": 1}, ValueError, "at least one array is needed"),
        (
            [np.zeros((3, 2)), np.zeros(4)], {"batch_size": 1}, ValueError,
            "arrays must have equally many rows, got shapes (3, 2), (4,)",
        ),
        ([np.float64(3)], {"batch_size": 1}, ValueError,
         "arrays must have equally many rows, got shapes ()"),
        (
            [np.zeros(3)], {"batch_size": 1, "generator": 5}, TypeError,
            "generator must be a pydp.Generator, got 5",
        ),
        (
            [np.zeros(3)], {"batch_size": 1, "augment": abs}, ValueError,
            "augment needs a generator",
        ),
    ],
)  # fmt: skip
def test_refused_batches(arrays, how, error, message):
    with pytest.raises(error) as raised:
        Batches(*arrays, **how)
    assert str(raised.value) == f"Batches: {message}"
