"""The machine's own limits, by limits.c: compiled here, for every good instruction set that runs.

The best of them is the limit, whichever one pydp uses. The bandwidth is measured on as many bytes
and as many arrays as the case has, so a case that stays in a cache is held against that cache.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from bench.case import find_case

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["-O2", "-std=gnu11", "-shared", "-fPIC", "-ffp-contract=off", f"-I{ROOT}/csrc/core"]
SECONDS = 0.005  # of one measurement: several are made, the best counts
REPEATS = 3
LARGE = 1 << 28  # bytes: more than a cache holds


def compiled(isa: str, real: str, folder: str) -> ctypes.CDLL | None:
    """limits.c for one instruction set and type; None without a compiler."""
    sys.path.insert(0, str(ROOT))
    recipe: Any = import_module("setup")  # the build's tables of flags

    flags = recipe.ISAS.get(recipe.architecture(), {"baseline": []})[isa]
    target = f"{folder}/{isa}-{real}.so"
    command = [*(recipe.words("CC") or ["cc"]), *FLAGS, *flags, f"-DPD_REAL={real}"]
    command += [f"-DPD_ISA={isa}", str(Path(__file__).with_name("limits.c")), "-o", target]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    library = ctypes.CDLL(target)
    library.run_fma.argtypes = [ctypes.c_int64, ctypes.c_double]
    library.run_fma.restype = ctypes.c_double
    library.flops_per_turn.restype = ctypes.c_int64
    library.run_streams.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 4
    return library


class Limits:
    """Answers the harness as a peer does; "time" gives (FLOP/s, bytes/s) instead of seconds."""

    def __init__(self, threads: int, isa: str = "") -> None:
        from pydp import _runtime

        self.threads = threads
        self.pool = ThreadPoolExecutor(threads)  # foreign calls do not hold the interpreter's lock
        isas = [isa] if isa else _runtime.usable_isas()[:2]  # the third is never faster
        self.libraries: dict[str, list[ctypes.CDLL]] = {}
        with TemporaryDirectory() as folder:
            for real in ("float", "double"):
                found = [compiled(isa, real, folder) for isa in isas]
                self.libraries[real] = [library for library in found if library is not None]
        self.calls: dict[Any, int] = {}
        self.memory: Any = np.zeros((2, 0), np.float32)
        self.reads = 1

    def hello(self) -> dict[str, float]:
        """The limits as the table's head has them; empty without a compiler."""
        if not self.libraries["float"]:
            return {}
        self._hold(LARGE, 1)
        for real, found in self.libraries.items():  # from here on the best alone
            found.sort(key=lambda library: self._per_second(real, library), reverse=True)
        return {"float": self._flops("float"), "double": self._flops("double")} | {
            "bytes": self._bytes()
        }

    def prepare(self, suite: str, name: str) -> list[Any]:
        case = find_case(suite, name)
        self._hold(case.bytes, case.reads)
        return []

    def time(self, loops: int) -> tuple[float, float] | None:
        if not self.libraries["float"]:
            return None
        return self._flops("float"), self._bytes()

    def _hold(self, size: float, reads: int) -> None:
        """Memory for `reads` arrays and a result that have `size` bytes together."""
        self.reads = reads
        n = int(size) // 4 // (reads + 1) // self.threads // 64 * 64 * self.threads
        self.memory = np.ones((reads + 1, max(n, 1024 * self.threads)), np.float32)
        self.calls = {key: n for key, n in self.calls.items() if key != "streams"}

    def _flops(self, real: str) -> float:
        return self._per_second(real, self.libraries[real][0])

    def _per_second(self, real: str, library: Any) -> float:
        flops = library.flops_per_turn() * self.threads
        one = lambda thread, turns: library.run_fma(turns, 0.5)  # noqa: E731
        return self._rate((real, library._name), one) * float(flops)

    def _bytes(self) -> float:
        part: int = self.memory.shape[1] // self.threads  # of each array, for one thread
        library = self.libraries["float"][0]
        y, x = self.memory.ctypes.data, self.memory[1:].ctypes.data

        def one(thread: int, times: int) -> None:
            offset = 4 * part * thread
            apart = self.memory.shape[1]
            library.run_streams(y + offset, x + offset, apart, self.reads, part, times)

        return self._rate("streams", one) * (4 * part * self.threads * (self.reads + 1))

    def _rate(self, key: Any, one: Callable[[int, int], Any]) -> float:
        """How many times a second all threads at once do one(thread, 1); the best of some runs."""

        def seconds(times: int) -> float:
            begin = perf_counter()
            list(self.pool.map(one, range(self.threads), [times] * self.threads))
            return perf_counter() - begin

        times = self.calls.get(key, 1)
        while key not in self.calls:  # the first time: how many make a measurement
            if min(seconds(times) for _ in range(REPEATS)) < SECONDS:
                times *= 2
            else:
                self.calls[key] = times
        return float(times / min(seconds(times) for _ in range(REPEATS)))
