"""Build and run ktest, the kernels' examination from C, with the build's own tables of flags.

    python tests/ktest/build.py [native serial clang sanitize valgrind neon] [-- words of ktest]

native      every ISA of this machine, OpenMP; then the positive controls: what a broken kernel
            would do is done on purpose, and must be caught
serial      without OpenMP
clang       native, by clang
sanitize    AddressSanitizer and UndefinedBehaviorSanitizer on heap blocks; with controls
valgrind    reads of unwritten memory, on the ISAs that valgrind knows; with a control
neon        AArch64, cross-compiled, under qemu

Words after -- go to ktest (`-- --family pool`). With --build-only nothing is run. All but the
kernels of sanitize are compiled with every warning that the source is free of, as errors.

Variants of one compiler share what they compile alike: native, serial and valgrind their kernels,
and sanitize, too, the tests. These watch and need not be watched, but by valgrind, which sees all.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import setup as recipe  # noqa: E402 (the build's tables of flags)

HERE, BUILD = Path("tests/ktest"), Path("build/ktest")
STRICT = (  # -g1: valgrind and AddressSanitizer name lines
    "-g1 -Werror -Wconversion -Wshadow -Wdouble-promotion -Wundef -Wvla -Wpointer-arith"
    " -Wwrite-strings -Wstrict-prototypes"
)
WATCHED = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g"
VALGRIND = "valgrind --quiet --error-exitcode=9 --leak-check=full"
VALGRIND += " --show-leak-kinds=definite --errors-for-leak-kinds=definite"


class Variant(NamedTuple):
    compiler: str = "gcc"
    machine: str = ""  # this one, or the one that is compiled for
    openmp: bool = True
    strict: str = STRICT  # for the compiler, after all others
    watched: str = ""  # in its place for kernels and core, and for the linker
    runs: tuple[str, ...] = ("",)  # the words of each run of ktest
    runner: str = ""  # what runs the program
    controls: tuple[str, ...] = ()  # --crash KIND: each must be caught


VARIANTS = {
    "native": Variant(controls=("write", "read", "value", "input", "unwritten")),
    "serial": Variant(openmp=False),
    # clang takes the macros INFINITY and NAN for floats that are promoted
    "clang": Variant(compiler="clang", strict=f"{STRICT} -Wno-double-promotion"),
    "sanitize": Variant(watched=WATCHED, runs=("--heap",), controls=("write", "read", "undefined")),
    "valgrind": Variant(
        runs=("--heap --small --isa avx2", "--heap --small --isa baseline"),
        runner=VALGRIND,
        controls=("unwritten", "write"),
    ),
    "neon": Variant(
        compiler="aarch64-linux-gnu-gcc",
        machine="aarch64",
        runs=("--small",),
        runner="qemu-aarch64 -L /usr/aarch64-linux-gnu",
    ),
}


def compiled(variant: Variant, flags: str, jobs: Iterable[recipe.Job]) -> list[str]:
    """The objects of these jobs, with flags after all others."""
    os.environ["PYDP_CFLAGS"] = flags
    return recipe.compile_all([variant.compiler], list(jobs))


def build(name: str, variant: Variant) -> Path:
    """Compile the kernels as setup.py does, ktest beside them, and link."""
    openmp = recipe.openmp_flag([variant.compiler]) if variant.openmp else None
    if variant.openmp and not openmp:
        sys.exit(f"ktest: {variant.compiler} has no OpenMP")
    isas = recipe.ISAS.get(variant.machine or recipe.architecture(), {"baseline": []})
    own, shared = BUILD / name, BUILD / variant.compiler
    flags = [*recipe.FLAGS, *recipe.INCLUDE, f"-I{HERE}"]
    kernels = recipe.kernel_jobs(own if variant.watched else shared, isas)
    core = recipe.core_jobs(own, isas, openmp)
    # what the harness does on purpose must be caught as well
    harness = recipe.Job(HERE / "ktest.c", own / "ktest.o", [*flags, "-DPD_REAL=float"])
    tests = [  # no PD_ISA: a test calls kernels through the table only
        recipe.Job(source, shared / f"{source.stem}_{real}.o", [*flags, f"-DPD_REAL={real}"])
        for source in sorted(HERE.glob("ktest_*.c"))
        for real in recipe.TYPES
    ]
    objects = compiled(variant, variant.watched or variant.strict, [*kernels, *core, harness])
    objects += compiled(variant, variant.strict, tests)
    program = own / "ktest"
    command = [variant.compiler, *objects, *variant.watched.split()]
    command += [*([openmp] if openmp else []), "-lm", "-lpthread", "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def examine(name: str, variant: Variant, program: Path, words: list[str]) -> None:
    print(f"== ktest {name}", flush=True)
    command = [*variant.runner.split(), str(program)]
    for run in variant.runs:
        # threads that wait awake would be emulated waiting
        waiting = {**os.environ, "OMP_WAIT_POLICY": "passive"} if variant.runner else None
        done = subprocess.run([*command, *run.split(), *words], env=waiting)
        if done.returncode:
            sys.exit(f"ktest {name} {run}: failed ({done.returncode})")
    for kind in variant.controls:
        control = [*command, *variant.runs[0].split(), "--crash", kind]
        control += ["--family", "elementwise"]
        if subprocess.run(control, capture_output=True).returncode == 0:
            sys.exit(f"ktest {name}: the positive control '--crash {kind}' was not caught")
    if variant.controls:
        print(f"caught, as they must be: {', '.join(variant.controls)}")


if __name__ == "__main__":
    os.chdir(ROOT)
    given = sys.argv[1:]
    cut = given.index("--") if "--" in given else len(given)
    names, words = given[:cut], given[cut + 1 :]
    build_only = "--build-only" in names
    names = [name for name in names if name != "--build-only"] or ["native"]
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        sys.exit(f"ktest: unknown variant {unknown[0]}; there are {', '.join(VARIANTS)}")
    for name in names:
        program = build(name, VARIANTS[name])
        if not build_only:
            examine(name, VARIANTS[name], program, words)
