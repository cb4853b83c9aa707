"""The build: C kernels once per (ISA, type), the core once, one extension module.

    csrc/kernels/*.c, csrc/gemm/*.c   for each ISA of the architecture, for float and double
    csrc/core/*.c                     once
    csrc/bind/_kernels.pyx            Cython, includes one .pxi per op
                                      -> pydp._kernels

OpenMP is found by compiling a trial program; without it, or with PYDP_OPENMP=0, the kernels
are built serial and one line says so. PYDP_CFLAGS adds compiler flags (sanitizers, -Werror).
An object is compiled again only when its source, a header or a flag is newer.
"""

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

if sys.platform == "win32":
    sys.exit("pydp does not build on Windows yet: use it under WSL (Linux).")

ROOT = Path(__file__).resolve().parent
CSRC = Path("csrc")

# No -march=native, no -ffast-math: a wheel runs everywhere and a NaN stays a NaN.
FLAGS = [
    "-O2", "-g0", "-std=gnu11", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off",
    "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra",
]  # fmt: skip

AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
AVX512 += ["-mprefer-vector-width=512"]
ISAS = {
    "x86_64": {"avx512": AVX512, "avx2": AVX2, "baseline": []},
    "aarch64": {"neon": []},
}
TYPES = ["float", "double"]


def architecture() -> str:
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def openmp_flag(compiler: list[str]) -> str | None:
    """The flag that compiles and links an OpenMP program, or None."""
    if os.environ.get("PYDP_OPENMP") == "0":
        return None
    program = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "trial.c")
        source.write_text(program)
        command = [*compiler, "-fopenmp", str(source), "-o", str(Path(folder, "trial"))]
        found = subprocess.run(command, capture_output=True).returncode == 0
    return "-fopenmp" if found else None


class BuildKernels(build_ext):
    """Compiles the objects itself (setuptools knows one set of flags per module), then links."""

    def build_extension(self, ext: Extension) -> None:
        from Cython.Build import cythonize

        self.compiler_command = [*self.compiler.compiler_so[:1]]
        openmp = openmp_flag(self.compiler_command)
        if openmp is None:
            print("pydp: OpenMP not used: kernels are built serial", file=sys.stderr)
        folder = Path(self.build_temp, "serial" if openmp is None else "openmp")
        (source,) = cythonize(
            [Extension(ext.name, ext.sources)],
            include_path=[str(CSRC / "bind")],
            build_dir=str(folder),
            compiler_directives={"language_level": 3, "freethreading_compatible": False},
            quiet=True,
        )
        jobs = [*self.kernel_jobs(folder), *self.core_jobs(folder, openmp)]
        jobs.append(self.door_job(Path(source.sources[0]), folder, ext))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(self.compile_one, jobs))

        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        extra = os.environ.get("PYDP_CFLAGS", "").split()
        self.compiler.link_shared_object(
            objects,
            str(target),
            extra_postargs=[*([openmp] if openmp else []), *extra, "-lm"],
            build_temp=self.build_temp,
        )

    def kernel_jobs(self, folder: Path):
        """(source, object, flags) of every kernel file, ISA and type."""
        sources = sorted([*CSRC.glob("kernels/*.c"), *CSRC.glob("gemm/*.c")])
        for isa, isa_flags in self.isas().items():
            for real in TYPES:
                flags = [*FLAGS, *isa_flags, f"-DPD_ISA={isa}", f"-DPD_REAL={real}"]
                for source in sources:
                    yield source, folder / isa / real / f"{source.stem}.o", flags

    def core_jobs(self, folder: Path, openmp: str | None):
        have = [f"-DPD_HAVE_{isa.upper()}" for isa in self.isas()]
        for source in sorted(CSRC.glob("core/*.c")):
            flags = [*FLAGS, *have]
            if openmp and source.stem == "par":
                flags.append(openmp)
            yield source, folder / "core" / f"{source.stem}.o", flags

    def door_job(self, source: Path, folder: Path, ext: Extension):
        import numpy

        flags = [flag for flag in FLAGS if flag not in ("-Wall", "-Wextra")]
        flags += [f"-I{path}" for path in [*self.include_dirs, numpy.get_include()]]
        flags += ["-DNPY_NO_DEPRECATED_API=NPY_2_0_API_VERSION", "-Wno-unused-function"]
        return source, folder / "_kernels.o", flags

    @staticmethod
    def isas() -> dict[str, list[str]]:
        return ISAS.get(architecture(), {"baseline": []})

    def compile_one(self, job) -> str:
        source, target, flags = job
        include = [f"-I{CSRC / part}" for part in ("core", "gemm", "kernels")]
        extra = os.environ.get("PYDP_CFLAGS", "").split()
        command = [*self.compiler_command, *flags, *extra, *include]
        command += ["-c", str(source), "-o", str(target)]
        stamp = target.with_suffix(".stamp")
        recipe = hashlib.sha256("\0".join(command).encode()).hexdigest()
        headers = [*CSRC.glob("**/*.h"), *CSRC.glob("**/*.inc"), source]
        newest = max(path.stat().st_mtime for path in headers)
        if (
            target.exists()
            and stamp.exists()
            and stamp.read_text() == recipe
            and target.stat().st_mtime > newest
        ):
            return str(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        if done.stderr:
            print(done.stderr, file=sys.stderr)
        stamp.write_text(recipe)
        return str(target)


def version() -> str:
    """The one version number, kept in pydp/_version.py."""
    scope: dict[str, str] = {}
    exec((ROOT / "pydp" / "_version.py").read_text(), scope)
    return scope["__version__"]


os.chdir(ROOT)
setup(
    version=version(),
    packages=find_packages(include=["pydp", "pydp.*"]),
    package_data={"pydp": ["py.typed", "*.pyi", "data/digits/*"]},
    ext_modules=[Extension("pydp._kernels", [str(CSRC / "bind" / "_kernels.pyx")])],
    cmdclass={"build_ext": BuildKernels},
    zip_safe=False,
)
