"""The one table: a head that says where and with what, a row for each case, and what is missed."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.asked import missed
from bench.case import OURS
from bench.harness import Row, Worker
from bench.worker import LIMITS

NAME, CELL = 44, 20


def processor() -> str:
    """The name of the processor, and how many this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    return f"{name}, {os.cpu_count()} processors"


def machine() -> list[str]:
    """The head's first lines."""
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return [
        f"machine  {processor()}; {system}",
        f"         load average {load} (should be near 0), Python {platform.python_version()}",
    ]


def versions(workers: dict[str, Worker], threads: int) -> list[str]:
    """What takes part, and the limits of the machine with this number of threads."""
    parts = [f"{peer} {worker.version}" for peer, worker in workers.items() if peer != LIMITS]
    limits: dict[str, float] = workers[LIMITS].version
    lines = [f"{threads} thread{'s' * (threads > 1)}: {'; '.join(parts)}"]
    if limits:
        lines.append(
            f"  limits: {limits['float'] / 1e9:.0f} GFLOP/s float32, "
            f"{limits['double'] / 1e9:.0f} GFLOP/s float64, {limits['bytes'] / 1e9:.1f} GB/s"
        )
    else:
        lines.append("  limits: unknown (no C compiler)")
    return lines


def head(peers: Sequence[str]) -> str:
    """Names of the columns."""
    cells = "".join(f"{peer + ' / ' + OURS:>{CELL}}" for peer in peers if peer != OURS)
    return f"{'case':<{NAME}}{'threads':>8}{OURS:>12}{'of limit':>10}{cells}"


def time_text(seconds: float) -> str:
    """With three digits: 831 ns, 12.3 µs, 4.56 ms, 1.23 s."""
    for unit, scale in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)):
        if seconds < 999.5 * scale or unit == "s":
            value = seconds / scale
            break
    return f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f} {unit}"


def ratio_text(ratio: float) -> str:
    """With three digits: 0.87, 1.02, 15.3, 250."""
    return f"{ratio:.{2 if ratio < 9.995 else 1 if ratio < 99.95 else 0}f}"


def verdict(row: Row, peer: str) -> str:
    """ "!" where ours is slower, "=" where the quartiles enclose 1, nothing where it is faster."""
    low, _, high = (round(ratio, 2) for ratio in row.ratio(peer))
    return "!" if high < 1 else "" if low > 1 else "="


def line(row: Row, peers: Sequence[str]) -> str:
    """One row of the table."""
    share = row.share()
    text = f"{row.name:<{NAME}}{row.threads:>8}{time_text(row.ours()):>12}"
    text += f"{f'{100 * share[0]:.0f} % {share[1]}' if share else '-':>10}"
    for peer in peers:
        if peer in row.seconds and peer != OURS:
            low, middle, high = map(ratio_text, row.ratio(peer))
            cell = f"{verdict(row, peer)} {middle} ({low}-{high})"
            text += f"{cell:>{CELL}}"
        elif peer != OURS:
            text += f"{'-':>{CELL}}"
    return text


def summary(rows: Sequence[Row], peers: Sequence[str]) -> list[str]:
    """How many cases each peer wins, and every row that misses what is asked for: every loss of
    ours is among them."""
    lines = []
    for peer in peers:
        both = [row for row in rows if peer in row.seconds and peer != OURS]
        if not both:
            continue
        marks = [verdict(row, peer) for row in both]
        lines.append(
            f"against {peer}: faster in {marks.count('')}, even in {marks.count('=')}, "
            f"slower in {marks.count('!')} of {len(both)} cases"
        )
    return [*lines, "", *missed(rows), *memory(rows)]


def memory(rows: Sequence[Row]) -> list[str]:
    """The steps' peak memory, where it was asked for, and how much more each peer's is."""
    lines = [""]
    for row in rows:
        if row.peaks:
            ours = row.peaks[OURS]
            theirs = [
                f"{peer} {peak / 1e6:.0f} MB ({ratio_text(peak / ours)})"
                for peer, peak in row.peaks.items()
                if peer != OURS
            ]
            ours_text = f"{OURS} {ours / 1e6:.0f} MB"
            lines.append(f"peak memory  {row.name:<{NAME}} {', '.join([ours_text, *theirs])}")
    return lines if len(lines) > 1 else []


def as_json(head: Sequence[str], rows: Sequence[Row]) -> str:
    """Everything: the head's lines and all samples."""
    return json.dumps({"head": list(head), "rows": [record(row) for row in rows]}, indent=1)


def record(row: Row) -> dict[str, Any]:
    """The row as JSON has it: everything that was measured."""
    return {
        "case": row.name,
        "suite": row.suite,
        "threads": row.threads,
        "flops": row.case.flops,
        "bytes": row.case.bytes,
        "seconds": row.seconds,
        "limits": row.limits,
        "share": row.share(),
        "ratio": {peer: row.ratio(peer) for peer in row.seconds if peer != OURS},
        "peaks": row.peaks,
    }
