"""python -m bench.threads [operation …]: do all threads ever take longer than one?

    operation         size    1 thread   2 threads  1 / 2
    add              4,096     1.23 µs     1.25 µs  0.98 0.99 1.00 … (ten runs, sorted)

Sizes go from what is never shared to what always is, since it is between them that a library errs:
a team is woken for work that one thread had done by then. A run alternates ten times between the
two settings and compares their medians. A line with `!` has fewer than nine runs of at least 0.97;
the exit code is 1 where there is such a line. For a quiet machine with as many cores as threads.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import pydp
from bench.table import time_text

Step = Callable[[], Any]
RUNS, TURNS, SAMPLE = 10, 10, 0.002  # seconds of a sample, one step at least
ENOUGH, RUNS_ENOUGH = 0.97, 9

SIZES = [4**i for i in range(3, 12)]  # of arrays: 64 … 4 million elements
SIDES = [8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]  # of square matrices


def array(*shape: int) -> Any:
    return pydp.tensor(np.random.default_rng(0).standard_normal(shape, np.float32))


def of_one(function: Callable[[Any], Any]) -> Callable[[int], Step]:
    def made(n: int) -> Step:
        x = array(n)
        return lambda: function(x)

    return made


def of_rows(function: Callable[[Any], Any]) -> Callable[[int], Step]:
    def made(n: int) -> Step:
        x = array(max(1, n // 256), min(n, 256))
        return lambda: function(x)

    return made


def add(n: int) -> Step:
    a, b = array(n), array(n)
    return lambda: a + b


def matmul(n: int) -> Step:
    a, b = array(n, n), array(n, n)
    return lambda: a @ b


def linear(n: int) -> Step:
    x, weight = array(32, n), array(n, n)
    return lambda: pydp.linear(x, weight)


def conv2d(n: int) -> Step:
    x, weight = array(1, 16, n // 4 + 1, n // 4 + 1), array(16, 16, 3, 3)
    return lambda: pydp.conv2d(x, weight, padding=1)


def max_pool2d(n: int) -> Step:
    x = array(1, 16, n // 4 + 2, n // 4 + 2)
    return lambda: pydp.max_pool2d(x, 2)


OPERATIONS: dict[str, tuple[Callable[[int], Step], list[int]]] = {
    "add": (add, SIZES),
    "exp": (of_one(pydp.exp), SIZES),
    "sum": (of_one(pydp.sum), SIZES),
    "softmax": (of_rows(pydp.softmax), SIZES),
    "layer_norm": (of_rows(lambda x: pydp.layer_norm(x, pydp.ones(x.shape[1]))), SIZES),
    "matmul": (matmul, SIDES),
    "linear": (linear, SIDES),
    "conv2d": (conv2d, SIDES),
    "max_pool2d": (max_pool2d, SIDES),
}


def measured(step: Step, threads: int) -> tuple[float, float, list[float]]:
    """Seconds of a step on one thread and on all, and the ratio of each run."""
    loops = 1
    while (spent := seconds(step, 1, loops)) * loops < SAMPLE:
        loops = max(2 * loops, int(1.2 * SAMPLE / spent))
    ones, alls, ratios = [], [], []
    for _ in range(RUNS):
        turns = [[seconds(step, t, loops) for t in (1, threads)] for _ in range(TURNS)]
        one, all_ = (median(times) for times in zip(*turns, strict=True))
        ones.append(one)
        alls.append(all_)
        ratios.append(one / all_)
    return median(ones), median(alls), ratios


def seconds(step: Step, threads: int, loops: int) -> float:
    pydp.set_num_threads(threads)
    step()  # the team begins
    begin = perf_counter()
    for _ in range(loops):
        step()
    return (perf_counter() - begin) / loops


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.threads", description=__doc__)
    parser.add_argument("operations", nargs="*", metavar="operation", default=list(OPERATIONS))
    chosen = parser.parse_args().operations
    if unknown := [name for name in chosen if name not in OPERATIONS]:
        parser.error(f"no operation {unknown[0]!r}: choose from {', '.join(OPERATIONS)}")
    threads, lost = pydp.get_num_threads(), 0
    if threads == 1:
        parser.error("there is one thread only")
    print(f"{'operation':<12}{'size':>10}{'1 thread':>12}{f'{threads} threads':>12}  1 / {threads}")
    for name in chosen:
        made, sizes = OPERATIONS[name]
        for n in sizes:
            one, all_, ratios = measured(made(n), threads)
            enough = sum(ratio >= ENOUGH for ratio in ratios)
            lost += enough < RUNS_ENOUGH
            print(
                f"{name:<12}{n:>10,}{time_text(one):>12}{time_text(all_):>12}  "
                f"{' '.join(f'{ratio:.2f}' for ratio in sorted(ratios))}  "
                f"{'' if enough >= RUNS_ENOUGH else '!'}",
                flush=True,
            )
    print(f"{lost} sizes where {threads} threads are slower than one")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
