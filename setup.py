"""The build: C kernels once per (ISA, type), the core once, one extension module.

    csrc/kernels/*.c, csrc/gemm/*.c   for each ISA of the architecture, for float and double
    csrc/core/*.c                     once
    csrc/bind/_kernels.pyx            Cython, includes one .pxi per op
                                      -> pydp._kernels
    pydp/_node.py _record.py _walk.py the graph: Cython, as they stand, with the C types of the .pxd
                                      beside; with PYDP_COMPILED=0 it stays Python

OpenMP is found by compiling a trial program; without it, or with PYDP_OPENMP=0, the kernels
are built serial and one line says so. CC, CFLAGS and LDFLAGS are honoured; CFLAGS come before our
own flags, so that nothing on which a result's bits depend is taken away, and PYDP_CFLAGS come last
(sanitizers, -Werror). An object is compiled again only when its command line has changed, or the
text of a file that the compiler read for it.

The C driver of the tests (tests/ktest/build.py) imports this file for its tables of flags.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from setuptools import Extension, find_packages, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CSRC = Path("csrc")

# No -march=native, no -ffast-math: a wheel runs everywhere and a NaN stays a NaN.
FLAGS = [
    "-O2", "-g0", "-std=gnu11", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off",
    "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra",
]  # fmt: skip
INCLUDE = [f"-I{CSRC / part}" for part in ("core", "gemm", "kernels")]
# Not build_temp: pip makes that anew for each editable install, and all would be compiled again.
OBJECTS = Path("build", "objects")

# The graph's files: every operation goes through them, and little else does.
COMPILED = [] if os.environ.get("PYDP_COMPILED") == "0" else ["_node", "_record", "_walk"]

AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
AVX512 += ["-mprefer-vector-width=512"]
ISAS = {
    "x86_64": {"avx512": AVX512, "avx2": AVX2, "baseline": []},
    "aarch64": {"neon": []},
}
TYPES = ["float", "double"]


class Job(NamedTuple):
    """One call of the compiler."""

    source: Path
    target: Path
    flags: list[str]


def architecture() -> str:
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def words(variable: str) -> list[str]:
    """An environment variable as command line words."""
    return shlex.split(os.environ.get(variable, ""))


def openmp_flag(compiler: list[str]) -> str | None:
    """The flag that compiles and links an OpenMP program, or None."""
    if os.environ.get("PYDP_OPENMP") == "0":
        return None
    program = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "trial.c")
        source.write_text(program)
        command = [*compiler, *words("CFLAGS"), "-fopenmp", str(source), *words("LDFLAGS")]
        command += ["-o", str(Path(folder, "trial"))]
        found = subprocess.run(command, capture_output=True).returncode == 0
    return "-fopenmp" if found else None


def kernel_jobs(folder: Path, isas: dict[str, list[str]]) -> Iterator[Job]:
    """Every kernel file, for each ISA and type."""
    sources = sorted([*CSRC.glob("kernels/*.c"), *CSRC.glob("gemm/*.c")])
    for isa, isa_flags in isas.items():
        for real in TYPES:
            flags = [*FLAGS, *INCLUDE, *isa_flags, f"-DPD_ISA={isa}", f"-DPD_REAL={real}"]
            for source in sources:
                yield Job(source, folder / isa / real / f"{source.stem}.o", flags)


def core_jobs(folder: Path, isas: dict[str, list[str]], openmp: str | None) -> Iterator[Job]:
    """Every core file, once; one of them knows OpenMP, one which ISAs there are."""
    have = [f"-DPD_HAVE_{isa.upper()}" for isa in isas]
    for source in sorted(CSRC.glob("core/*.c")):
        own = {"par": [openmp] if openmp else [], "table": have}.get(source.stem, [])
        yield Job(source, folder / "core" / f"{source.stem}.o", [*FLAGS, *INCLUDE, *own])


def included(target: Path) -> list[Path]:
    """What the compiler read for this object, by the rule for make that it left beside it."""
    rule = target.with_suffix(".d")
    return [Path(word) for word in rule.read_text().split()[1:] if word != "\\"]


def recipe(command: list[str], target: Path) -> str:
    """The digest of an object's command line and of every file that went into it."""
    digest = hashlib.sha256("\0".join(command).encode())
    for path in included(target):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stands(command: list[str], target: Path) -> bool:
    """Whether the object is what this command would make of the files as they are."""
    try:
        return target.exists() and target.with_suffix(".stamp").read_text() == recipe(
            command, target
        )
    except OSError:  # never compiled, or a header is gone
        return False


