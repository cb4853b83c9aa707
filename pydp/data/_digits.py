"""Handwritten digits: 1,797 images of 8 x 8 pixels, small enough to come with the package.

The file is text, one image per line: 64 pixels, row by row, 0 (paper) to 16 (ink), then the digit.
Where it comes from and its licence: pydp/data/digits/LICENSE.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

FILE = os.path.join(os.path.dirname(__file__), "digits", "digits.csv.gz")
IMAGES, SIDE, INK = 1797, 8, 16
HELD_OUT = 4  # every 4th image is for the test
LARGEST = 1 << 20  # characters; the file has 264,712, and a damaged one must not fill the memory


class DataError(ValueError):
    """A data file is missing, damaged, or does not hold what its name promises.

    >>> import pydp
    >>> issubclass(pydp.data.DataError, ValueError)
    True
    """


class Split(NamedTuple):
    """Images `(n, channels, height, width)` and labels `(n,)`, to learn from and to test with.

    >>> import pydp
    >>> split = pydp.data.digits()
    >>> split.x_test.shape, split.y_test[:8].tolist()
    ((449, 1, 8, 8), [3, 7, 1, 5, 9, 3, 7, 9])
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


def digits() -> Split:
    """The handwritten digits: 1,348 images to learn from and 449, every 4th, for the test.

    Images are float32 `(n, 1, 8, 8)` from 0 (paper) to 1 (ink), labels int64 from 0 to 9.

    >>> import pydp
    >>> x_train, y_train, x_test, y_test = pydp.data.digits()
    >>> x_train.shape, x_test.shape
    ((1348, 1, 8, 8), (449, 1, 8, 8))
    """
    rows = read_digits(FILE)
    x = (rows[:, :-1].astype(np.float32) / INK).reshape(-1, 1, SIDE, SIDE)
    y = rows[:, -1].astype(np.int64)
    test = np.arange(len(rows)) % HELD_OUT == HELD_OUT - 1
    return Split(x[~test], y[~test], x[test], y[test])


def read_digits(file: str | os.PathLike[str]) -> Array:
    """The checked lines of a file like digits.csv.gz, as uint8 `(1797, 65)`."""
    import gzip
    import zlib

    try:
        with gzip.open(file, "rt", encoding="ascii") as stream:
            text = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from None
    lines = text.split()
    if len(text) > LARGEST or len(lines) != IMAGES:
        many = f"over {LARGEST:,} characters" if len(text) > LARGEST else f"{len(lines):,} lines"
        raise DataError(f"{file}: expected {IMAGES:,} lines, got {many}")
    try:
        rows = np.loadtxt(lines, np.uint8, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        raise DataError(f"{file}: {str(error).partition(';')[0]}") from None
    if rows.shape[1] != SIDE * SIDE + 1:
        raise DataError(f"{file}: expected {SIDE * SIDE + 1} numbers a line, got {rows.shape[1]}")
    for name, values, largest in (("pixel", rows[:, :-1], INK), ("digit", rows[:, -1:], 9)):
        wrong = np.argwhere(values > largest)
        if len(wrong):
            line, column = wrong[0]
            raise DataError(
                f"{file}: line {line + 1}: {name} must be in 0 … {largest}, "
                f"got {values[line, column]}"
            )
    return rows
