"""The figures that are asked for, as data, and which of them a row misses.

A name is a regular expression that begins the row's name; where several lines fit, the first
counts. Whoever is not named is asked for as well: in no row shall any peer be faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bench.case import KERNELS, OURS
from bench.harness import Row

# peer, name, the peer's time by ours at least
RATIOS = [
    ("torch", "toy_mlp", 4.0),
    ("torch", "mlp", 2.2),
    ("torch", "lenet", 1.5),
    ("torch", "conv_net", 2.0),
    ("torch", "alexnet batch", 1.25),
    ("torch", "vgg", 1.25),
    ("torch", "language_model", 1.5),
    ("torch", "bert one block", 1.1),
    ("torch", "bert 12 blocks", 1.15),
    ("torch", "gpt", 1.4),
    ("torch", "attention 2 x 8 x 1024 x 64, causal, grad", 1.5),
    ("numpy", "conv2d", 5.0),
    ("numpy", "max_pool2d", 10.0),
    ("numpy", "attention", 5.0),
]
LEAST = 1.0
# limit, numbers of threads, name, the share of the limit at least; of kernels
SHARES = [
    ("F", (1,), r"matmul (64|128) x \1 x \1$", 0.75),
    ("F", (1,), r"matmul 256 x 256 x 256$", 0.93),
    ("F", (1,), r"matmul (512|1024|2048|4096) x \1 x \1$", 0.88),
    ("F", (1, 2), r"conv2d (AlexNet 2|VGG 3x3|3x3 stride 2|1x1)", 0.80),  # 64 channels, and more
    ("B", (1, 2), "", 0.85),
]
# name, how much of what two threads add to the limit they shall add to our speed
SCALING = [(r"matmul (512|1024|2048|4096) x \1 x \1$|conv2d (AlexNet 2|VGG 3x3)", 0.95)]


def ratios(row: Row) -> Iterator[tuple[float, float, str]]:
    """Measured, asked, and of whom."""
    for peer in row.seconds:
        if peer != OURS:
            fitting = [a for p, name, a in RATIOS if p == peer and re.match(name, row.name)]
            yield row.ratio(peer)[1], [*fitting, LEAST][0], f"{peer} / {OURS}"


def shares(row: Row, one: Row | None) -> Iterator[tuple[float, float, str]]:
    """The same of the limit; `one` is the row of the same case with one thread."""
    share = row.share()
    if share is None or row.suite not in KERNELS:
        return
    for limit, threads, name, asked in SHARES:
        if limit == share[1] and row.threads in threads and re.match(name, row.name):
            yield share[0], asked, f"of {limit}"
            break
    if one and row.threads > 1 and (alone := one.share()):
        for name, asked in SCALING:
            if re.match(name, row.name):
                yield share[0] / alone[0], asked, "of one thread's share"


def missed(rows: Sequence[Row]) -> list[str]:
    """A line for each row that misses something: what was measured, in brackets what is asked."""
    ones = {row.name: row for row in rows if row.threads == 1}
    lines = []
    for row in rows:
        held = [*ratios(row), *shares(row, ones.get(row.name))]
        words = [
            f"{got:.2f} {what} ({asked:g})" for got, asked, what in held if round(got, 2) < asked
        ]
        if words:
            lines.append(f"    {row.name}, threads {row.threads}: {', '.join(words)}")
    count = f"{len(lines)} of {len(rows)} rows miss a figure that is asked for"
    return [f"{count} (in brackets):" if lines else count, *lines]
