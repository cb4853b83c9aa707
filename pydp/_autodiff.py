"""Gradients of functions: what the graph gives, as operators on functions.

    y = f(x)             value_and_grad   y, dy/dx               one walk back
    y = f(x)             vjp              y, v ↦ vᵀ dy/dx        one walk back for each v
    y = f(x)             jvp              y, dy/dx · v           forward, by two walks back
    y = f(x) a number    hvp              y, d²y/dx² · v         two walks back

All of them trace: f runs on values of its own (`_Trace`), and walks over the graph behind its
result stop at those. jvp is reverse over reverse: u ↦ uᵀ dy/dx is linear in u, so the gradient of
its product with v is dy/dx · v, whatever u is.

Arguments and results may be tensors, numbers, or trees of them: tuples, lists and dicts. A result
can be differentiated again by whatever wanted a gradient before the call: an argument, or a tensor
that f sees. Inside `no_grad` it cannot, and costs less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from pydp import _graph, _tree
from pydp._arguments import integer, real_tensor
from pydp._arrays import constant
from pydp._op import alias
from pydp._tensor import Tensor, root_gradient

Function = Callable[..., Any]


class _Trace:
    """A call of f on values of its own, and the graph behind its result.

    inputs   the arguments at `positions`, as trees of values that each have a node
    y, aux   the result, and what came with it
    again    whether what is computed from here is recorded: y depends on older tensors too
    """

    def __init__(
        self,
        op: str,
        f: Function,
        args: Sequence[Any],
        positions: Sequence[int],
        kwargs: dict[str, Any] | None = None,
        has_aux: bool = False,
    ) -> None:
        self.op = op
        age = _graph.next_age()
        recording = _graph.is_recording()
        given = list(args)
        with _graph.enable_grad():
            for i in positions:
                given[i] = _tree.own(args[i], f"{op}: argument {i}", self._own)
            out = f(*given, **(kwargs or {}))
        self.aux: Any = None
        self.y: Any = out
        if has_aux:
            self.y, self.aux = _pair(out, op)
        self.inputs = [given[i] for i in positions]
        self.results = self._tensors(self.y)
        self.again = recording and bool(_graph.captured([y._node for y in self.results], age))

    def _own(self, x: Any, where: str) -> Any:
        """A value like x that f alone sees: it has a node, where a walk can stop."""
        op, _, argument = where.partition(": ")
        return alias(real_tensor(x, op, argument))

    def _tensors(self, tree: Any) -> list[Tensor]:
        """The tensors of f's result."""
        found = list(_tree.leaves(tree))
        for path, y in found:
            if not isinstance(y, Tensor):
                raise TypeError(
                    f"{self.op}: the function must return tensors, got {type(y).__name__}"
                    + (f" at {path}" if path else "")
                )
        return [y for _, y in found]

    def leaves(self) -> list[Tensor]:
        """The values that f was called on."""
        return [x for _, x in _tree.leaves(self.inputs)]

    def number(self) -> Tensor:
        """The result, which must be one number."""
        y = self.y
        if not isinstance(y, Tensor) or y.size != 1:
            shape = y.shape if isinstance(y, Tensor) else type(y).__name__
            raise TypeError(
                f"{self.op}: the function must return a tensor of one element, got {shape}"
            )
        if y.dtype.kind != "f":
            raise TypeError(f"{self.op}: the function must return a float, got {y.dtype}")
        return y

    def out(self, tree: Any) -> Any:
        """A tree of results as the caller gets it: cut from the graph unless recorded."""
        if self.again:
            return tree
        return _tree.mapped(lambda y: y.detach() if isinstance(y, Tensor) else y, tree)

    def pull(self, roots: list[tuple[Any, Any]], again: bool, last: bool = True) -> dict[Any, Any]:
        """node -> gradient, for the values that f was called on. The last walk may release."""
        return pull(roots, [x._node for x in self.leaves()], again, retain=not last)

    def gradients(self, found: dict[Any, Any]) -> list[Any]:
        """The trees of the inputs with gradients in them; zeros where nothing was found."""
        return [
            _tree.mapped(lambda x: found[x._node] if x._node in found else zeros(x), tree)
            for tree in self.inputs
        ]


def pull(
    roots: list[tuple[Any, Any]], nodes: Sequence[Any], again: bool, retain: bool = True
) -> dict[Any, Any]:
    """node -> gradient, by a walk from the roots that goes to these nodes only."""
    roots = [(node, gradient) for node, gradient in roots if node is not None]
    _, found = _graph.walk(
        roots,
        retain_graph=retain or again,
        create_graph=again,
        wanted=nodes,
        stop=True,
        prune=True,
    )
    return found


def zeros(x: Tensor) -> Tensor:
    """Zeros in x's shape and dtype."""
    return constant(x.shape, 0, x.dtype)  # type: ignore[no-any-return]


