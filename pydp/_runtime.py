"""Threads and instruction set: what the kernels run on, chosen at import and changed by hand.

    threads   physical cores that this process may use, at most the cgroup's quota of processor
              time; OMP_NUM_THREADS overrides; set_num_threads changes it later
    ISA       the best one that the build has and the processor runs; PYDP_ISA or select_isa
              force another

Results do not depend on the number of threads, bit for bit; between ISAs they agree within
tolerances. `python -m pydp doctor` prints the choices and the reasons kept here.

Invariant: this module is imported before any other that loads `_kernels`. OpenMP reads its
environment while `_kernels` is loaded, and never sees a silly value.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_THREADS = 256  # PD_MAX_THREADS of csrc/core/par.h; asserted below


# ---- OpenMP's environment ------------------------------------------------------------------------


def number_of_threads(text: str) -> int | None:
    """What OMP_NUM_THREADS asks for: its first entry, None where that is no number in 1 … 256."""
    first = text.split(",")[0].strip()
    if not (first.isascii() and first.isdigit()):
        return None
    return int(first) if len(first) < 10 and 1 <= int(first) <= MAX_THREADS else None


def is_enough_stack(text: str) -> bool:
    """Whether OMP_STACKSIZE (a number of kilobytes, or with a unit B K M G) is at least 1 MiB."""
    text = text.strip().upper()
    unit = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number, scale = (text[:-1].strip(), unit[text[-1]]) if text[-1:] in unit else (text, 1 << 10)
    return number.isascii() and number.isdigit() and int(number) * scale >= 1 << 20


@contextmanager
def sane_openmp_environment() -> Iterator[None]:
    """Hide from OpenMP what it would complain about or could not live with.

    A bad OMP_NUM_THREADS makes it print a complaint at load; a thread with a few kilobytes of
    stack crashes in its first kernel.
    """
    checks = {
        "OMP_NUM_THREADS": lambda text: number_of_threads(text) is not None,
        "OMP_STACKSIZE": is_enough_stack,
        "GOMP_STACKSIZE": is_enough_stack,
    }
    hidden = {}
    for name, is_sane in checks.items():
        value = os.environ.get(name)
        if value is not None and not is_sane(value):
            hidden[name] = os.environ.pop(name)
    try:
        yield
    finally:
        os.environ.update(hidden)


with sane_openmp_environment():
    try:
        from pydp import _kernels
    except ImportError as error:
        folder = os.path.dirname(os.path.abspath(__file__))
        raise ImportError(
            f"pydp: {folder} holds no compiled kernels for this Python; in a clone run "
            '"pip install -e .", or leave the folder to use an installed pydp'
        ) from error

assert _kernels.max_threads == MAX_THREADS


# ---- the default number of threads ---------------------------------------------------------------


def default_threads() -> tuple[int, str]:
    """The number of threads to begin with, and why, in one sentence."""
    cores, why = _cores()
    quota = _quota()
    if quota is not None and quota < cores:
        cores = max(1, int(quota + 0.5))
        why = f"the cgroup allows {quota:g} processors' time ({why})"
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if not asked.strip():
        return min(cores, MAX_THREADS), why
    threads = number_of_threads(asked)
    if threads is None:
        why = f"{why}; OMP_NUM_THREADS={asked!r} is no number in 1 … {MAX_THREADS}: ignored"
        return min(cores, MAX_THREADS), why
    return threads, f"OMP_NUM_THREADS={asked.strip()}"


def _cores(system: str = "/sys/devices/system/cpu") -> tuple[int, str]:
    """Physical cores among the processors that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1, f"{sys.platform} reports this number of processors"
    allowed = os.sched_getaffinity(0)
    cores = len(allowed)
    if _read(f"{system}/smt/active") != "0":
        cores = len({_siblings(system, cpu) for cpu in allowed})
    of = "" if cores == len(allowed) else f" with {len(allowed)} hardware threads"
    return cores, f"{cores} physical core{'s' * (cores != 1)}{of} in the affinity mask"


def _siblings(system: str, cpu: int) -> str:
    """The hardware threads of this processor's core, as the kernel writes them: "0,64"."""
    return _read(f"{system}/cpu{cpu}/topology/thread_siblings_list") or str(cpu)


