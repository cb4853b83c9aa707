"""One peer in a process of its own: prepares a case when told to, and times it when told to.

    python -m bench.worker FILE_DESCRIPTOR PEER PROCESSORS ISA

Messages come and answers go through one connection (harness.py has the other end):

    ("hello",)              -> its version; an error if it uses another number of threads
    ("prepare", suite, name) -> the arrays of the result, to be compared with the other peers'
    ("time", loops)         -> seconds per step
    ("memory", loops)       -> bytes held at most in some steps
An exception is answered with ("error", text), everything else with ("done", answer).
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import traceback
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.case import OURS, PEERS, Case, Step, find_case, values

LIMITS = "limits"  # not a peer: the machine itself, measured in turns like one


class Peer:
    """A peer's side of a case."""

    def __init__(self, name: str, threads: int, isa: str) -> None:
        self.name = name
        self.threads = threads
        self.isa = isa
        self.package = import_module(PEERS[name])
        self.step: Step | None = None

    def hello(self) -> str:
        """The package's version; RuntimeError where its number of threads is not ours."""
        package = self.package
        used = package.get_num_threads() if hasattr(package, "get_num_threads") else self.threads
        if self.name == "jax":
            used = pool_of_xla()
        if used != self.threads:
            raise RuntimeError(f"{self.name} uses {used} threads, not {self.threads}")
        return f"{package.__version__} {self.instructions()}".strip()

    def instructions(self) -> str:
        """The instruction set, where the package tells; RuntimeError if it is not the asked one."""
        used = ""
        if self.name == OURS:
            used = self.package.isa()
        elif self.package.__name__ == "torch":
            used = self.package.backends.cpu.get_cpu_capability().lower()
        if self.isa and used not in ("", self.isa):
            raise RuntimeError(f"{self.name} uses {used}, not {self.isa}")
        return used

    def prepare(self, suite: str, name: str) -> list[Any]:
        """The result after the case's number of calls, as arrays."""
        self.step = None  # the memory of the case before
        case = find_case(suite, name)
        if case.compared is None:
            self.step = case.step(self.name)
            return result(case, self.step)
        found = result(case, case.compared.step(self.name))
        self.step = case.step(self.name)
        return found

    def memory(self, loops: int) -> float:
        """Bytes that the process holds at most while some steps run."""
        step = self.step
        assert step is not None
        step()
        gc.collect()
        if (forget := Path("/proc/self/clear_refs")).exists():
            forget.write_text("5")  # VmHWM begins anew
        for _ in range(loops):
            step()
        return most_resident()

    def time(self, loops: int) -> float:
        """Seconds per step: one unmeasured after the pause (a tenth of many), then `loops`."""
        step = self.step
        assert step is not None
        for _ in range(max(1, loops // 10)):
            last = step()
        if hasattr(last, "block_until_ready"):  # JAX may answer before it has computed
            last.block_until_ready()
        begin = perf_counter()
        for _ in range(loops):
            last = step()
        if hasattr(last, "block_until_ready"):
            last.block_until_ready()
        return (perf_counter() - begin) / loops


def most_resident() -> float:
    """Bytes at most since `clear_refs`, from Linux's account; else 0."""
    status = Path("/proc/self/status")
    for text in status.read_text().splitlines() if status.exists() else ():
        if text.startswith("VmHWM"):
            return 1024.0 * int(text.split()[1])
    return 0.0


def pool_of_xla() -> int:
    """How many threads XLA computes with: it makes one for each processor it may use."""
    import jax

    jax.jit(lambda x: x + 1)(1.0).block_until_ready()
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return names.count("tf_XLAEigen")


def result(case: Case, step: Step) -> list[Any]:
    """Of the last of the case's number of calls, as arrays."""
    for _ in range(case.calls - 1):
        step()
    return list(values(step()))


def die_with_parent() -> None:
    """A stopped process whose parent was killed would stay for ever; Linux can be asked not to."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def make(name: str, threads: int, isa: str) -> Any:
    """What answers the messages."""
    if name == LIMITS:
        from bench.limits import Limits

        return Limits(threads, isa)
    return Peer(name, threads, isa)


def main(descriptor: str, name: str, processors: str, isa: str) -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness ends us
    cpus = [int(cpu) for cpu in processors.split(",")]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    peer = make(name, len(cpus), isa)
    connection: Any = Connection(int(descriptor))
    while True:
        try:
            what, *arguments = connection.recv()
        except EOFError:
            return
        try:
            answer = ("done", getattr(peer, what)(*arguments))
        except Exception:
            answer = ("error", traceback.format_exc())
        connection.send(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
