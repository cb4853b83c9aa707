"""remat: keep a function's arguments instead of what it computed, and compute it again in backward.

    forward     x ── f ── y        the graph behind y is made, its outer ends are noted, it goes
    graph       ends ── Node(remat) ── y
    backward    f runs again; a walk from its result to the same ends gives their gradients

The ends are the nodes that were there before: those of the arguments, and of whatever else f sees,
such as the parameters of a module. So it composes with `grad`, with gradients of gradients, and
with itself.

Invariant: the second run is the first one over again: the same random numbers (see `dealing` in
_random.py), the same surroundings, the same tensors at the same versions, or it is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydp import _context, _graph, _tree
from pydp._arrays import Array
from pydp._autodiff import pull
from pydp._random import dealing, remembering
from pydp._tensor import Tensor


class _Uses(_context.Watcher):
    """Notes the memory that recorded operations read and that was there before."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self.versions: dict[int, Any] = {}

    def applied(
        self, op: Any, inputs: Any, arguments: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        for y in results:
            self._made[id(y._version)] = y._version  # held, so that no id comes twice
        if results[0]._node is not None:
            for x in inputs:
                if x is not None and id(x._version) not in self._made:
                    self.versions[id(x._version)] = x._version


class _Run:
    """One call of f: all that its repetition needs."""

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs
        self.keys: list[Array] = []
        self.surroundings = _context.surroundings_now()
        self.versions: list[tuple[Any, int]] = []
        self.kept: list[int] = []  # which leaves of the result are results of the node
        self.ends: list[int] = []  # the ages of the nodes it was computed from

    def first(self) -> Any:
        """f's result, with its graph."""
        uses = _Uses()
        given = [x._version for _, x in _tree.leaves((self.args, self.kwargs)) if _is_tensor(x)]
        before = [version[0] for version in given]
        with remembering(self.keys), _context.watching(uses):
            y = self.f(*self.args, **self.kwargs)
        if [version[0] for version in given] != before:
            raise RuntimeError("remat: the function changes an argument in place; it is run twice")
        self.versions = [(version, version[0]) for version in uses.versions.values()]
        return y

    def second(self) -> list[Tensor]:
        """The same results again, with their graph."""
        for version, count in self.versions:
            if version[0] != count:
                raise RuntimeError(
                    "remat: a tensor that the function uses was changed in place between its two "
                    f"runs: it is at version {version[0]}, expected {count}"
                    f"{_graph.last_change(version)}"
                )
        with _context.again(self.surroundings), dealing(self.keys), _graph.enable_grad():
            y = self.f(*self.args, **self.kwargs)
        found = [x for _, x in _tree.leaves(y)]
        return [found[i] for i in self.kept]


class _Remat:
    """The op of the node: its backward runs the function again."""

    name = "remat"
    is_open = True  # its backward consists of operations that a user called: `debug` looks inside

    @staticmethod
    def backward(saved: Any, dys: Sequence[Any], needs: Sequence[Any]) -> Any:
        (run,) = saved
        age = _graph.next_age()
        ys = run.second()
        ends = _graph.captured([y._node for y in ys], age)
        if [end.age for end in ends] != run.ends:
            raise RuntimeError(
                "remat: the function used other tensors in its second run than in its first; it "
                "must depend on nothing that changes in between"
            )
        again = _graph.is_recording()
        roots = [(y._node, dy) for y, dy in zip(ys, dys, strict=True) if dy is not None]
        found = pull(roots, [end for end in needs if end], again, retain=False)
        return tuple([found.get(end) if end else None for end in needs])


def _is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def remat(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """f(*args, **kwargs), whose intermediate values are not kept for backward but computed again.

    It trades time (f runs twice) for memory (only the arguments and the result are kept), and
    changes no number, but for the order in which gradients are added: the second run has the same
    random numbers, and leaves the generators alone.

    - `f`: a function or module; its result is a tensor or a tree of them (tuples, lists, dicts).
    - `args`, `kwargs`: whatever f takes. Gradients flow into tensors among them, and into those
      that f sees otherwise, such as its parameters.

    RuntimeError where f changes an argument in place, and in backward where a tensor that f uses
    was changed since, or f takes another way.

    PyTorch's `torch.utils.checkpoint.checkpoint`, JAX's `checkpoint` (there a decorator). Chen et
    al., "Training deep nets with sublinear memory cost", 2016.

    >>> import pydp
    >>> x = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> y = pydp.remat(lambda x: pydp.exp(x) * pydp.exp(x), x)
    >>> y.sum().backward()
    >>> bool(pydp.all(x.grad == 2.0 * y))
    True
    """
    if not callable(f):
        raise TypeError(f"remat: the function must be callable, got {f!r}")
    if not _graph.is_recording():
        return f(*args, **kwargs)
    run = _Run(f, args, kwargs)
    age = _graph.next_age()
    y = run.first()
    results = [x for _, x in _tree.leaves(y)]
    run.kept = [
        i
        for i, x in enumerate(results)
        if isinstance(x, Tensor) and x._node is not None and x._node.age > age
    ]
    ends = _graph.captured([results[i]._node for i in run.kept], age)
    run.ends = [end.age for end in ends]
    if not ends:
        return y
    values = [_graph.wrap(results[i]._array) for i in run.kept]
    for value, i in zip(values, run.kept, strict=True):
        value._version = results[i]._version
    _graph.record(_Remat, ends, values, (), [run])
    for value, i in zip(values, run.kept, strict=True):
        results[i] = value
    left = iter(results)
    return _tree.mapped(lambda _: next(left), y)
