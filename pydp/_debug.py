"""debug: stop at the first number that is not finite, and say where it was made.

A watcher (see _context.py) looks at every result, forward and backward. Forward it remembers with
each node the source line and the modules being called, so a gradient that goes wrong later still
names the place in the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from pydp import _context, _graph
from pydp._arrays import numpy_op
from pydp.nn._where import say_where


class Made(NamedTuple):
    """Where an operation was recorded."""

    line: _context.Line | None
    modules: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.line)


class _Debug(_context.Watcher):
    def __init__(self, inf: bool) -> None:
        self.inf = inf
        self.modules: list[Any] = []
        self.walked: list[Any] = []  # the nodes whose backward is being computed

    def enter(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.modules.append(module)

    def leave(self, module: Any, result: Any) -> None:
        self.modules.pop()

    def applied(
        self, op: Any, inputs: Any, arguments: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        node = _operation(results[0]._node)
        if self.walked and not _is_open(self.walked[-1]):  # part of a backward, judged as a whole
            if node is not None:
                node.made = self.walked[-1].made
            return
        made = Made(_context.line(), tuple(self.modules))
        if node is not None:
            node.made = made
        for y in results:
            if fault := self.fault(y):
                causes = [(i, self.fault(x)) for i, x in enumerate(inputs) if x is not None]
                cause = next((f"input {i} is {bad} already" for i, bad in causes if bad), "")
                raise FloatingPointError(
                    f"{op.name}: the result is {fault}; {cause or 'its inputs are finite'}; "
                    f"{made.line}"
                )

    def before_backward(self, node: Any, dy: Any) -> None:
        operation = _operation(node)
        if not self._inside():
            for part in dy if type(dy) is list else [dy]:
                if fault := self.fault(part):
                    self.stop(operation, f"backward begins with a gradient that is {fault}")
        self.walked.append(operation)

    def after_backward(self, node: Any, parts: Any) -> None:
        self.walked.pop()
        if parts is None or self._inside() or node is not _operation(node):
            return
        for i, part in enumerate(parts):
            if node.parents[i] is not None and (fault := self.fault(part)):
                self.stop(node, f"backward gives input {i} a gradient that is {fault}")

    def _inside(self) -> bool:
        """Whether this is part of a backward that is judged as a whole."""
        return bool(self.walked) and not _is_open(self.walked[-1])

    def fault(self, x: Any) -> str | None:
        """`nan at [0, 3]`, or None where all is well."""
        if not isinstance(x, _graph.Value) or x.dtype.kind != "f":
            return None
        bad = ~numpy_op(np.isfinite, x._array) if self.inf else numpy_op(np.isnan, x._array)
        count = int(np.count_nonzero(bad))
        if not count:
            return None
        place = [int(i) for i in np.argwhere(bad)[0]]
        more = f" (and {count - 1} more)" if count > 1 else ""
        return f"{x._array[tuple(place)]} at {place}{more}"

    def stop(self, node: Any, what: str) -> None:
        made = node.made
        where = made.line if made else "it was recorded outside debug()"
        error = FloatingPointError(f"{node.op.name}: {what}; {where}")
        for module in reversed(made.modules if made else ()):
            say_where(error, module)
        raise error


def _operation(node: Any) -> Any:
    """The recorded operation behind a result's node."""
    return node.parents[0] if type(node) is _graph.Pick else node


def _is_open(node: Any) -> bool:
    """Whether a node's backward runs operations that the user called (see _remat.py)."""
    return getattr(node.op, "is_open", False)


@contextmanager
def debug(inf: bool = True) -> Iterator[None]:
    """A context that stops at the first number that is not finite: a FloatingPointError names the
    path of the module, the operation, the index and the line of your source, forward and backward.

    - `inf`: whether infinity counts too; with False only NaN does (a mask of -inf is then no
      fault).

    Every result is looked at, so it costs time; it belongs to its thread or task. PyTorch's
    `detect_anomaly` looks at gradients only; JAX's is `jax_debug_nans`.

    >>> import pydp
    >>> with pydp.debug():
    ...     pydp.log(pydp.tensor([1.0, -1.0])) # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FloatingPointError: log: the result is nan at [1]; its inputs are finite; ...
    """
    with _context.watching(_Debug(inf)):
        yield