def positions_of(argnums: Any, count: int, op: str) -> list[int]:
    """The arguments that argnums names, counted from the front."""
    given = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    found = []
    for i in given:
        i = integer(i, op, "argnums")
        if not -count <= i < count:
            raise IndexError(f"{op}: argnums {i} is out of range for {count} arguments")
        found.append(i % count)
    if len(set(found)) != len(found):
        raise ValueError(f"{op}: argnums {argnums!r} names an argument twice")
    return found


def _pair(out: Any, op: str) -> tuple[Any, Any]:
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(
            f"{op}: with has_aux the function must return (value, aux), got {type(out).__name__}"
        )
    return out


def _function(f: Any, op: str) -> Function:
    if not callable(f):
        raise TypeError(f"{op}: the function must be callable, got {f!r}")
    return f  # type: ignore[no-any-return]


def _like(given: Any, wanted: Any, op: str, argument: str) -> list[Tensor]:
    """The tensors of a tree that must have the form, shapes and dtypes of another."""
    if not _tree.same_form(wanted, given):
        raise TypeError(f"{op}: {argument} must be tensors in the form of what they belong to")
    found = []
    for (path, x), (_, like) in zip(_tree.leaves(given), _tree.leaves(wanted), strict=True):
        if not isinstance(x, Tensor):
            x = _graph.wrap(real_tensor(x, op, argument + path)._array.astype(like.dtype))
        if x.shape != like.shape or x.dtype != like.dtype:
            raise ValueError(
                f"{op}: {argument}{path} must have shape {like.shape} and {like.dtype}, got "
                f"{x.shape} and {x.dtype}"
            )
        found.append(x)
    return found


# ---- gradients -----------------------------------------------------------------------------------


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Function:
    """A function that gives (f(…), its gradient for the arguments at positions `argnums`).

    - `f`: must return one element; with `has_aux`, a pair (that, anything else).
    - `argnums`: a position, or several: then the gradients are a tuple. Each of these arguments is
      a float tensor, or a tree of them (tuples, lists, dicts), and its gradient has its form.
    - `has_aux`: the value is then the pair (f's value, aux).

    What f does not depend on has the gradient zero. Gradients can be differentiated again:
    `grad(grad(f))`. No `.grad` is written.

    TypeError where f returns something else or an argument is no float tensor, IndexError where
    argnums is out of range. The names are JAX's; PyTorch's `grad_and_value` gives the gradient
    first.

    >>> import pydp
    >>> pydp.value_and_grad(lambda x: x * x * x)(pydp.tensor(2.0))
    (tensor(8.), tensor(12.))

    Over the parameters of a module, with `functional_call`:

    >>> model = pydp.nn.Linear(2, 1)
    >>> x = pydp.tensor([[1.0, 2.0]])
    >>> def loss(params):
    ...     return pydp.functional_call(model, params, x).sum()
    >>> value, gradients = pydp.value_and_grad(loss)(model.state_dict())
    >>> gradients["weight"]
    tensor([[1., 2.]])
    """
    op = "grad"
    _function(f, op)
    several = isinstance(argnums, (tuple, list))

    @wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        positions = positions_of(argnums, len(args), op)
        trace = _Trace(op, f, args, positions, kwargs, has_aux)
        y = trace.number()
        roots = [(y._node, root_gradient(y, None, op))]
        gradients = trace.gradients(trace.pull(roots, trace.again))
        value = trace.out((y, trace.aux)) if has_aux else trace.out(y)
        return value, tuple(gradients) if several else gradients[0]

    return differentiated


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """The gradient of f as a function of the same arguments; see value_and_grad.

    With `has_aux` f returns (value, aux), and the new function (gradient, aux).

    >>> import pydp
    >>> pydp.grad(pydp.grad(lambda x: x * x * x))(pydp.tensor(2.0))
    tensor(12.)
    """
    both = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


