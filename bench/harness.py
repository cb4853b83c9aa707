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
from math import sqrt
from multiprocessing.connection import Pipe
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import numpy as np

from bench.case import OURS, Case, cases
from bench.surroundings import ROOT, environment, processors
from bench.worker import LIMITS

# Whose memory is told: compiling leaves much behind that no step needs.
WEIGHED, TOY = (OURS, "torch", "torch+"), "toy_mlp"


class PeerError(Exception):
    """A peer raised, died, or gave another result than ours."""


@dataclass(frozen=True)
class Effort:
    """How long is measured: samples of `sample` seconds at least, in rounds until the median of
    every ratio is known to `error` of itself; at least `least` and at most `most` rounds, and no
    more after `budget` seconds."""

    sample: float = 0.02
    error: float = 0.015
    least: int = 5
    most: int = 25
    budget: float = 8.0


QUICK = Effort(sample=0.002, least=3, most=3, budget=1.0)


class Worker:
    """The harness's end of one process, which runs while it is asked and stands still else."""

    def __init__(self, peer: str, threads: int, isa: str = "") -> None:
        self.peer = peer
        self.version: Any = None  # what it says of itself
        self.connection, theirs = Pipe()
        cpus = ",".join(map(str, processors(threads)))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", str(theirs.fileno()), peer, cpus, isa],
            env=environment(threads, isa),
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
def team(peers: Sequence[str], threads: int, isa: str = "") -> Iterator[dict[str, Worker]]:
    """A worker for each of the peers and one for the machine's limits."""
    workers: dict[str, Worker] = {}
    try:
        for peer in (*peers, LIMITS):
            workers[peer] = Worker(peer, threads, isa)
        for worker in workers.values():  # all are importing by now
            worker.version = worker.ask("hello")
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


# ---- one row ---------------------------------------------------------------------------------


@dataclass
class Row:
    """A measured case: seconds of every sample, the limits of every round, and where it was asked
    for, the bytes of memory that a step holds at most."""

    suite: str
    case: Case
    threads: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    limits: list[tuple[float, float]] = field(default_factory=list)
    peaks: dict[str, float] = field(default_factory=dict)

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

    def error(self) -> float:
        """By how much of itself the median of some ratio may be wrong: the notch of a box plot,
        1.57 (upper - lower quartile) / sqrt(rounds), about 95 % sure (McGill, Tukey and Larsen,
        Variations of Box Plots, 1978)."""
        errors = [0.0]
        for peer in self.seconds:
            low, middle, high = self.ratio(peer)
            errors.append(1.57 * (high - low) / middle / sqrt(len(self.seconds[peer])))
        return max(errors)

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
    end = perf_counter() + effort.budget
    for rounds in range(1, effort.most + 1):
        for peer in turns:
            row.seconds[peer].append(workers[peer].ask("time", loops[peer]))
        if limits := workers[LIMITS].ask("time", 1):
            row.limits.append(limits)
        if rounds >= effort.least and (row.error() <= effort.error or perf_counter() >= end):
            break
    return row


def weigh(row: Row, peers: Sequence[str], isa: str = "") -> None:
    """Peak memory of steps, each in a process that has done nothing else. What the toy needs is
    taken off: there is hardly any data in it, but all of the library."""
    weighed = [] if row.suite == TOY else [peer for peer in peers if peer in row.seconds]
    for peer in [peer for peer in weighed if peer in WEIGHED]:
        worker = Worker(peer, row.threads, isa)
        try:
            worker.ask("prepare", TOY, cases(TOY)[0].name)
            least = worker.ask("memory", 3)
            worker.ask("prepare", row.suite, row.case.name)
            row.peaks[peer] = worker.ask("memory", 3) - least
        finally:
            worker.close()


def _loops(worker: Worker, sample: float) -> int:
    """How many steps last as long as a sample."""
    loops = 1
    while (spent := worker.ask("time", loops) * loops) < sample:
        loops = max(2 * loops, min(10 * loops, int(1.1 * loops * sample / spent)))
    return loops
