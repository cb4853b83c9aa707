"""A tensor among other libraries' arrays: NumPy's protocols, DLPack, the array API standard.

to NumPy     t.numpy(), np.asarray(t): a read-only view, since the graph must see every write
with NumPy   a + t, np.sin(t): pydp's function of that name, and a tensor
DLPack       torch.from_dlpack(t): the memory itself where it is in C order; whoever writes
             there writes unseen by the graph
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from pydp import _graph, _kernels, ops
from pydp._arguments import check_device
from pydp._arrays import Array

if TYPE_CHECKING:
    from pydp._tensor import Tensor

# NumPy's ufuncs whose names are not pydp's.
UFUNCS = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh",
    "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh", "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift", "power": "pow", "right_shift": "bitwise_right_shift",
    "rint": "round",
}  # fmt: skip
# Those whose names are, and mean the same.
UFUNCS |= {
    name: name
    for name in (
        "add", "bitwise_and", "bitwise_or", "bitwise_xor", "ceil", "copysign", "cos", "cosh",
        "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal",
        "hypot", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log10", "log1p",
        "log2", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "matmul",
        "maximum", "minimum", "multiply", "negative", "nextafter", "not_equal", "positive",
        "reciprocal", "remainder", "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract",
        "tan", "tanh", "trunc",
    )
}  # fmt: skip

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


class Interchange:
    """The part of Tensor that other libraries call."""

    __slots__ = ()
    _array: Array
    _node: Any

    # ---- NumPy

    def numpy(self) -> Array:
        """The elements as a read-only NumPy view, cut from the graph; it may be strided."""
        view = self._array.view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if dtype is not None and np.dtype(dtype) != self._array.dtype:
            if copy is False:
                raise ValueError(f"__array__: {self._array.dtype} as {dtype} needs a copy")
            return self._array.astype(dtype)
        return self._array.copy() if copy else self.numpy()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        """NumPy's operators and elementwise functions: with a tensor among the operands, pydp's.

        TypeError where pydp has no such function, or does not know the keyword. `array += tensor`
        writes into the array, unless that would lose a gradient.
        """
        known = (_graph.Value, np.ndarray, np.generic)
        if any(not isinstance(x, known) and hasattr(x, "__array_ufunc__") for x in inputs):
            return NotImplemented
        name = ufunc.__name__
        if method != "__call__" or (name not in UFUNCS and name != "divmod"):
            called = name if method == "__call__" else f"{name}.{method}"
            raise TypeError(f"np.{called}: not for tensors; use a function of pydp, or t.numpy()")
        (target,) = keywords.pop("out", (None,))
        if keywords:
            raise TypeError(f"np.{name}: with a tensor there is no {next(iter(keywords))}=")
        if name == "divmod":
            y: Any = ops.floor_divide(*inputs), ops.remainder(*inputs)
        else:
            y = getattr(ops, UFUNCS[name])(*inputs)
        return y if target is None else _into(target, y, f"np.{name}")

    # ---- DLPack

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A capsule over the elements in C order: this memory where it is, else a copy.

        BufferError for a tensor in the graph, another device or a stream, where copy=False and a
        copy is needed, and for read-only memory where the consumer's version has no flag for it.
        """
        if self._node is not None:
            raise BufferError("__dlpack__: the tensor requires grad; use detach()")
        if stream is not None:
            raise BufferError(f"__dlpack__: the cpu has no streams, got {stream!r}")
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(f"__dlpack__: tensors are on (1, 0), the cpu, not on {dl_device}")
        array = self._array
        if not array.flags.c_contiguous:
            if copy is False:
                raise BufferError(
                    f"__dlpack__: copy=False, but the tensor's strides {array.strides} are not in "
                    "C order"
                )
            array = _kernels.contiguous(array)
        return array.__dlpack__(max_version=max_version, copy=copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the cpu

    # ---- the array API standard

    @property
    def device(self) -> str:
        """Always "cpu"."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> Tensor:
        """This tensor: the one device is "cpu"."""
        check_device(device, "to_device")
        if stream is not None:
            raise ValueError(f"to_device: the cpu has no streams, got {stream!r}")
        return self  # type: ignore[return-value]

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        """The module pydp, which holds the standard's functions."""
        if api_version is not None and api_version not in API_VERSIONS:
            raise ValueError(
                f"__array_namespace__: api_version must be one of {', '.join(API_VERSIONS)}, got "
                f"{api_version!r}"
            )
        return importlib.import_module("pydp")


def _into(target: Any, y: Any, name: str) -> Any:
    """The result of `array += tensor`: written into the array."""
    if not isinstance(target, np.ndarray) or isinstance(y, tuple):
        raise TypeError(f"{name}: out must be a NumPy array; t[...] = value writes into a tensor")
    if y._node is not None:
        raise TypeError(
            f"{name}: a NumPy array has no gradient to take the result's; say array = array + t, "
            "or t.detach()"
        )
    try:
        np.copyto(target, y._array, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    return target
