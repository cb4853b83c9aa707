"""Gradients of functions: what the graph gives, as operators on functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from pydp import _graph
from pydp._op import Alias, integer
from pydp._tensor import Tensor, root_gradient


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that gives (f(…), its gradient for the arguments at positions `argnums`).

    f must return one element. The gradients are tensors of the arguments' shapes, a tuple where
    argnums is a sequence. They can be differentiated again: `grad(grad(f))`.

    >>> import pydp
    >>> pydp.value_and_grad(lambda x: x * x * x)(pydp.tensor(2.0))
    (tensor(8.), tensor(12.))
    """
    several = not isinstance(argnums, int)
    positions = [integer(i, "grad", "argnums") for i in (argnums if several else (argnums,))]  # type: ignore[union-attr]

    @wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        again = _graph.is_recording() and any(
            isinstance(x, Tensor) and x._node is not None for x in args
        )
        inputs = list(args)
        with _graph.enable_grad():
            for i in positions:
                if not -len(args) <= i < len(args):
                    raise IndexError(f"grad: argnums {i} is out of range for {len(args)} arguments")
                x = args[i]
                if not isinstance(x, Tensor) or x.dtype.kind != "f":
                    raise TypeError(f"grad: argument {i} must be a float tensor, got {x!r}")
                if x._node is not None:
                    inputs[i] = _graph.apply(Alias, (x,))
                else:
                    inputs[i] = _graph.wrap(x._array, _graph.Leaf(x._array))
                inputs[i]._version = x._version
            y = f(*inputs, **kwargs)
        if not isinstance(y, Tensor) or y.size != 1:
            shape = y.shape if isinstance(y, Tensor) else type(y).__name__
            raise TypeError(f"grad: the function must return a tensor of one element, got {shape}")
        nodes = [inputs[i]._node for i in positions]
        found: dict[Any, Any] = {}
        if y._node is not None:
            root = root_gradient(y, None, "grad")
            _, found = _graph.walk(
                [(y._node, root)], retain_graph=again, create_graph=again, wanted=nodes, stop=True
            )
        gradients = []
        for i, node in zip(positions, nodes, strict=True):
            gradient = found.get(node)
            if gradient is None:
                gradient = _graph.wrap(inputs[i]._copied(inputs[i]._array)) * 0.0
            gradients.append(gradient)
        value = y if again else y.detach()
        return value, tuple(gradients) if several else gradients[0]

    return differentiated


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The gradient of f as a function of the same arguments; see value_and_grad.

    >>> import pydp
    >>> pydp.grad(pydp.grad(lambda x: x * x * x))(pydp.tensor(2.0))
    tensor(12.)
    """

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad(f, argnums)(*args, **kwargs)[1]

    return gradient
