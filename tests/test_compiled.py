"""The graph's files are compiled as they stand (setup.py), and a user sees no difference.

With PYDP_COMPILED=0 the build leaves them to Python; then these hold as well.
"""

import copy
import pickle
import traceback
import weakref
from importlib import import_module
from pathlib import Path

import pytest

import pydp
from pydp import _graph, _walk

MODULES = [import_module(f"pydp.{name}") for name in ("_node", "_record", "_walk")]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_is_compiled_is_what_stands_in_the_file(module):
    made = Path(module.__file__)
    source = Path(pydp.__file__).with_name(f"{module.__name__.rpartition('.')[2]}.py")
    text = source.with_suffix(".pxd")
    newest = max(source.stat().st_mtime, text.stat().st_mtime if text.exists() else 0)
    assert made == source or made.stat().st_mtime >= newest, f"{source.name} changed: build again"


def test_all_of_them_are_compiled_or_none():
    assert len({Path(module.__file__).suffix for module in MODULES}) == 1


class Own(pydp.nn.Parameter):
    """A user's class, with an attribute of its own."""

    note = "mine"


def test_values_are_objects_like_others():
    x = Own(pydp.tensor([1.0, 2.0]))
    assert isinstance(x, pydp.Tensor)
    assert isinstance(x, _graph.Traced)
    x.more = "and in its __dict__"
    assert (x.note, x.more) == ("mine", "and in its __dict__")
    y = x * 2.0
    ref = weakref.ref(y)
    del y
    assert ref() is None
    for same in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert same.requires_grad
        assert same.tolist() == [1.0, 2.0]
    with pytest.raises(TypeError, match=r"pydp\.tensor\(data\)"):
        pydp.Tensor([1.0])
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = x.colour


def test_a_traceback_names_the_lines_of_the_graph():
    def fail(gradient):
        raise ArithmeticError("a hook")

    x = pydp.tensor([1.0], requires_grad=True)
    x.register_hook(fail)
    with pytest.raises(ArithmeticError) as caught:
        x.backward()
    lines = Path(_walk.__file__.partition("_walk.")[0], "_walk.py").read_text().splitlines()
    frames = [f for f in traceback.extract_tb(caught.value.__traceback__) if "_walk.py" in f[0]]
    assert [frame.name.rpartition(".")[2] for frame in frames] == ["walk", "_walk", "_run_hooks"]
    assert "hook(dy)" in lines[frames[-1].lineno - 1]


def test_the_nodes_can_be_read():
    x = pydp.tensor([3.0], requires_grad=True)
    y = x * x
    node = y._node
    assert type(node) is _graph.Node
    assert list(node.parents) == [x._node, x._node]
    assert (node.op.name, node.arguments, node.outputs) == ("multiply", (), 1)
    assert (node.hooks, node.retains, node.grad, node.made) == (None, False, None, None)
    assert x._node.age < node.age < _graph.next_age()
