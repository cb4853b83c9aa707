"""The house: every import and every #include points down.

Rooms are listed from the ground up; a module may import its own room and the rooms below it. The
lower rooms, which must stay small worlds of their own, say more exactly what they may know.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pydp"
CSRC = ROOT / "csrc"

# From the ground up. A room is a module of pydp, a package, or one of GROUPS.
HOUSE = [
    "_version", "_elsewhere", "_kernels", "_graph", "_signature", "_length", "_runtime", "_op",
    "_random", "ops", "_tensor", "_autodiff", "_dtypes", "_creation", "_namespace", "_proof",
    "draw", "nn", "_debug", "optim", "data", "checkpoint", "train", "pydp", "recipes", "doctor",
    "_by_name", "docs", "cli", "__main__",
]  # fmt: skip

# One room in several files, by the beginning of their names.
GROUPS = {"_signature": "_signature", "_condition": "_signature", "_inference": "_signature",
          "_notation": "_signature", "_size": "_signature", "_outline": "_length",
          "_arrays": "_op", "_arguments": "_op",
          "_context": "_graph", "_search": "_graph", "_handle": "_graph",
          "_inplace": "_graph", "_node": "_graph", "_record": "_graph", "_walk": "_graph",
          "_example": "_proof", "_tree": "_autodiff", "_jacobian": "_autodiff",
          "_remat": "_autodiff", "_function": "_autodiff", "_check": "_autodiff",
          "_operators": "_tensor", "_methods": "_tensor", "_interchange": "_tensor"}  # fmt: skip

# Rooms that know less than what is below them.
KNOWS = {
    "_version": set(),
    "_elsewhere": set(),
    "_graph": set(),
    "_signature": set(),
    "_length": {"_graph", "_signature"},
    "_runtime": {"_kernels"},
    "_op": {"_graph", "_signature", "_length", "_kernels"},
    "_random": {"_graph", "_op", "_kernels"},
    "ops": {"_elsewhere", "_graph", "_op", "_signature", "_kernels", "_random"},
}
# The kernels' doors are opened by the rules and by the value's own memory, by nobody above.
SEES_KERNELS = {"_runtime", "_op", "_random", "ops", "_tensor", "_creation"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """pydp/ops/_conv2d.py -> pydp.ops._conv2d"""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """pydp.ops._conv2d -> ops; pydp itself -> pydp."""
    parts = module.split(".")
    first = parts[1] if len(parts) > 1 else "pydp"
    for start, room in GROUPS.items():
        if first.startswith(start):
            return room
    return first


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module of pydp) for every import below this node."""
    known = {name_of(path) for path in modules()} | {"pydp._kernels"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute in pydp"
            base = node.module or ""
            if base.split(".")[0] == "pydp":
                for alias in node.names:
                    full = f"{base}.{alias.name}"
                    yield node.lineno, full if full in known else base
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "pydp":
                    yield node.lineno, alias.name


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_down(path):
    room = room_of(name_of(path))
    assert room in HOUSE, f"{path.name} is a room that HOUSE does not list: say on which floor"
    for line, module in imports(ast.parse(path.read_text())):
        below = room_of(module)
        where = f"{path.relative_to(ROOT)}:{line} imports {module}"
        assert below in HOUSE, f"{where}, which HOUSE does not list"
        if below == room:
            continue
        assert HOUSE.index(below) < HOUSE.index(room), f"{where}: {below} is above {room}"
        if room in KNOWS:
            assert below in KNOWS[room], f"{where}: {room} may know {sorted(KNOWS[room])} only"
        if below == "_kernels":
            assert room in SEES_KERNELS, f"{where}: kernels are called by rules (pydp/ops) alone"


def test_no_import_cycles():
    """Among imports that run when a module is loaded; those inside functions run later."""
    needs: dict[str, set[str]] = {}
    for path in modules():
        tree = ast.parse(path.read_text())
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        found = {module for node in top for _, module in imports(node)}
        needs[name_of(path)] = found - {name_of(path)}
    for name, found in needs.items():
        needs[name] = found & needs.keys()
    done: set[str] = set()
    while len(done) < len(needs):
        ready = {name for name, wants in needs.items() if name not in done and wants <= done}
        left = {name: sorted(wants - done) for name, wants in needs.items() if name not in done}
        assert ready, f"these import each other in a circle: {left}"
        done |= ready


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=name_of)
def test_init_is_a_table_of_contents(path):
    """A docstring, imports, and tables of names: nothing is computed."""
    body = ast.parse(path.read_text()).body
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "_elsewhere.TYPE_CHECKING":
            body += node.body  # what is imported later
            continue
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_names = (
            isinstance(node, ast.Assign)
            and [ast.unparse(target) for target in node.targets] == ["__all__"]
            and isinstance(ast.literal_eval(node.value), list)
        )
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        is_later = ast.unparse(node).startswith("_elsewhere.answer_for(__name__")
        assert is_docstring or is_import or is_names or is_later, (
            f"{path.relative_to(ROOT)}:{node.lineno} computes: {ast.unparse(node)[:60]}"
        )


# ---- C -----------------------------------------------------------------------------------------

C_KNOWS = {"core": {"core"}, "gemm": {"core", "gemm"}, "kernels": {"core", "gemm", "kernels"}}

# What one file alone may say: (pattern, the file, what it is).
ONLY_IN = [
    (r"#\s*include\s*<omp\.h>|#\s*pragma\s+omp", "core/par.c", "OpenMP"),
    (r"#\s*include\s*<(immintrin|arm_neon|x86intrin|emmintrin)\.h>", "core/simd.h", "intrinsics"),
    (r"\b_mm(256|512)?_\w+\(|\bv\w+q_f(32|64)\(", "core/simd.h", "intrinsics"),
    (r"__(AVX\w*|SSE\w*|FMA|ARM_NEON)__|__ARM_NEON", "core/simd.h", "the instruction set"),
]  # fmt: skip


def c_files() -> list[Path]:
    found = [path for room in C_KNOWS for path in (CSRC / room).glob("*.*")]
    return sorted(path for path in found if path.suffix in (".c", ".h", ".inc"))


def code_of(path: Path) -> str:
    """The text without comments, lines kept."""
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])  # noqa: E731
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("path", c_files(), ids=lambda path: str(path.relative_to(CSRC)))
def test_includes_point_down(path):
    room = path.parent.name
    files = {file.name: file.parent.name for file in c_files()}
    assert len(files) == len(c_files()), "two files of csrc have one name: which one is included?"
    text = code_of(path)
    for name in re.findall(r'#\s*include\s*"([^"]+)"', text):
        assert name in files, f"{path.name} includes {name}: no such file in core, gemm or kernels"
        assert files[name] in C_KNOWS[room], f"{room}/{path.name} includes {files[name]}/{name}"
    assert "Python.h" not in text, f"{path.name}: only csrc/bind knows Python"
    for pattern, owner, what in ONLY_IN:
        found = re.search(pattern, text)
        if found and path != CSRC / owner:
            line = text[: found.start()].count("\n") + 1
            pytest.fail(f"{path.name}:{line} says {found[0]!r}: only {owner} knows {what}")


def test_the_core_names_no_kernel():
    """Except in the one list of kernels."""
    kernels = re.findall(r"^KERNEL\((\w+),", (CSRC / "core/kernels.inc").read_text(), re.MULTILINE)
    assert kernels
    for path in c_files():
        if path.parent.name == "core" and path.name != "kernels.inc":
            named = [name for name in kernels if re.search(rf"\b(pd_)?{name}\(", code_of(path))]
            assert not named, f"core/{path.name} names {named}"
