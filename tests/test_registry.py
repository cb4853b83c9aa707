"""One stem in every room: names the room that an op lacks.

For every registered op of family f there are pydp/ops/_f.py and tests/ops/test_f.py, whose cases
examine it: by name, or as the gradient, or the gradient's gradient, of an op that they name. For
every kernel there is a family with csrc/kernels/f.{h,c}, csrc/bind/f.pxi, tests/ktest/ktest_f.c,
and a rule or an optimizer with its test. Every public function has an example that runs.
"""

import doctest
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pydp
from harness import Case, examine_second, typed, watched
from pydp import _kernels, ops
from pydp._op import registry

ROOT = Path(__file__).resolve().parents[1]

# The graph's own op: no kernel, no file, examined with the gradients of composed ops.
OWN_OF_THE_GRAPH = {"alias"}
OPS = sorted(registry.keys() - OWN_OF_THE_GRAPH)


# Ops that write in place have no result to examine; their tests ask by hand.
BY_HAND = {"setitem": "tests/ops/test_index.py"}


def cases_of(family: str) -> list[Any]:
    """The cases of tests/ops/test_<family>.py: every list of them that the module has."""
    if not (ROOT / "tests" / "ops" / f"test_{family}.py").exists():
        return []
    sys.path.append(str(ROOT))  # behind an installed pydp: for `tests.ops` alone
    try:
        module = importlib.import_module(f"tests.ops.test_{family}")
    finally:
        sys.path.remove(str(ROOT))
    lists = [value for value in vars(module).values() if isinstance(value, list)]
    return [case for cases in lists for case in cases if isinstance(case, Case)]


@pytest.fixture(scope="module")
def examined() -> dict[str, set[str]]:
    """Of each family, the ops that its cases examine."""
    found: dict[str, set[str]] = {}
    for family in {registry[name].family for name in OPS}:
        cases = cases_of(family)
        found[family] = {case.op for case in cases}
        left = {name for name in OPS if registry[name].family == family} - found[family]
        for case in sorted(cases, key=lambda case: sum(a.size for a in case.inputs)):
            if left - found[family] and case.grad and case.order2:
                arrays = typed(case, np.float64)
                reals = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
                with watched(left) as seen:
                    examine_second(case, arrays, reals, str(case))
                found[family] |= seen
    return found


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_its_rooms(name, examined):
    family = registry[name].family
    assert (ROOT / "pydp" / "ops" / f"_{family}.py").exists(), f"no pydp/ops/_{family}.py"
    test = f"tests/ops/test_{family}.py"
    assert (ROOT / test).exists(), f"no {test}"
    if name in BY_HAND:
        assert name in (ROOT / BY_HAND[name]).read_text()
    else:
        assert name in examined[family], f"no case in {test} examines {name}"


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_its_parts(name):
    rule = registry[name]
    assert callable(getattr(rule, "forward", None)), f"{name} has no forward"
    assert callable(getattr(rule, "reference", None)), f"{name} has no reference to be held to"
    assert getattr(rule, "type", ""), f"{name} has no type"


# Kernels that no op is named after: what they are for.
SERVES_THE_DOORS = {"copy": "contiguous, copy_as and copy_into of csrc/bind, and flatten"}


def kernel_family(kernel: str) -> str:
    """The stem of the file that defines a kernel: conv2d_backward_data -> conv2d."""
    for path in sorted((ROOT / "csrc" / "kernels").glob("*.c")):
        if re.search(rf"^int64_t K\({kernel}\)", path.read_text(), re.MULTILINE):
            return path.stem
    pytest.fail(f"no file of csrc/kernels defines K({kernel})")


@pytest.mark.parametrize("kernel", [name for name, _ in _kernels.kernels()])
def test_every_kernel_has_its_rooms(kernel):
    family = kernel_family(kernel)
    rooms = [f"csrc/kernels/{family}.h", f"csrc/bind/{family}.pxi"]
    rooms.append(f"tests/ktest/ktest_{family}.c")
    if (ROOT / "pydp" / "optim" / f"_{family}.py").exists():
        rooms.append("tests/optim/test_optimizers.py")
    elif (ROOT / "pydp" / f"_{family}.py").exists():
        rooms.append(f"tests/test_{family}.py")
    elif family not in SERVES_THE_DOORS:
        rooms += [f"pydp/ops/_{family}.py", f"tests/ops/test_{family}.py"]
    missing = [room for room in rooms if not (ROOT / room).exists()]
    assert not missing, f"{kernel} lacks {', '.join(missing)}"
    said = re.sub(r"\s+", " ", (ROOT / rooms[0]).read_text())
    assert re.search(rf"\b{kernel}\b", said), f"{rooms[0]} does not say what {kernel} takes"


# ---- what people call --------------------------------------------------------------------------


def public_functions() -> list[tuple[str, Callable[..., Any]]]:
    """The functions of pydp.ops that people see as pydp.<name>."""
    found = inspect.getmembers(ops, inspect.isfunction)
    return [(name, f) for name, f in found if hasattr(pydp, name) and name[0] != "_"]


@pytest.mark.parametrize(("name", "function"), public_functions(), ids=lambda value: str(value))
def test_every_public_function_has_an_example(name, function):
    tests = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    examples = [example for test in tests for example in test.examples]
    assert examples, f"pydp.{name}: its docstring has no example (>>>)"


def with_examples() -> list[str]:
    """Every module of pydp that has an example anywhere."""
    names = []
    for path in sorted((ROOT / "pydp").rglob("*.py")):
        if ">>>" in path.read_text():
            parts = path.relative_to(ROOT).with_suffix("").parts
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


@pytest.mark.parametrize("name", with_examples())
def test_examples_run(name):
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried and not failed, f"{failed} of {tried} examples of {name} fail: see above"
