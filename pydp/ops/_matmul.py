"""Matrix products: matmul with any strides and batch axes, and the linear layer's product.

The gradients are matrix products too, with transposed views of the same arrays: nothing is copied.

    y  = x w            dx = dy wᵀ           dw = xᵀ dy
    y  = x Wᵀ + b       dx = dy W            dW = dyᵀ x            db = Σ dy
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._graph import apply, is_recording
from pydp._op import Array, Op, numpy_op, operands, real_tensor, same_float
from pydp.ops._activation import gelu, reference_of
from pydp.ops._elementwise import RELU_BACKWARD, SIGMOID_BACKWARD, TANH_BACKWARD
from pydp.ops._reduce import sum, sum_to
from pydp.ops._shape import expand_dims, matrix_transpose, reshape, squeeze

ACTIVATIONS = _kernels.activations
# How dy passes back through an activation, from the result y.
ACTIVATION_BACKWARD = {"relu": RELU_BACKWARD, "tanh": TANH_BACKWARD, "sigmoid": SIGMOID_BACKWARD}


class MatMul(Op):
    name = "matmul"
    type = "(any[..., m, k], any[..., k, n]) -> any[..., m, n]"
    broadcasts_before = 2

    @staticmethod
    def forward(needs: Any, x: Array, w: Array) -> Any:
        if x.dtype.kind != "f":
            return np.asarray(numpy_op(np.matmul, x, w)), None
        batch = x.shape[:-2]
        if batch != w.shape[:-2]:
            batch = np.broadcast_shapes(batch, w.shape[:-2])
        y = _kernels.empty((*batch, x.shape[-2], w.shape[-1]), x.dtype)
        _kernels.matmul_forward(x, w, None, y, 0)
        return y, (x, w)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> Any:
        x, w = saved
        dx = sum_to(matmul(dy, matrix_transpose(w)), x.shape) if needs[0] else None
        dw = sum_to(matmul(matrix_transpose(x), dy), w.shape) if needs[1] else None
        return dx, dw

    @staticmethod
    def reference(x: Array, w: Array) -> Array:
        columns = [(x * w[..., None, :, j]).sum(-1) for j in range(w.shape[-1])]
        batch = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
        return np.stack(columns, -1) if columns else np.zeros((*batch, x.shape[-2], 0))


def matmul(x: Any, w: Any) -> Any:
    """The matrix product of the last two axes; the others broadcast.

    Type: ``(any[..., m, k], any[..., k, n]) -> any[..., m, n]``, y_mn = Σ_k x_mk w_kn.
    A vector as first argument is a row, as second a column, and that axis is dropped again. Any
    strides are read in place. Integers stay in their promoted type, which wraps around. ValueError
    where the sizes k differ or an argument is 0-d, TypeError for bool.

    >>> import pydp
    >>> pydp.matmul(pydp.tensor([[1.0, 2.0], [3.0, 4.0]]), pydp.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    x, w = operands("matmul", x, w)
    if x.dtype.kind == "b":
        raise TypeError("matmul: x and w must be numbers, got bool; use astype")
    if x.ndim == 0 or w.ndim == 0:
        raise ValueError(f"matmul: arguments need an axis, got shapes {x.shape} and {w.shape}")
    if x.ndim == 1:
        return squeeze(matmul(expand_dims(x, 0), w), -2 if w.ndim > 1 else 0)
    if w.ndim == 1:
        return squeeze(matmul(x, expand_dims(w, 1)), -1)
    if x.shape[-1] != w.shape[-2]:
        raise ValueError(
            f"matmul: {x.shape} times {w.shape}: the last size of the first, {x.shape[-1]}, must "
            f"equal the last but one of the second, {w.shape[-2]}"
        )
    if w.ndim == 2 and x.ndim > 2 and x._array.flags.c_contiguous:  # one product of all rows
        y = apply(MatMul, (reshape(x, (math.prod(x.shape[:-1]), x.shape[-1])), w))
        return reshape(y, (*x.shape[:-1], w.shape[-1]))
    try:
        np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    except ValueError:
        raise ValueError(
            f"matmul: the batch axes of {x.shape} and {w.shape} do not broadcast"
        ) from None
    return apply(MatMul, (x, w))


class Linear(Op):
    name = "linear"
    type = "(real[rows, i], real[o, i], real[o]?) -> real[rows, o]"

    @staticmethod
    def forward(
        needs: Any, x: Array, weight: Array, bias: Array | None, activation: str | None
    ) -> Any:
        y = _kernels.empty((x.shape[0], weight.shape[0]), x.dtype)
        _kernels.matmul_forward(x, weight.T, bias, y, ACTIVATIONS[activation])
        return y, (x, weight, y if activation else None)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, activation: str | None) -> Any:
        x, weight, y = saved
        dz = apply(ACTIVATION_BACKWARD[activation], (y, dy)) if activation else dy
        return (
            matmul(dz, weight) if needs[0] else None,
            matmul(matrix_transpose(dz), x) if needs[1] else None,
            sum(dz, axis=0) if needs[2] else None,
        )

    @staticmethod
    def reference(x: Array, weight: Array, bias: Array | None, activation: str | None) -> Array:
        z = MatMul.reference(x, weight.T) + (0 if bias is None else bias)
        return reference_of(activation, z)


def linear(x: Any, weight: Any, bias: Any = None, activation: str | None = None) -> Any:
    """activation(x Wᵀ + b), in one pass over y.

    Type: ``(real[..., i], real[o, i], real[o]?) -> real[..., o]``.

    x            real[..., i]
    weight       real[o, i]
    bias         real[o], or None
    activation   None, "relu", "gelu", "tanh" or "sigmoid"

    ValueError where sizes do not fit, TypeError where dtypes differ.

    >>> import pydp
    >>> pydp.linear(pydp.ones((1, 3)), pydp.ones((2, 3)), pydp.tensor([0.0, -5.0]), "relu")
    tensor([[3., 0.]])
    """
    check_activation(activation, "linear")
    x, weight = real_tensor(x, "linear", "x"), real_tensor(weight, "linear", "weight")
    bias = None if bias is None else real_tensor(bias, "linear", "bias")
    same_float("linear", x=x, weight=weight, bias=bias)
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"linear: x must be [..., i] and weight [o, i], got {x.shape} and {weight.shape}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"linear: bias must be [{weight.shape[0]}], got {bias.shape}")
    rows = x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    records = is_recording() and any(t is not None and t.requires_grad for t in (x, weight, bias))
    if activation == "gelu" and records:  # its gradient looks at x W + b, which is then kept
        y = gelu(apply(Linear, (rows, weight, bias), None))
    else:
        y = apply(Linear, (rows, weight, bias), activation)
    return y if x.ndim == 2 else reshape(y, (*x.shape[:-1], weight.shape[0]))


def check_activation(activation: str | None, op: str) -> None:
    if not (activation is None or isinstance(activation, str)) or activation not in ACTIVATIONS:
        names = ", ".join(repr(name) for name in ACTIVATIONS)
        raise ValueError(f"{op}: activation must be one of {names}, got {activation!r}")