def compile_one(compiler: list[str], job: Job) -> str:
    """Compile a job unless its object stands already; the object's path."""
    source, target, flags = job
    command = [*compiler, *words("CFLAGS"), *flags, *words("PYDP_CFLAGS")]
    command += ["-MMD", "-MF", str(target.with_suffix(".d"))]
    command += ["-c", str(source), "-o", str(target)]
    if stands(command, target):
        return str(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".stamp").unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}\n{done.stderr}")
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    target.with_suffix(".stamp").write_text(recipe(command, target))
    return str(target)


def compile_all(compiler: list[str], jobs: list[Job]) -> list[str]:
    """The objects of all jobs, compiled side by side."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: compile_one(compiler, job), jobs))


class BuildKernels(build_ext):
    """Compiles the objects itself (setuptools knows one set of flags per module), then links."""

    def run(self) -> None:
        if self.inplace and not COMPILED:  # Python prefers them to the .py beside
            for path in Path("pydp").glob("_*.so"):
                if not path.name.startswith("_kernels."):
                    path.unlink()
        super().run()

    def build_extension(self, ext: Extension) -> None:
        compiler = words("CC") or self.compiler.compiler_so[:1]
        if ext.name == "pydp._kernels":
            self.build_kernels(ext, compiler)
            return
        folder = OBJECTS / "graph"
        job = self.translated_job(self.translated(ext, folder), folder)
        self.link(ext, compile_all(compiler, [job]), [])

    def build_kernels(self, ext: Extension, compiler: list[str]) -> None:
        openmp = openmp_flag(compiler)
        if openmp is None:
            print("pydp: OpenMP not used: kernels are built serial", file=sys.stderr)
        own = OBJECTS / ("serial" if openmp is None else "openmp")
        isas = ISAS.get(architecture(), {"baseline": []})
        jobs = [*kernel_jobs(OBJECTS, isas), *core_jobs(own, isas, openmp)]
        jobs.append(self.translated_job(self.translated(ext, OBJECTS), OBJECTS))
        objects = compile_all(compiler, jobs)
        self.link(ext, objects, [*([openmp] if openmp else []), "-lm"])

    def translated(self, ext: Extension, folder: Path) -> Path:
        """The C file that Cython makes of a module."""
        from Cython.Build import cythonize

        (made,) = cythonize(
            [Extension(ext.name, ext.sources)],
            include_path=[str(CSRC / "bind")],
            build_dir=str(folder),
            compiler_directives={
                "language_level": 3,
                "freethreading_compatible": False,
                "auto_pickle": False,
            },
            quiet=True,
        )
        return Path(made.sources[0])

    def link(self, ext: Extension, objects: list[str], flags: list[str]) -> None:
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        self.compiler.link_shared_object(
            objects,
            str(target),
            extra_postargs=[*flags, *words("PYDP_CFLAGS")],
            build_temp=self.build_temp,
        )

    def translated_job(self, source: Path, folder: Path) -> Job:
        """A C file that Cython wrote; its warnings are not ours to mend."""
        import numpy

        flags = [flag for flag in FLAGS if flag not in ("-Wall", "-Wextra")]
        flags += [*INCLUDE, *[f"-I{path}" for path in [*self.include_dirs, numpy.get_include()]]]
        flags += ["-DNPY_NO_DEPRECATED_API=NPY_2_0_API_VERSION", "-w"]
        return Job(source, folder / f"{source.stem}.o", flags)


class Build(build):
    """Begins with an empty build/lib: else a module that was removed would stay in the wheel."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


def version() -> str:
    """The one version number, kept in pydp/_version.py."""
    scope: dict[str, str] = {}
    exec((ROOT / "pydp" / "_version.py").read_text(), scope)
    return scope["__version__"]


if __name__ == "__main__":
    if sys.platform == "win32":
        sys.exit("pydp does not build on Windows yet: use it under WSL (Linux).")
    if sys.platform == "darwin":  # objects are built for one architecture, never "universal"
        os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")
    os.chdir(ROOT)
    setup(
        version=version(),
        packages=find_packages(include=["pydp", "pydp.*"]),
        package_data={
            "pydp": ["py.typed", "*.pyi", "*.md", "data/digits/*", "docs/*.md", "docs/*.css"]
        },
        include_package_data=False,  # MANIFEST.in is for the sdist; a wheel has no C in it
        ext_modules=[
            Extension("pydp._kernels", [str(CSRC / "bind" / "_kernels.pyx")]),
            *[Extension(f"pydp.{name}", [f"pydp/{name}.py"]) for name in COMPILED],
        ],
        cmdclass={"build": Build, "build_ext": BuildKernels},
        zip_safe=False,
    )
