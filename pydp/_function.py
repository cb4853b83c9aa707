"""Operations that a user defines: values computed in any way, with a gradient of their own."""

from __future__ import annotations

from typing import Any, ClassVar

from pydp import _graph, _tree
from pydp._arrays import Array, constant
from pydp._op import alias
from pydp._tensor import Tensor


class Function:
    """An operation with a gradient of its own: a class with two static methods, called as
    `Name.apply(…)`. Nothing is ever instantiated.

    - `forward(*arguments) -> (y, saved)`: y is a tensor, or a tuple of tensors; `saved` a tuple of
      what backward needs, or None. Nothing is recorded here, so any computation will do, NumPy's
      too: `pydp.tensor(numpy.cbrt(x.numpy()))`.
    - `backward(saved, dy)`: the gradient of each argument of forward, in order, None for those
      that have none; a single gradient where forward has one argument. With several results dy is
      a tuple, with zeros for results that nothing used.

    Arguments that are tensors get gradients; others are passed as they are. If backward is written
    in pydp's functions, and saves only tensors that are arguments or results, gradients can be
    differentiated again. A saved tensor that is neither, or a gradient that does not follow dy, is
    a NotImplementedError there and no wrong number. What backward computes with as a constant is
    saved as a NumPy array.

    `check_gradients` examines it. PyTorch's `autograd.Function` has a `ctx` where this has `saved`.

    >>> import pydp
    >>> class Cube(pydp.Function):
    ...     @staticmethod
    ...     def forward(x):
    ...         return x * x * x, (x,)
    ...     @staticmethod
    ...     def backward(saved, dy):
    ...         (x,) = saved
    ...         return dy * 3.0 * x * x
    >>> x = pydp.tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).sum().backward()
    >>> x.grad
    tensor([12.])
    >>> pydp.check_gradients(Cube.apply, pydp.tensor([2.0], dtype="float64"))
    """

    _rule: ClassVar[_Rule]

    def __init__(self) -> None:
        name = type(self).__name__
        raise TypeError(f"{name}: functions are not instantiated; call {name}.apply(…)")

    def __init_subclass__(cls) -> None:
        cls._rule = _Rule(cls)

    @staticmethod
    def forward(*arguments: Any) -> tuple[Any, Any]:
        """The value, and what backward needs."""
        raise NotImplementedError("forward is not defined")

    @staticmethod
    def backward(saved: Any, dy: Any) -> Any:
        """The gradient of each argument."""
        raise NotImplementedError("backward is not defined")

    @classmethod
    def apply(cls, *arguments: Any) -> Any:
        """The function's value, recorded with its own gradient."""
        if cls is Function:
            raise TypeError("Function: apply is called on a subclass")
        tensors = [x for x in arguments if isinstance(x, Tensor)]
        y = _graph.apply(cls._rule, tensors, _Call(arguments))
        for part in y if type(y) is tuple else (y,):
            if part.dtype.kind != "f":
                part._node = None
        return y


class _Call:
    """The arguments of one call. Forward takes them, and leaves what backward will ask for: the
    shape and dtype of each tensor, None for others."""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self.arguments = arguments
        self.types = [(x.shape, x.dtype) if isinstance(x, Tensor) else None for x in arguments]

    def taken(self) -> tuple[Any, ...]:
        arguments, self.arguments = self.arguments, ()
        return arguments


