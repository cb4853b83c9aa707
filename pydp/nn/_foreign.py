"""Checkpoints of other libraries: one table of keys, read from either side.

    theirs                                               ours
    encoder.layer.3.attention.self.query.weight   ─┐
    encoder.layer.3.attention.self.key.weight     ─┼──   blocks.3.attention.in_proj_weight
    encoder.layer.3.attention.self.value.weight   ─┘
    h.3.mlp.c_fc.weight, transposed               ────   blocks.3.feed_forward.linear1.weight

A module says it in rows, ours on the left. `{i}` (or any name) stands for a number, `*` for any
text; the first row that fits a path has it:

    foreign_keys = ForeignKeys({
        "blocks.{i}.attention.in_proj_weight": Theirs("….query.weight", "….key.weight", …),
        "blocks.{i}.feed_forward.linear1.weight": Theirs("h.{i}.mlp.c_fc.weight", transposed=True),
        "score.*": "classifier.6.*",
    })

For the module at hand the rows become links: these paths are those keys. A link has one path or
one key, and its parts lie one behind the other along an axis. Names that their files had in other
years (`LayerNorm.gamma`) are `older`: they are read, and never written.

Invariants: what is saved under their keys loads to the same parameters; every fault is found before
the first element is written. Loading copies through views, so it takes no memory of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from pydp import ops
from pydp._arrays import as_array, numpy_op
from pydp._tensor import Tensor
from pydp.nn import _state

HOLE = re.compile(r"\{([a-z_]\w*)\}|(\*)")
# Counters that PyTorch's files have only since 2018: they may be missing.
OPTIONAL = "num_batches_tracked"

Ours = str | tuple[str, ...]


class Theirs:
    """Another library's tensors that are, together, one of ours (or whose one is several of ours).

    - `keys`: their names, in the order in which they lie along `axis`
    - `axis`: of our tensor; the keys' shares of it are equal
    - `transposed`: whether each of theirs is the transpose of what we have
    """

    def __init__(self, *keys: str, axis: int = 0, transposed: bool = False) -> None:
        self.keys, self.axis, self.transposed = keys, axis, transposed


class Link(NamedTuple):
    """These paths of one module are those keys."""

    paths: tuple[str, ...]
    keys: tuple[str, ...]
    axis: int
    transposed: bool


class ForeignKeys:
    """A table of keys, as the head of this file shows it.

    - `rows`: our path, or several -> their key, `Theirs`, or None (they do not have it)
    - `ignored`: keys of theirs that nothing here corresponds to, such as constant tables
    - `older`: other names of their keys -> the names in the rows; each is applied, in order

    `a | b` has the rows of both; `a.within(path, key)` those of a module that stands at a path of
    ours and under a key of theirs.

    >>> keys = ForeignKeys({"layers.{i}.norm.*": "h.{i}.ln_1.*", "score.*": "head.*"})
    >>> keys.within("model", "transformer").links(["model.layers.3.norm.bias"])
    [Link(paths=('model.layers.3.norm.bias',), keys=('transformer.h.3.ln_1.bias',), axis=0, \
transposed=False)]
    """

    def __init__(
        self,
        rows: Mapping[Any, str | Theirs | None],
        ignored: Iterable[str] = (),
        older: Mapping[str, str] | None = None,
    ) -> None:
        self.rows = dict(rows)
        self.ignored, self.older = tuple(ignored), dict(older or {})
        self._patterns = [
            (_pattern(path), ours, theirs)
            for ours, theirs in map(_checked_row, self.rows, self.rows.values())
            for path in ours
        ]
        self._ignored = [_pattern(key) for key in self.ignored]
        self._older = [(_pattern(old), now) for old, now in self.older.items()]

    def __or__(self, other: ForeignKeys) -> ForeignKeys:
        ignored, older = self.ignored + other.ignored, self.older | other.older
        return ForeignKeys(self.rows | other.rows, ignored, older)

    def within(self, path: str, key: str) -> ForeignKeys:
        """The table of a module that stands at `path`, and in their model at `key`."""
        rows: dict[Any, Theirs | None] = {}
        for ours, theirs in map(_checked_row, self.rows, self.rows.values()):
            moved = theirs and Theirs(
                *[_joined(key, k) for k in theirs.keys],
                axis=theirs.axis,
                transposed=theirs.transposed,
            )
            rows[tuple([_joined(path, p) for p in ours])] = moved
        older = {_joined(key, old): _joined(key, now) for old, now in self.older.items()}
        return ForeignKeys(rows, [_joined(key, k) for k in self.ignored], older)

    def links(self, paths: Iterable[str]) -> list[Link]:
        """What these paths are for them. ValueError for a path that no row speaks of."""
        return list(dict.fromkeys(link for path in paths if (link := self._link(path))))

    def _link(self, path: str) -> Link | None:
        for pattern, ours, theirs in self._patterns:
            fit = pattern.fullmatch(path)
            if fit is None:
                continue
            if theirs is None:
                return None
            here, there = [tuple([_filled(t, fit) for t in side]) for side in (ours, theirs.keys)]
            return Link(here, there, theirs.axis, theirs.transposed)
        raise ValueError(f"foreign_keys have no row for {path}")

    def ignores(self, key: str) -> bool:
        """Whether a key of theirs is one that nothing here corresponds to."""
        return any(pattern.fullmatch(k) for pattern in self._ignored for k in (key, self.now(key)))

    def now(self, key: str) -> str:
        """The name in the rows of a key that may have an older one."""
        for pattern, now in self._older:
            fit = pattern.fullmatch(key)
            key = key if fit is None else _filled(now, fit)
        return key

    def renamed(self, state: Mapping[str, Any], known: Set[str]) -> dict[str, Any]:
        """The state with older names of known keys replaced, but where it has both."""
        names = {k: k if k in known else self.now(str(k)) for k in state}
        return {
            now if now in known and now not in state else k: state[k] for k, now in names.items()
        }


def _checked_row(ours: Any, theirs: Any) -> tuple[tuple[str, ...], Theirs | None]:
    """A row in its full form; both sides must have the same holes."""
    paths = (ours,) if isinstance(ours, str) else tuple(ours)
    if theirs is None:
        return paths, None
    found = Theirs(theirs) if isinstance(theirs, str) else theirs
    holes = [sorted(map("".join, HOLE.findall(text))) for text in (*paths, *found.keys)]
    if any(one != holes[0] for one in holes):
        raise ValueError(f"ForeignKeys: {ours} and {found.keys} must have the same {{names}} and *")
    if len(paths) > 1 and len(found.keys) > 1:
        raise ValueError(f"ForeignKeys: {ours}: one path or one key, got several of both")
    return paths, found


def _pattern(template: str) -> re.Pattern[str]:
    """The texts that a template stands for, with a group for each hole."""
    parts, end = [], 0
    for hole in HOLE.finditer(template):
        parts.append(re.escape(template[end : hole.start()]))
        parts.append(f"(?P<{hole[1]}>[0-9]+)" if hole[1] else "(?P<_rest>.*)")
        end = hole.end()
    return re.compile("".join([*parts, re.escape(template[end:])]))


def _filled(template: str, fit: re.Match[str]) -> str:
    return HOLE.sub(lambda hole: fit[hole[1] or "_rest"], template)


def _joined(before: str, key: str) -> str:
    return f"{before}.{key}" if before else key


SAME = ForeignKeys({"*": "*"})  # layers are named as PyTorch names them


# ---- both ways ---------------------------------------------------------------------------------


def read(places: Iterable[_state.Place], table: ForeignKeys) -> dict[str, Tensor]:
    """The state under their keys. What is a part of ours, or its transpose, shares its memory."""
    state = _state.read(places)
    found: dict[str, Tensor] = {}
    for link in table.links(state):
        ours = [state[path] for path in link.paths]
        whole = ours[0] if len(ours) == 1 else ops.concat(ours, axis=link.axis)
        for key, part in zip(link.keys, _shares(whole, link), strict=True):
            found[key] = part.T if link.transposed else part
    return found


def load(
    places: Iterable[_state.Place],
    table: ForeignKeys,
    state: Mapping[str, Any],
    strict: bool,
    name: str,
) -> _state.Keys:
    """Copy a state under their keys into the places, or raise one ValueError that lists all that
    is wrong."""
    if not isinstance(state, Mapping):
        raise TypeError(f"load_foreign: state must be a dict, got {type(state).__name__}")
    targets = dict(places)
    links = table.links(targets)
    known = {key for link in links for key in link.keys}
    state = table.renamed(state, known)
    unexpected = [str(k) for k in state if k not in known and not table.ignores(str(k))]
    missing: list[str] = []
    wrong: list[str] = []
    copies: dict[tuple[int, ...], tuple[Link, _Copies]] = {}  # by tensors: ties have several links
    absent: dict[tuple[int, ...], list[str]] = {}
    for link in links:
        ours = [targets[path] for path in link.paths]
        which = tuple([id(tensor) for tensor in ours])
        faults, found = _copies(link, ours, state)
        left = [key for key in link.keys if key not in state]
        if left:
            absent.setdefault(which, []).extend(left)
        elif not faults:
            first, same = copies.setdefault(which, (link, found))
            if first is not link and not _agree(_whole(link, found), _whole(first, same)):
                one, other = link.keys[0], first.keys[0]
                faults = [f"{one}: the same parameter as {other}, but other values"]
        wrong += faults
    for which, keys in absent.items():
        if which not in copies:
            missing += [k for k in keys if k.rpartition(".")[2] != OPTIONAL]
    listed = (missing, unexpected) if strict else ((), ())
    _state.refuse(f"{name}: the checkpoint", wrong, *listed)
    _state.copy_all([copy for _, found in copies.values() for copy in found])
    return _state.Keys(missing, unexpected)


_Copies = list[tuple[Tensor, Any]]  # (a view of ours, an array of theirs)


def _copies(
    link: Link, ours: Sequence[Tensor], state: Mapping[str, Any]
) -> tuple[list[str], _Copies]:
    """What is wrong with those of a link's keys that are there; what all of them would write."""
    whole = list(ours[0].shape)
    if len(ours) > 1 or len(link.keys) > 1:
        whole[link.axis], left = divmod(sum(t.shape[link.axis] for t in ours), len(link.keys))
        if left:
            raise ValueError(f"foreign_keys: {link.paths[0]} is not {len(link.keys)} equal parts")
    shape = tuple(reversed(whole) if link.transposed else whole)
    faults: list[str] = []
    arrays: list[Any] = []
    for key in filter(state.__contains__, link.keys):
        value = _tensor(state[key])
        fault = _state.fault_of(key, value, shape, ours[0])
        if fault:
            faults.append(fault)
        else:
            array = _state.array_of(value)
            arrays.append(array.T if link.transposed else array)
    if len(arrays) < len(link.keys):
        return faults, []
    if len(ours) == 1:
        return [], list(zip(_shares(ours[0].detach(), link), arrays, strict=True))
    sizes = [tensor.shape[link.axis] for tensor in ours]
    return [], list(zip(ours, _cut(arrays[0], sizes, link.axis), strict=True))


