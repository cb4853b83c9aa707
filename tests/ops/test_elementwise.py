"""Elementwise functions: every row of the table, in the layouts and broadcasts that matter."""

import pytest

import pydp
from harness import Case, examine, integers, real, torch

CASES = [
    Case("relu", pydp.relu, [real(3, 4, 5)], torch=torch and torch.relu),
    Case("add", pydp.add, [real(3, 4), real(4)], "row broadcast", torch=torch and torch.add),
    Case("multiply", pydp.multiply, [real(3, 1, 4), real(2, 1)], "both broadcast"),
    Case("multiply", pydp.multiply, [integers(40, 1000), integers(40, 1)], "chunks", exact=True),
    Case("add", pydp.add, [real(0, 4), real(4)], "empty"),
    Case("add", pydp.add, [real(), real()], "0-d"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)
