"""Whole matrices of derivatives: the Jacobian, and the Hessian as the Jacobian of the gradient.

    dy/dx, row by row         one walk back for each element of y
    dy/dx, column by column   one for each element of x, over the recorded rows (see `Rows`)

The cheaper of the two is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from pydp import _graph, _tree, ops
from pydp._arrays import constant
from pydp._autodiff import Function, Rows, _function, _Trace, positions_of, zeros
from pydp._tensor import Tensor


def jacobian(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that gives df/dx for the arguments at positions `argnums`, as arrays of the shape
    ``f(…).shape + x.shape``.

    - `f`: returns a tensor or a tree of tensors; with `has_aux`, a pair (that, anything else), and
      the new function returns (Jacobian, aux).
    - `argnums`: a position, or several: then a tuple stands where the one Jacobian stood. Where f's
      value or an argument is a tree, so is the Jacobian: f's, with the argument's at each leaf.

    It takes as many walks as the smaller of value and arguments has elements. The result can be
    differentiated again.

    >>> import pydp
    >>> pydp.jacobian(lambda x: x * x)(pydp.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    _function(f, "jacobian")
    several = isinstance(argnums, (tuple, list))

    @wraps(f)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        positions = positions_of(argnums, len(args), "jacobian")
        trace = _Trace("jacobian", f, args, positions, kwargs, has_aux)
        inputs = trace.leaves()
        with _graph.enable_grad() if trace.again else _graph.no_grad():
            outputs = sum([y.size for y in trace.results])
            by_column = sum([x.size for x in inputs]) < outputs
            found = (_columns if by_column else _rows)(trace, inputs)
        blocks = iter(found)
        tree = _tree.mapped(lambda y: _blocks_of(trace, several, blocks), trace.y)
        return (tree, trace.out(trace.aux)) if has_aux else tree

    return matrix


def _blocks_of(trace: _Trace, several: bool, blocks: Any) -> Any:
    """The next blocks, one for each input, in the form of the inputs."""
    trees = [_tree.mapped(lambda _: next(blocks), tree) for tree in trace.inputs]
    return tuple(trees) if several else trees[0]


def _unit(like: Tensor, i: int) -> Any:
    """Zeros with a one at element i."""
    unit = constant(like.shape, 0, like.dtype)
    unit._array[tuple(_place(i, like.shape))] = 1
    return unit


def _place(i: int, shape: tuple[int, ...]) -> list[int]:
    """The index of element i in C order."""
    place = []
    for n in reversed(shape):
        i, k = divmod(i, n)
        place.append(k)
    return place[::-1]


def _joined(parts: list[Any], shape: tuple[int, ...], like: Tensor) -> Any:
    """Arrays of one shape, one for each element of `like`, as one array (like.shape, shape)."""
    if not parts:
        empty = zeros(like)
        return ops.reshape(empty, (*like.shape, *shape))
    return ops.reshape(ops.stack(parts), (*like.shape, *shape))


def _rows(trace: _Trace, inputs: list[Tensor]) -> list[Any]:
    """The blocks dy/dx, for each y and each x: a walk from each element of y."""
    blocks = []
    for y in trace.results:
        rows: list[list[Any]] = [[] for _ in inputs]
        for i in range(y.size):
            found = trace.pull([(y._node, _unit(y, i))], trace.again, last=False)
            for k, x in enumerate(inputs):
                rows[k].append(found[x._node] if x._node in found else zeros(x))
        blocks += [_joined(rows[k], x.shape, y) for k, x in enumerate(inputs)]
    return blocks


def _columns(trace: _Trace, inputs: list[Tensor]) -> list[Any]:
    """The same blocks: a walk from each element of x over the recorded rows."""
    rows = Rows(trace)
    columns: list[list[Any]] = []
    for k, x in enumerate(inputs):
        found: list[dict[Any, Any]] = []
        for i in range(x.size):
            tangents = [_unit(x, i) if j == k else None for j in range(len(inputs))]
            found.append(rows.push(tangents, trace.again))
        columns.append([])
        for y, u in zip(trace.results, rows.nodes, strict=True):
            parts = [one[u] if u in one else zeros(y) for one in found]
            whole = _joined(parts, y.shape, x)  # (x.shape, y.shape)
            axes = range(whole.ndim)
            columns[-1].append(ops.permute_dims(whole, [*axes[x.ndim :], *axes[: x.ndim]]))
    return [columns[k][j] for j in range(len(trace.results)) for k in range(len(inputs))]


def hessian(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that gives d²f/dx² for the arguments at positions `argnums`, as arrays of the
    shape ``f(…).shape + x.shape + x.shape``.

    Arguments and trees are those of `jacobian`, of which it is the second power. For a product of
    the Hessian with a vector `hvp` is enough, and far cheaper.

    >>> import pydp
    >>> pydp.hessian(lambda x: (x * x * x).sum())(pydp.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    _function(f, "hessian")
    second: Callable[..., Any] = jacobian(jacobian(f, argnums, has_aux), argnums, has_aux)
    return second
