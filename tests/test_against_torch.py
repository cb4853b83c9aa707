"""Every function against PyTorch, on generated shapes, layouts and arguments, in float64.

    value                    |got - want| <= 1e-10 (1 + |want|)
    gradients                1e-8, along a random cotangent in any layout
    gradients of gradients   1e-7, along random directions, in every third case; by the inputs and
                             by the cotangent, which asks the backward kernels for theirs

The table is in tests/peers. What an op that is new here lacks is said by
test_every_op_is_compared.
"""

import inspect
import os
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import assert_close, setting, tensors, torch, watched
from pydp import _graph, ops
from pydp._op import registry

if torch is None:
    pytest.skip("PyTorch, the peer, is not installed", allow_module_level=True)

from peers import STEPS, TABLE, WITHOUT
from peers.row import Draw, Row

EXAMPLES = 180 if os.environ.get("PYDP_HYPOTHESIS") == "full" else 18
LEAST = 20_000 if EXAMPLES > 100 else 2_000


FIRST = {row.name: row for row in reversed(TABLE)}


def registered(row: Row) -> set[str]:
    """The ops of the registry that a row speaks for: the first of a name for that name."""
    own = {row.name} & registry.keys() if row is FIRST[row.name] else set()
    return own | set(row.behind.split())


def several(y: Any) -> list[Any]:
    return list(y) if isinstance(y, (tuple, list)) else [y]


class Ours:
    """A call of pydp, and gradients along cotangents."""

    def __init__(self, function: Any, arrays: list[np.ndarray], arguments: dict[str, Any]) -> None:
        self.inputs = tensors(arrays, grad=True)
        self.results = several(function(*self.inputs, **arguments))
        self.reals = [x for x in self.inputs if x.dtype.kind == "f"]

    @staticmethod
    def leaves(arrays: list[np.ndarray]) -> list[Any]:
        return tensors(arrays, grad=True)

    @staticmethod
    def values(results: list[Any]) -> list[np.ndarray]:
        return [y._array for y in results]

    @staticmethod
    def gradients(results: list[Any], along: list[Any], by: list[Any]) -> list[Any]:
        roots = [(y._node, w) for y, w in zip(results, along, strict=True) if y._node is not None]
        nodes = [x._node for x in by]
        _, found = _graph.walk(roots, create_graph=True, retain_graph=True, wanted=nodes)
        return [
            found.get(node, _graph.wrap(np.zeros(x.shape, x.dtype)))
            for node, x in zip(nodes, by, strict=True)
        ]


class Theirs:
    """The same of PyTorch."""

    def __init__(self, function: Any, arrays: list[np.ndarray], arguments: dict[str, Any]) -> None:
        self.inputs = self.leaves(arrays)
        self.results = several(function(*self.inputs, **arguments))
        self.reals = [x for x in self.inputs if x.is_floating_point()]

    @staticmethod
    def leaves(arrays: list[np.ndarray]) -> list[Any]:
        return [torch.from_numpy(a.copy()).requires_grad_(a.dtype.kind == "f") for a in arrays]

    @staticmethod
    def values(results: list[Any]) -> list[np.ndarray]:
        return [y.numpy(force=True) for y in results]  # zeros that are not written yet, too

    @staticmethod
    def gradients(results: list[Any], along: list[Any], by: list[Any]) -> list[Any]:
        pairs = [(y, w) for y, w in zip(results, along, strict=True) if y.requires_grad]
        if not pairs:
            return [torch.zeros_like(x) for x in by]
        roots, directions = zip(*pairs, strict=True)
        found = torch.autograd.grad(roots, by, directions, create_graph=True, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for x, g in zip(by, found, strict=True)]


def compare(got: list[np.ndarray], want: list[np.ndarray], bound: float, what: str) -> None:
    assert len(got) == len(want), f"{what}: {len(got)} of them, {len(want)} in PyTorch"
    for i, (a, b) in enumerate(zip(got, want, strict=True)):
        assert_close(a, b, bound, f"{what} {i}")


def compare_case(row: Row, d: Draw) -> None:
    arrays, arguments = row.draw(d)
    arrays = list(arrays)
    ours, theirs = Ours(row.ours, arrays, arguments), Theirs(row.theirs, arrays, arguments)
    values = theirs.values(theirs.results)
    compare(ours.values(ours.results), values, 1e-10, "value")
    if not ours.reals or not values:
        return
    cotangents = [d.laid(d.rng.standard_normal(y.shape)).astype(y.dtype) for y in values]
    sides = []
    for side in (ours, theirs):
        along = side.leaves(cotangents)
        first = side.gradients(side.results, along, side.reals)
        sides.append((side, [*side.reals, *along], first))
    compare(*[side.values(first) for side, _, first in sides], 1e-8, "gradient by input")
    if row.once or d.integer(0, 2):
        return
    directions = [d.rng.standard_normal(x.shape) for x in ours.reals]
    second = []
    for side, by, first in sides:
        given_ = [w.detach() for w in side.leaves(directions)]
        second.append(side.values(side.gradients(first, given_, by)))
    compare(*second, 1e-7, "gradient of the gradient by input or cotangent")


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_against_torch(row: Row) -> None:
    ran = 0

    @settings(max_examples=EXAMPLES)
    @given(st.data())
    def examine(data: st.DataObject) -> None:
        nonlocal ran
        with setting(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="torch")
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel")
            compare_case(row, Draw(data))
        ran += 1

    names = registered(row)
    with watched(names) as reached:
        examine()
    assert ran >= EXAMPLES
    assert names <= reached, f"{row.name}: no case reaches {sorted(names - reached)}"


def test_cases_are_many() -> None:
    count = EXAMPLES * len(TABLE)
    print(f"{len(TABLE)} rows, {count} cases")
    assert count >= LEAST


# ---- no op without a row -------------------------------------------------------------------------

ADD = "add a Row to tests/peers/<family>.py, or a reason to WITHOUT in tests/peers/__init__.py"


def test_every_op_is_compared() -> None:
    """The registry, without the rows' ops and those with a reason, is empty."""
    spoken_for = {name for row in TABLE for name in registered(row)}
    missing = sorted(registry.keys() - spoken_for - WITHOUT.keys())
    assert not missing, f"not compared with PyTorch: {', '.join(missing)}: {ADD}"
    unknown = sorted(spoken_for - registry.keys())
    assert not unknown, f"rows speak of ops that are not registered: {', '.join(unknown)}"


def test_every_public_function_is_compared() -> None:
    functions = inspect.getmembers(ops, inspect.isfunction)
    names = {name for name, _ in functions if not name.startswith("_")}
    missing = sorted(names - {row.name for row in TABLE} - WITHOUT.keys() - STEPS)
    assert not missing, f"not compared with PyTorch: {', '.join(missing)}: {ADD}"
    gone = sorted((WITHOUT.keys() | STEPS) - names - registry.keys())
    assert not gone, f"reasons for what does not exist: {', '.join(gone)}"
