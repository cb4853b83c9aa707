"""The state of a module, path -> tensor: read it, and load one all or nothing.

A parameter that stands in several places (a tie) has several paths. Reading gives all of them the
same tensor; loading accepts any of them, and refuses paths of one tie that disagree.

Invariant: every fault is found before the first element is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pydp import _graph
from pydp._arrays import Array, as_array
from pydp._tensor import Tensor
from pydp.ops._index import write

Place = tuple[str, Tensor]


class Keys(NamedTuple):
    """What load_state_dict left out: paths without a value, and values without a place."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def read(places: Iterable[Place]) -> dict[str, Tensor]:
    """The state, in the memory of the module itself."""
    detached: dict[int, Tensor] = {}
    return {path: detached.setdefault(id(value), value.detach()) for path, value in places}


def load(places: Iterable[Place], state: Mapping[str, Any], strict: bool, name: str) -> Keys:
    """Copy a state into the places, or raise one ValueError that lists all that is wrong."""
    if not isinstance(state, Mapping):
        raise TypeError(f"load_state_dict: state must be a dict, got {type(state).__name__}")
    targets: dict[int, tuple[Tensor, list[str]]] = {}
    for path, value in places:
        targets.setdefault(id(value), (value, []))[1].append(path)

    known = {path for _, paths in targets.values() for path in paths}
    unexpected = [str(key) for key in state if key not in known]
    missing: list[str] = []
    wrong: list[str] = []
    writes: list[tuple[Tensor, Array]] = []
    for target, paths in targets.values():
        given = [path for path in paths if path in state]
        if not given:
            missing.append(" = ".join(paths))
            continue
        faults = [
            fault for path in given if (fault := fault_of(path, state[path], target.shape, target))
        ]
        if not faults:
            arrays = [array_of(state[path]) for path in given]
            faults = [
                f"{path}: the same parameter as {given[0]}, but other values"
                for path, array in zip(given, arrays, strict=True)
                if array is not arrays[0] and not np.array_equal(array, arrays[0], equal_nan=True)
            ]
            writes.append((target, arrays[0]))
        wrong += faults

    refuse(f"{name}: the state", wrong, *((missing, unexpected) if strict else ((), ())))
    copy_all(writes)
    return Keys(missing, unexpected)


def refuse(
    what: str, wrong: Iterable[str], missing: Iterable[str], unexpected: Iterable[str]
) -> None:
    """Raise one ValueError that lists all of these, if there are any."""
    listed = [f"wrong       {fault}" for fault in wrong]
    listed += [f"missing     {key}" for key in missing]
    listed += [f"unexpected  {key}" for key in unexpected]
    if listed:
        lines = "".join(f"\n  {line}" for line in listed)
        raise ValueError(f"{what} does not fit, nothing was loaded{lines}")


def array_of(value: Any) -> Array:
    return (
        value._array
        if isinstance(value, Tensor)
        else as_array(value, "load_state_dict", copy=False)
    )


def fault_of(key: str, value: Any, shape: tuple[int, ...], target: Tensor) -> str | None:
    """Why a value cannot be copied to this place, or a part of it that has this shape; or None."""
    if not isinstance(value, (Tensor, np.ndarray)):
        return f"{key}: expected a tensor, got {type(value).__name__}"
    if value.shape != shape:
        return f"{key}: expected shape {shape}, got {value.shape}"
    if value.dtype != target.dtype:
        return f"{key}: expected {target.dtype}, got {value.dtype}; use astype"
    if not target._array.flags.writeable:
        return f"{key}: the module's own memory is read-only"
    return None


def copy_all(writes: list[tuple[Tensor, Array]]) -> None:
    """Copy all; a source in the memory of one of the targets is set aside first."""
    own = {_memory(target._array) for target, _ in writes}
    sources = [source.copy() if _memory(source) in own else source for _, source in writes]
    for (target, _), source in zip(writes, sources, strict=True):
        write(target, _graph.wrap(source), "load_state_dict")


def _memory(array: Array) -> int:
    """What tells two memories apart: the object at the end of the chain of views."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array if array.base is None else array.base)
