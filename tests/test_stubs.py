"""pydp/_kernels.pyi says what pydp._kernels has: the same names, the same parameters."""

import ast
import inspect
import re
from pathlib import Path

from pydp import _kernels

STUB = Path(__file__).resolve().parents[1] / "pydp" / "_kernels.pyi"


def in_stub() -> dict[str, list[str] | None]:
    """Each name; of a function its parameters."""
    found: dict[str, list[str] | None] = {}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = [argument.arg for argument in node.args.args]
        elif isinstance(node, ast.ClassDef):
            found[node.name] = None
        elif isinstance(node, ast.AnnAssign):
            found[ast.unparse(node.target)] = None
    return found


def in_module() -> dict[str, list[str] | None]:
    found: dict[str, list[str] | None] = {}
    for name, value in vars(_kernels).items():
        if name.startswith("_") or inspect.ismodule(value):
            continue
        is_function = callable(value) and not isinstance(value, type)
        found[name] = list(inspect.signature(value).parameters) if is_function else None
    return found


def test_every_door_has_a_stub_and_every_stub_a_door():
    stub, module = in_stub(), in_module()
    assert not module.keys() - stub.keys(), "these doors have no line in pydp/_kernels.pyi"
    assert not stub.keys() - module.keys(), "these lines of pydp/_kernels.pyi have no door"


def test_parameters_agree():
    stub, module = in_stub(), in_module()
    for name in stub.keys() & module.keys():
        assert stub[name] == module[name], f"{name}: parameters in the stub, in the module"


def test_no_door_is_defined_twice():
    """The .pxi files are one module: a second definition would silently replace the first."""
    seen: dict[str, str] = {}
    for path in sorted((STUB.parents[1] / "csrc" / "bind").glob("*.pxi")):
        for name in re.findall(r"^(?:def|cdef [\w.* ]+?) ?(\w+)\(", path.read_text(), re.MULTILINE):
            assert name not in seen, f"{name} is defined in {seen[name]} and in {path.name}"
            seen[name] = path.name
