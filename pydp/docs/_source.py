"""The code that a page shows: classes without their docstrings, and the rows of tables."""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path
from typing import Any

import pydp
from pydp._op import registry
from pydp.ops import _elementwise

ROOT = Path(pydp.__file__).parents[1]


def place(value: Any) -> str:
    """The file where something is defined: pydp/nn/_linear.py."""
    return Path(inspect.getfile(inspect.unwrap(value))).relative_to(ROOT).as_posix()


def idea(value: Any) -> str:
    """The docstring of the file where something is defined."""
    return inspect.getdoc(inspect.getmodule(inspect.unwrap(value))) or ""


def code(value: Any) -> str:
    """A class or function without its docstring; its methods keep theirs."""
    source = textwrap.dedent(inspect.getsource(value))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef | ast.FunctionDef)
    lines = source.rstrip().split("\n")
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
        after = first.end_lineno or first.lineno
        while after < len(lines) and not lines[after].strip():
            after += 1
        del lines[first.lineno - 1 : after]
    return "\n".join(lines)


def shown(kind: type[Any]) -> str:
    """What of a class is read first: its forward, or where it has none of its own how it is made,
    with the functions of its file that it calls for that."""
    own = vars(kind)
    if "forward" in own:
        return code(own["forward"])
    if "__init__" not in own:
        return ""
    parts = [code(own["__init__"])]
    module = inspect.getmodule(kind)
    for name in _called(parts[0]):
        function = getattr(module, name, None)
        if inspect.isfunction(function) and function.__module__ == kind.__module__:
            parts.append(code(function))
    return "\n\n\n".join(parts)


def _called(source: str) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return list(dict.fromkeys([c.func.id for c in calls if isinstance(c.func, ast.Name)]))


def rule(name: str) -> str:
    """What the rule of an op says of it: a row of the table of elementwise functions, or its
    definition in NumPy and its gradient, written in ops."""
    if name not in registry:
        return ""
    found = registry[name]
    if found.__module__ == _elementwise.__name__:
        return _row(name)
    parts = []
    for method in ("reference", "backward", "composed"):
        function = vars(found).get(method)
        if isinstance(function, staticmethod | classmethod):
            function = function.__func__
        if inspect.isfunction(function) and function.__module__ == found.__module__:
            parts.append(textwrap.dedent(inspect.getsource(function)).rstrip())
    return "\n\n".join(parts)


def _row(name: str) -> str:
    """The assignment of _elementwise.py whose call begins with this name."""
    source = inspect.getsource(_elementwise)
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(value=ast.Call(args=[ast.Constant(value=value), *_])) if value == name:
                return ast.get_source_segment(source, node) or ""
    return ""
