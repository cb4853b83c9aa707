"""Names of other libraries: the error says what to write, and the page is complete and right."""

import ast
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import pydp
from harness import torch
from pydp import nn
from pydp._elsewhere import NAMES

PAGE = (Path(pydp.__file__).parent / "FROM_PYTORCH_AND_NUMPY.md").read_text()
TABLES = [part.splitlines() for part in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)]
NAMED = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", PAGE))))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pydp.cat, "module 'pydp' has no attribute 'cat'; write concat(xs, axis)"),
        (lambda: pydp.zeros(2).view, "'Tensor' object has no attribute 'view'; write reshape("),
        (lambda: nn.functional, "module 'pydp.nn' has no attribute 'functional'; write pydp.relu"),
        (lambda: pydp.zeros(2).colour, "'Tensor' object has no attribute 'colour'"),
    ],
)
def test_errors_say_what_to_write(call, words):
    with pytest.raises(AttributeError) as raised:
        call()
    assert str(raised.value).startswith(words)


@pytest.mark.parametrize("module", [pydp, pydp.ops])
def test_what_comes_later_is_what_type_checkers_see(module):
    body = ast.parse(Path(module.__file__).read_text()).body
    (block,) = [node for node in body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    calls = [node.value for node in body if isinstance(node, ast.Expr)]
    (call,) = [value for value in calls if isinstance(value, ast.Call)]
    given = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    said = {name: source for source, names in given["later"].items() for name in names.split()}
    said |= dict.fromkeys(given.get("parts", "").split(), module.__name__)
    assert said == seen


def column(title):
    """The names in backticks of every table's column with this title."""
    for head, _, *rows in TABLES:
        titles = [cell.strip() for cell in head.split("|")]
        if title in titles:
            at = titles.index(title)
            for row in rows:
                yield from re.findall(r"`([\w.]+)", row.split("|")[at])


def found(name, *owners):
    for owner in owners:
        value = owner
        for part in name.split("."):
            value = getattr(value, part, None)
        if value is not None:
            return True
    return False


def is_module(owner, name):
    return isinstance(getattr(owner, name, None), ModuleType)


def test_every_public_name_is_on_the_page():
    public = [name for owner in (pydp, nn, pydp.optim) for name in dir(owner) if name[0] != "_"]
    values = {"e", "pi", "inf", "nan", "newaxis", "getitem", "setitem"}
    parts = {name for name in public for owner in (pydp, nn) if is_module(owner, name)}
    kinds = {"finfo", "iinfo", "isdtype", "can_cast", "result_type", "CheckpointError"}
    kinds |= {name for name in public if isinstance(getattr(pydp, name, None), np.dtype)}
    missing = set(public) - NAMED - values - kinds - parts
    assert not missing, f"FROM_PYTORCH_AND_NUMPY.md does not name {sorted(missing)}"


def test_what_is_said_to_be_here_is_here():
    names = [name for name in column("here") if name not in ("x", "1", "axis", "keepdims")]
    owners = (pydp, nn, pydp.Tensor, pydp.optim)
    absent = [n for n in names if not found(n.removeprefix("x.").removeprefix("pydp."), *owners)]
    assert len(names) > 100
    assert not absent


def test_names_of_numpy_are_numpys():
    generators = SimpleNamespace(random=np.random.Generator)
    absent = [n for n in column("NumPy") if not found(n, np, np.ndarray, generators)]
    assert not absent


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
def test_names_of_pytorch_are_pytorchs():
    t, f = torch, torch.nn.functional
    names = [n.removeprefix("x.").removeprefix("Tensor.") for n in column("PyTorch")]
    owners = (t, t.Tensor, t.nn, f, t.nn.Module, t.utils.data, t.utils.checkpoint)
    assert not [n for n in names if not found(n, *owners)]


def test_names_in_errors_are_on_the_page_and_not_ours():
    assert set(NAMES) - NAMED == set()
    assert not [n for n in NAMES if n in dir(pydp.Tensor) and n in dir(pydp)]