class _Kept:
    """What forward saved that is no argument or result: plain for the graph."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.is_intermediate = isinstance(value, Tensor) and value.dtype.kind == "f"


class _Rule:
    """What the graph sees of a Function: an op whose inputs are the tensors among the arguments."""

    def __init__(self, function: type[Function]) -> None:
        self.function = function
        self.name = function.__name__

    def forward(self, needs: Any, *given: Any) -> Any:
        *arrays, call = given
        seen = [x.detach() if isinstance(x, Tensor) else x for x in call.taken()]
        before = [x._version[0] for x in seen if isinstance(x, Tensor)]
        with _graph.no_grad():
            out = self.function.forward(*seen)
        if [x._version[0] for x in seen if isinstance(x, Tensor)] != before:
            raise RuntimeError(f"{self.name}: forward must not change an argument in place")
        if type(out) is not tuple or len(out) != 2 or not isinstance(out[1], tuple | None):
            raise TypeError(f"{self.name}: forward must return (y, saved), saved a tuple or None")
        y, saved = out
        results = y if type(y) is tuple else (y,)
        for part in results:
            if not isinstance(part, Tensor):
                raise TypeError(
                    f"{self.name}: forward must give a tensor or a tuple of tensors, got "
                    f"{type(part).__name__}"
                )
        # An argument given back is another value of the same memory: a view of it.
        ys = [y._array[...] if _place(y._array, arrays) else y._array for y in results]
        if needs is None:
            return (tuple(ys) if type(y) is tuple else ys[0]), None
        kept: list[Any] = [_Kept([(y.shape, y.dtype) for y in ys])]
        for item in saved or ():
            array = item._array if isinstance(item, Tensor) else None
            place = _place(array, arrays)
            among = array is not None and any(array is y._array for y in results)
            kept.append(place if place else array if among else _Kept(item))
        return (tuple(ys) if type(y) is tuple else ys[0]), tuple(kept)

    def backward(self, saved: Any, dy: Any, needs: Any, call: _Call) -> Any:
        again = _graph.is_recording()
        if type(dy) is list:
            like = saved[0].value
            dy = tuple([_zeros(*like[i]) if d is None else d for i, d in enumerate(dy)])
        if again:
            dy = _tree.mapped(lambda d: alias(d) if d._node is None else d, dy)
        values = tuple([self._value(item, again) for item in saved[1:]])
        given = self.function.backward(values, dy)
        if len(call.types) == 1 and type(given) is not tuple:
            given = (given,)
        if type(given) is not tuple or len(given) != len(call.types):
            raise TypeError(
                f"{self.name}: backward must return {len(call.types)} gradients, one for each "
                f"argument of forward, got {_said(given)}"
            )
        for i, (kind, dx) in enumerate(zip(call.types, given, strict=True)):
            self._check(i, kind, dx, again)
        wanted = [dx for kind, dx in zip(call.types, given, strict=True) if kind is not None]
        return tuple([dx if need else None for dx, need in zip(wanted, needs, strict=True)])

    def _value(self, item: Any, again: bool) -> Any:
        if not isinstance(item, _Kept):
            return item
        if again and item.is_intermediate:
            raise NotImplementedError(
                f"{self.name}: its gradient cannot be differentiated: forward saved a tensor that "
                "is neither an argument nor a result; compute it in backward, or save it as a "
                "NumPy array if it is a constant"
            )
        return item.value

    def _check(self, i: int, kind: Any, dx: Any, again: bool) -> None:
        """The gradient of argument i must fit it, and be recorded where that is asked for."""
        if dx is None:
            return
        if kind is None or not isinstance(dx, Tensor):
            wanted = "None: it is no tensor" if kind is None else "a tensor or None"
            raise TypeError(
                f"{self.name}: backward must give argument {i} {wanted}, got {_said(dx)}"
            )
        shape, dtype = kind
        if dx.shape != shape or dx.dtype != dtype:
            raise ValueError(
                f"{self.name}: backward must give argument {i} a gradient of shape {shape} and "
                f"{dtype}, got {dx.shape} and {dx.dtype}"
            )
        if again and dx._node is None:
            raise NotImplementedError(
                f"{self.name}: its gradient cannot be differentiated: that of argument {i} does "
                "not follow dy; write backward in pydp's functions (None for a gradient of zero)"
            )


def _place(array: Any, arrays: list[Array]) -> _graph.Place | None:
    """Which of the arguments' arrays this is."""
    for i, x in enumerate(arrays):
        if x is array:
            return _graph.Place(i)
    return None


def _zeros(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return constant(shape, 0, dtype)  # type: ignore[no-any-return]


def _said(given: Any) -> str:
    return f"{len(given)}" if type(given) is tuple else type(given).__name__