def _tensor(value: Any) -> Any:
    """A tensor of another library as an array, in the same memory where it allows that."""
    if isinstance(value, Tensor | np.ndarray) or not hasattr(value, "__array__"):
        return value
    try:
        return as_array(value, "load_foreign", copy=False)
    except TypeError as error:  # such as bfloat16, which NumPy has not
        return error


def _shares(whole: Any, link: Link) -> list[Any]:
    """The equal parts of a tensor that are its keys'."""
    n = len(link.keys)
    if n == 1:
        return [whole]
    return list(_cut(whole, [whole.shape[link.axis] // n] * n, link.axis))


def _cut(whole: Any, sizes: Sequence[int], axis: int) -> Iterator[Any]:
    """Views of these sizes, one behind the other along an axis."""
    before = (slice(None),) * (axis % whole.ndim)
    for size, end in zip(sizes, accumulate(sizes), strict=True):
        yield whole[(*before, slice(end - size, end))]


def _whole(link: Link, copies: _Copies) -> list[Any]:
    """What a link writes into each of ours."""
    arrays = [array for _, array in copies]
    return [numpy_op(np.concatenate, arrays, link.axis)] if len(link.keys) > 1 else arrays


def _agree(one: list[Any], other: list[Any]) -> bool:
    return all(
        a is b or np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)
    )
