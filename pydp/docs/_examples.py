"""The examples of docstrings, run: what they print, and the module that they make.

An example is run once, in a folder of its own and from the same seed, so that a page is the same
every time. What it prints must be what is written (spaces may differ).
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import pydp
from pydp.docs._contents import DocsError


class Example:
    """What a docstring's example prints, and the names that it leaves.

    >>> Example("pydp.nn.Linear", pydp.nn.Linear).made(pydp.nn.Linear)[0]
    'nn.Linear(3, 2)'
    """

    def __init__(self, name: str, value: Any) -> None:
        docstring = inspect.getdoc(value) or ""
        self.test = doctest.DocTestParser().get_doctest(docstring, {}, name, None, 0)
        if not self.test.examples:
            raise DocsError(f"{name}: its docstring has no example (>>>)")
        told: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
        with _elsewhere():
            pydp.manual_seed(0)
            failed = runner.run(self.test, out=told.append, clear_globs=False).failed
        if failed:
            what = "".join(told).strip("*\n").partition("Failed example:")[2]
            raise DocsError(f"{name}: its example is not so:{what.rstrip()}")

    @property
    def names(self) -> dict[str, Any]:
        """What the names stand for after the example has run."""
        return self.test.globs

    def made(self, kind: type[Any], aliases: Sequence[str] = ()) -> tuple[str, Any] | None:
        """The first call in the example that makes one of this class, or of a class that the
        example derives from it: its text, and what it makes."""
        makers = {kind.__name__, *aliases}
        for name, value in self.names.items():
            if isinstance(value, type) and issubclass(value, kind):
                makers.add(name)
        for example in self.test.examples:
            for call in _calls(example.source):
                called = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
                if called in makers:
                    text = ast.unparse(call)
                    return text.removeprefix("pydp."), eval(text, dict(self.names))
        return None


def _calls(source: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """A folder for what examples write, and the settings of this process afterwards."""
    here, threads, isa = os.getcwd(), pydp.get_num_threads(), pydp.isa()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)
            pydp.set_num_threads(threads)
            pydp.select_isa(isa)
