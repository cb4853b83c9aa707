"""To whole numbers: division with remainder; the roundings' cases are in test_elementwise.py."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, torch

DIVISOR = np.where(real(4, 5, seed=1) > 0, 0.7, -1.3)

CASES = [
    Case("remainder", pydp.remainder, [real(3, 4, 5), DIVISOR], "broadcast, every sign",
         torch=torch and torch.remainder),
    Case("remainder", pydp.remainder, [real(), np.array(0.3)], "0-d"),
    Case("remainder", pydp.remainder, [real(0, 3), real(3)], "empty"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint64", "float32"])
def test_division_is_pythons(dtype):
    a = [7, 6, 100, 0]
    if not dtype.startswith("u"):
        a += [-7, -6, -100]
    for b in (1, 2, 3, 7) if dtype.startswith("u") else (1, 2, 3, 7, -1, -2, -3):
        x = pydp.tensor(a, dtype=dtype)
        assert (x // b).dtype == x.dtype
        assert (x // b).tolist() == [v // b for v in a]
        assert (x % b).tolist() == [v % b for v in a]


def test_integers_are_whole_already():
    x = pydp.tensor([-3, 4], dtype="int16")
    for name in ("floor", "ceil", "trunc", "round"):
        y = getattr(pydp, name)(x)
        assert y.dtype == np.int16
        assert y.tolist() == [-3, 4]


def test_division_by_zero():
    for call in (pydp.floor_divide, pydp.remainder):
        with pytest.raises(ZeroDivisionError, match=f"{call.__name__}: an integer is divided by 0"):
            call(pydp.tensor([1, 2]), pydp.tensor([1, 0]))
        with pytest.raises(TypeError, match=f"{call.__name__}: operands must be numbers, got bool"):
            call(pydp.tensor([True]), True)
        with pytest.raises(ValueError, match=f"{call.__name__}: shapes do not broadcast"):
            call(pydp.ones(2), pydp.ones(3))
    assert np.isnan((pydp.ones(1) % 0.0).item())
    assert np.isinf((pydp.ones(1) // 0.0).item())
