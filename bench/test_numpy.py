"""The comparisons with NumPy through pytest-benchmark: pytest bench --benchmark-only

Both run in this one process, with the threads that each takes by itself, one after the other. Good
for watching one function while working on it; README.md says why the table is the one to believe.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for pydp in a checkout

from bench.case import Case, cases, values
from bench.harness import agree

pytest.importorskip("pytest_benchmark")

SUITES = ("conv2d", "max_pool2d", "matmul", "softmax")
LARGEST = 1e10  # FLOPs: what takes seconds is for the table


def compared() -> list[Any]:
    """(suite, case, peer) for every case that NumPy knows, one below the other."""
    return [
        pytest.param(suite, case, peer, id=f"{suite} {case.name} {peer}".replace(" ", "-"))
        for suite in SUITES
        for case in cases(suite)
        if "numpy" in case.peers and case.flops < LARGEST
        for peer in ("numpy", "pydp")
    ]


@pytest.mark.parametrize(("suite", "case", "peer"), compared())
def test_speed(benchmark: Any, suite: str, case: Case, peer: str) -> None:
    benchmark.group = f"{suite} {case.name}"
    step = case.step(peer)
    if peer == "pydp":
        agree(case, {name: list(values(case.step(name)())) for name in ("pydp", "numpy")})
    benchmark(step)