# ---- products with the Jacobian and the Hessian --------------------------------------------------


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> Any:
    """(f(*primals), pullback): the value, and v ↦ vᵀ · df/dprimals.

    - `primals`: f's arguments: float tensors or trees of them.
    - `pullback(v)`: v has the form, shapes and dtypes of f's value. It gives a tuple, one gradient
      for each of the primals, and can be called any number of times.
    - `has_aux`: f returns (value, aux), and the result is (value, pullback, aux).

    PyTorch's `torch.func.vjp` gives the gradient itself where there is one of the primals; JAX's
    gives a tuple, as here.

    >>> import pydp
    >>> y, pullback = pydp.vjp(lambda a, b: a * b, pydp.tensor([1.0, 2.0]), pydp.tensor(3.0))
    >>> y
    tensor([3., 6.])
    >>> pullback(pydp.tensor([1.0, 10.0]))
    (tensor([ 3., 30.]), tensor(21.))
    """
    trace = _Trace("vjp", _function(f, "vjp"), primals, range(len(primals)), has_aux=has_aux)

    def pullback(v: Any) -> tuple[Any, ...]:
        given = _like(v, trace.y, "vjp", "v")
        again = _graph.is_recording() and (trace.again or any(x._node is not None for x in given))
        roots = [(y._node, x + 0.0) for y, x in zip(trace.results, given, strict=True)]
        return tuple(trace.gradients(trace.pull(roots, again, last=False)))

    value = trace.out(trace.y)
    return (value, pullback, trace.out(trace.aux)) if has_aux else (value, pullback)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """(f(*primals), df/dprimals · tangents): the value, and how it changes along a direction.

    - `primals`: a tuple of f's arguments: float tensors or trees of them.
    - `tangents`: a tuple of the same form, shapes and dtypes.
    - `has_aux`: f returns (value, aux), and the result is (value, tangent, aux).

    By two walks back (Townsend, "A new trick for calculating Jacobian vector products", 2017): it
    costs about three evaluations of f and, unlike true forward mode, keeps the graph.

    >>> import pydp
    >>> pydp.jvp(lambda x: x * x, (pydp.tensor([1.0, 2.0]),), (pydp.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    primals, tangents = _tuple(primals, "jvp", "primals"), _tuple(tangents, "jvp", "tangents")
    trace = _Trace("jvp", _function(f, "jvp"), primals, range(len(primals)), has_aux=has_aux)
    given = _like(list(tangents), trace.inputs, "jvp", "tangents")
    again = _graph.is_recording() and (trace.again or any(v._node is not None for v in given))
    rows = Rows(trace)
    found = rows.push(given, again)
    tangent = _tree.mapped(
        lambda y, u: found[u._node] if u._node in found else zeros(y), trace.y, rows.u
    )
    value = trace.out(trace.y)
    return (value, tangent, trace.out(trace.aux)) if has_aux else (value, tangent)


class Rows:
    """u ↦ uᵀ dy/dx of a trace, recorded: what jvp and jacobian differentiate by u."""

    def __init__(self, trace: _Trace) -> None:
        self.trace = trace
        self.u = _tree.mapped(lambda y: alias(zeros(y)), trace.y)
        self.nodes = [u._node for _, u in _tree.leaves(self.u)]
        roots = [
            (y._node, u)
            for y, (_, u) in zip(trace.results, _tree.leaves(self.u), strict=True)
            if y.dtype.kind == "f"
        ]
        self.found = trace.pull(roots, again=True)

    def push(self, tangents: Sequence[Any], again: bool) -> dict[Any, Any]:
        """node of u -> dy/dx · tangents; None among the tangents stands for zeros."""
        roots = [
            (self.found[x._node]._node, v)
            for x, v in zip(self.trace.leaves(), tangents, strict=True)
            if v is not None and x._node in self.found
        ]
        return pull(roots, self.nodes, again)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """(f(*primals), d²f/dprimals² · tangents): the value, and the Hessian times a direction.

    - `f`: must return one element.
    - `primals`, `tangents`: tuples of one form, as for `jvp`; the product is such a tuple too.

    By reverse over reverse (Pearlmutter, "Fast exact multiplication by the Hessian", 1994), so it
    costs a few evaluations of f, not one for each row. As `torch.autograd.functional.hvp`, with
    the arguments of `jvp`.

    >>> import pydp
    >>> pydp.hvp(lambda x: (x * x * x).sum(), (pydp.tensor([1.0, 2.0]),), (pydp.ones(2),))
    (tensor(9.), (tensor([ 6., 12.]),))
    """
    primals, tangents = _tuple(primals, "hvp", "primals"), _tuple(tangents, "hvp", "tangents")
    trace = _Trace("hvp", _function(f, "hvp"), primals, range(len(primals)))
    y = trace.number()
    given = _like(list(tangents), trace.inputs, "hvp", "tangents")
    again = _graph.is_recording() and (trace.again or any(v._node is not None for v in given))
    found = trace.pull([(y._node, root_gradient(y, None, "hvp"))], again=True)
    roots = [
        (found[x._node]._node, v + 0.0)
        for x, v in zip(trace.leaves(), given, strict=True)
        if x._node in found
    ]
    return trace.out(y), tuple(trace.gradients(trace.pull(roots, again)))


def _tuple(given: Any, op: str, argument: str) -> tuple[Any, ...]:
    if not isinstance(given, (tuple, list)):
        raise TypeError(
            f"{op}: {argument} must be a tuple with one entry for each argument of the function, "
            f"got {type(given).__name__}"
        )
    return tuple(given)
