"""Peers in processes of their own, measured in turns; results compared before they are timed.

    round 1   pydp   numpy   torch   limits        one sample each: some loops of the step
    round 2   pydp   numpy   torch   limits
    …

Only one process runs at any time. The others are stopped (SIGSTOP), because the threads of an idle
OpenMP team or BLAS spin and take the processors from the one that is timed. Every process may use
the same processors, as many as there are threads. What counts is the ratio of two neighbouring
samples, and its quartiles over the rounds: a machine that slows down slows down both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Pipe
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np

from bench.case import OURS, Case
from bench.worker import LIMITS

ROOT = Path(__file__).resolve().parents[1]
# What must not come from the user's shell into one peer and not into the other.
PREFIXES = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "NPY_", "TORCH",
            "ATEN_", "DNNL_", "ONEDNN_", "XLA_", "JAX_", "VECLIB_")  # fmt: skip
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class PeerError(Exception):
    """A peer raised, died, or gave another result than ours."""


@dataclass(frozen=True)
class Effort:
    """How long is measured: samples of `sample` seconds at least, in `rounds` rounds, fewer (but
    `least`) where that would take more than `budget` seconds."""

    sample: float = 0.02
    rounds: int = 21
    least: int = 5
    budget: float = 15.0


QUICK = Effort(sample=0.002, rounds=3, least=3, budget=1.0)


def processors(threads: int) -> list[int]:
    """As many processors as threads, of different cores where there are enough."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(threads))
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        raise SystemExit(f"{threads} threads need as many processors; there are {len(allowed)}")

    def siblings(cpu: int) -> str:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        return path.read_text() if path.exists() else str(cpu)

    first = {siblings(cpu): cpu for cpu in reversed(allowed)}.values()  # of each core
    others = [cpu for cpu in allowed if cpu not in first]
    # from the end: the first processor is the one that most interrupts go to
    return sorted([*others, *sorted(first)][-threads:])


def environment(threads: int) -> dict[str, str]:
    """The shell's, without what would change one peer only, with the number of threads."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(PREFIXES)}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return kept | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"PYTHONPATH": path}


class Worker:
    """The harness's end of one process, which runs while it is asked and stands still else."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer = peer
        self.version: Any = None  # what it says of itself
        self.connection, theirs = Pipe()
        cpus = ",".join(map(str, processors(threads)))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", str(theirs.fileno()), peer, cpus],
            env=environment(threads),
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def ask(self, *message: Any) -> Any:
        """Wake the process, let it answer, and stop it again."""
        pid = self.process.pid
        os.kill(pid, signal.SIGCONT)
        try:
            self.connection.send(message)
            state, answer = self.connection.recv()
        except (EOFError, OSError) as broken:
            raise SystemExit(f"{self.peer}: its process died of {message}") from broken
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)  # until it does stand still
        if state == "error":
            raise PeerError(f"{self.peer}: {answer}")
        return answer

    def close(self) -> None:
        self.process.kill()  # also ends a process that stands still
        self.process.wait()
        self.connection.close()


@contextmanager
def team(peers: Sequence[str], threads: int) -> Iterator[dict[str, Worker]]:
    """A worker for each of the peers and one for the machine's limits."""
    workers: dict[str, Worker] = {}
    try:
        for peer in (*peers, LIMITS):
            workers[peer] = Worker(peer, threads)
            workers[peer].version = workers[peer].ask("hello")
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


# ---- one row ---------------------------------------------------------------------------------


@dataclass
class Row:
    """A measured case: seconds of every sample, and the limits of every round."""

    suite: str
    case: Case
    threads: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    limits: list[tuple[float, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.suite} {self.case.name}"

    def ours(self) -> float:
        """Seconds of one step of ours."""
        return median(self.seconds[OURS])

    def ratio(self, peer: str) -> tuple[float, float, float]:
        """The peer's time by ours: lower quartile, median, upper quartile over the rounds."""
        pairs = zip(self.seconds[peer], self.seconds[OURS], strict=True)
        low, middle, high = quantiles([theirs / ours for theirs, ours in pairs], method="inclusive")
        return low, middle, high

    def share(self) -> tuple[float, str] | None:
        """How much of the limit we reach, and which limit it is: "F" arithmetic, "B" bandwidth."""
        shares = []
        for seconds, (flops, bandwidth) in zip(self.seconds[OURS], self.limits, strict=False):
            parts = (self.case.flops / flops, "F"), (self.case.bytes / bandwidth, "B")
            least, which = max(parts)
            shares.append((least / seconds, which))
        middle = sorted(shares)[len(shares) // 2] if shares else (0.0, "")
        return middle if middle[0] > 0 else None


def agree(case: Case, results: dict[str, list[np.ndarray]]) -> None:
    """PeerError where a peer's result is another than ours."""
    ours = results[OURS]
    for peer, theirs in results.items():
        if [a.shape for a in ours] != [b.shape for b in theirs]:
            raise PeerError(f"{peer} gives shapes {[b.shape for b in theirs]}, ours differ")
        for got, want in zip(ours, theirs, strict=True):
            scale = max(1.0, float(np.abs(want).max(initial=0)))
            error = float(np.abs(got - want).max(initial=0)) / scale
            if not error <= case.bound:  # a NaN is no agreement
                raise PeerError(f"{peer} differs from ours by {error:.1e} of the largest value")


def measure(
    workers: dict[str, Worker], suite: str, case: Case, threads: int, effort: Effort
) -> Row:
    """Compare the results, then time the peers in turns."""
    row = Row(suite, case, threads)
    turns = [peer for peer in workers if peer in case.peers]
    agree(case, {peer: workers[peer].ask("prepare", suite, case.name) for peer in turns})
    loops = {peer: _loops(workers[peer], effort.sample) for peer in turns}
    workers[LIMITS].ask("prepare", suite, case.name)
    workers[LIMITS].ask("time", 1)
    row.seconds = {peer: [] for peer in turns}
    spent, rounds = 0.0, 0
    while rounds < effort.least or (rounds < effort.rounds and spent < effort.budget):
        for peer in turns:
            row.seconds[peer].append(workers[peer].ask("time", loops[peer]))
            spent += row.seconds[peer][-1] * loops[peer]
        if limits := workers[LIMITS].ask("time", 1):
            row.limits.append(limits)
        rounds += 1
    return row


def _loops(worker: Worker, sample: float) -> int:
    """How many steps last as long as a sample."""
    loops = 1
    while (spent := worker.ask("time", loops) * loops) < sample:
        loops = max(2 * loops, min(10 * loops, int(1.1 * loops * sample / spent)))
    return loops
