"""What pydp runs on and why: the report of `python -m pydp doctor`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import pydp
from pydp import _runtime

DISTRIBUTION = "pydp-tensor"


def report() -> tuple[list[tuple[str, str]], list[str]]:
    """Lines (what, how it is), and warnings."""
    folder = Path(pydp.__file__).parent
    threads = pydp.get_num_threads()
    lines = [
        ("pydp", f"{pydp.__version__} in {folder}"),
        ("Python", f"{platform.python_version()} ({sys.executable})"),
        ("NumPy", np.__version__),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("processor", _processor()),
        ("memory", _memory()),
        ("ISA", f"{pydp.isa()}: {_runtime.isa_reason}"),
        ("", f"in the build: {', '.join(_runtime.built_isas())}"),
        ("", f"runs here: {', '.join(_runtime.usable_isas())}"),
        ("threads", f"{threads}: {_runtime.thread_reason}"),
        ("OpenMP", _runtime.openmp_runtime()),
    ]
    owners = _owners()
    lines.append(("installed by", ", ".join(owners) or "no distribution (a source tree)"))
    return lines, list(_warnings(folder, owners))


def _owners() -> list[str]:
    """The distributions that installed an import named pydp."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    owners = []
    for name in dict.fromkeys(packages_distributions().get("pydp", [])):
        try:
            owners.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # half removed
            owners.append(name)
    return owners


def _warnings(folder: Path, owners: list[str]) -> Iterator[str]:
    from importlib.metadata import PackageNotFoundError, version

    for owner in owners:
        if not owner.startswith(f"{DISTRIBUTION} "):
            yield (
                f"the distribution {owner} also installs an import named pydp and is another "
                f"project: uninstall it, then install {DISTRIBUTION} again"
            )
    try:
        other = f"pydp {version('pydp')}"
        if other not in owners:
            yield f"the distribution {other} is another project; this one is {DISTRIBUTION}"
    except PackageNotFoundError:
        pass
    for entry in dict.fromkeys(Path(entry or ".").resolve() for entry in sys.path):
        for found in (entry / "pydp" / "__init__.py", entry / "pydp.py"):
            if found.is_file() and found.parent != folder.resolve():
                yield f"{found} is another pydp on sys.path; this one is in {folder}"
    if _runtime.openmp_runtime().startswith("none"):
        yield "the kernels were built without OpenMP, so they run on one thread"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _memory() -> str:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return f"{os.sysconf('SC_PHYS_PAGES') * page / 2**30:.1f} GiB"
    except (ValueError, OSError):
        return "unknown"
