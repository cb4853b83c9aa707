"""What every process of a peer finds around it: processors, numbers of threads, instruction sets.

Variables of the user's shell that would change one peer and not the other are removed; then all get
the same. `held("avx2")` is what keeps every library from the newer instructions of a processor.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PREFIXES = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "NPY_", "TORCH",
            "ATEN_", "DNNL_", "ONEDNN_", "XLA_", "JAX_", "VECLIB_")  # fmt: skip
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ISAS = ("avx2",)


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


def environment(threads: int, isa: str = "") -> dict[str, str]:
    """The shell's, without what would change one peer only, with the number of threads."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(PREFIXES)}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    threaded = dict.fromkeys(THREAD_VARIABLES, str(threads))
    return kept | threaded | {"PYTHONPATH": path} | (held(isa) if isa else {})


def held(isa: str) -> dict[str, str]:
    """Each library's own variable for "no instructions beyond these"."""
    assert isa in ISAS
    return {
        "PYDP_ISA": "avx2",
        "NPY_DISABLE_CPU_FEATURES": " ".join(beyond_avx2()),
        "OPENBLAS_CORETYPE": "Haswell",  # NumPy's BLAS
        "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch, and the code torch.compile makes …
        "TORCHINDUCTOR_CPP_MARCH": "haswell",  # … with its C++ compiler's own ideas
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }


def beyond_avx2() -> list[str]:
    """Of the features that NumPy was built to choose from: its names change with its versions, and
    it warns of one that it does not have."""
    from numpy._core._multiarray_umath import __cpu_dispatch__

    return [name for name in __cpu_dispatch__ if "512" in name or name == "X86_V4"]
