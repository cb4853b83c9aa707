"""The bounds of tests/ulp.py hold, on 10^6 points and on every ISA."""

import numpy as np
import pytest

from ulp import TABLE, errors, measure


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_within_its_bound(row):
    for isa, error, x in measure(row):
        assert error <= row.bound, f"{row.name} on {isa}: {error} {row.unit} at {x!r}"


def test_an_ulp_is_one():
    want = np.array([1.0, 2.0, 1.5, -1.0, 2.0**-140])
    got = np.array([*(np.nextafter(want[:4].astype(np.float32), 9)), 2.0**-140 + 2.0**-149])
    assert errors(got, want, want, "ulp").tolist() == [1, 1, 1, 0.5, 1]
    assert np.argmax(errors(np.array([0.5, np.nan]), np.zeros(2), want, "ulp")) == 1