def _quota(mount: str = "/sys/fs/cgroup", cgroups: str | None = None) -> float | None:
    """The tightest limit of processor time, in processors, of this cgroup and those above it.

    Version 2 writes "max 100000" or "quota period" into cpu.max; version 1 has two files, and -1
    for no limit. In a container the path of /proc/self/cgroup may not exist below the mount; the
    folders above it do, and the mount itself is the container's own group.
    """
    if cgroups is None:
        cgroups = _read("/proc/self/cgroup") or ""
    limits = []
    for line in cgroups.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            roots = [mount, f"{mount}/unified"]
        elif "cpu" in controllers.split(","):
            roots = [f"{mount}/cpu", f"{mount}/{controllers}"]
        else:
            continue
        path = path.rstrip("/")
        while True:
            limits += [_limit(root + path) for root in roots]
            if not path:
                break
            path = path.rpartition("/")[0]
    return min([limit for limit in limits if limit is not None], default=None)


def _limit(group: str) -> float | None:
    both = _read(f"{group}/cpu.max")
    if both is None:
        both = f"{_read(f'{group}/cpu.cfs_quota_us')} {_read(f'{group}/cpu.cfs_period_us')}"
    try:
        quota, period = map(float, both.split())
    except ValueError:  # "max 100000", or no such files
        return None
    return quota / period if quota > 0 and period > 0 else None


def _read(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return None


# ---- what users call -----------------------------------------------------------------------------

thread_reason = ""
isa_reason = ""


def set_num_threads(n: int) -> None:
    """Let kernels run on n threads, 1 … 256. Results keep their bits.

    Where the system does not grant that many, a warning says so and fewer are used.

    >>> import pydp
    >>> pydp.set_num_threads(2)
    >>> pydp.get_num_threads()
    2
    """
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"set_num_threads: n must be an int in 1 … {MAX_THREADS}, got {n!r}")
    n = n.__index__()
    if not 1 <= n <= MAX_THREADS:
        raise ValueError(f"set_num_threads: n must be in 1 … {MAX_THREADS}, got {n}")
    _set_threads(n, f"set_num_threads({n})")


def _set_threads(n: int, reason: str) -> None:
    global thread_reason
    granted = _kernels.set_threads(n)
    thread_reason = reason
    if granted < n and _kernels.openmp_runtime().startswith("none"):
        thread_reason = "the kernels were built without OpenMP"
    elif granted < n:
        thread_reason += f"; the system grants only {granted} of {n}"
        warnings.warn(
            f"pydp runs on {granted} instead of {n} threads: the system refuses to start more "
            "(ulimit -u, or the cgroup's pids.max)",
            RuntimeWarning,
            stacklevel=3,
        )


def get_num_threads() -> int:
    """The number of threads that kernels may use.

    >>> import pydp
    >>> 1 <= pydp.get_num_threads() <= 256
    True
    """
    return int(_kernels.get_threads())


def isa() -> str:
    """The instruction set that kernels use: avx512, avx2, baseline or neon.

    >>> import pydp
    >>> pydp.isa() in ("avx512", "avx2", "baseline", "neon")
    True
    """
    return str(_kernels.selected_isa())


def select_isa(name: str) -> None:
    """Use the kernels of another instruction set, from the next call on.

    >>> import pydp
    >>> pydp.select_isa(pydp.isa())
    """
    if not isinstance(name, str):
        raise TypeError(f"select_isa: name must be a str, {_usable()}, got {name!r}")
    _select_isa(name, f"select_isa({name!r})", "select_isa: name")


def _select_isa(name: Any, reason: str, argument: str) -> None:
    global isa_reason
    if name not in _kernels.built_isas():
        raise ValueError(f"{argument} must be {_usable()}, got {name!r}")
    if not _kernels.select_isa(name):
        raise ValueError(
            f"{argument} must be {_usable()}, got {name!r}, which this processor cannot run"
        )
    isa_reason = reason


def built_isas() -> list[str]:
    """The instruction sets of this build, best first."""
    return list(_kernels.built_isas())


def usable_isas() -> list[str]:
    """Those of them that this processor runs, best first."""
    return list(_kernels.usable_isas())


def openmp_runtime() -> str:
    """libgomp, libomp, or "none (serial build)"."""
    return str(_kernels.openmp_runtime())


def _usable() -> str:
    return f"one of {', '.join(usable_isas())}"


def _begin() -> None:
    """The choices at import."""
    asked = os.environ.get("PYDP_ISA", "").strip()
    if asked:
        _select_isa(asked, f"PYDP_ISA={asked}", "PYDP_ISA")
    else:
        best = _kernels.usable_isas()[0]
        _select_isa(best, "the best of the build that this processor runs", "PYDP_ISA")
    _set_threads(*default_threads())


_begin()
