"""Matrix products: matmul with any strides and batch axes, and the linear layer's product.

The gradients are matrix products too, with transposed views of the same arrays: nothing is copied.

    y  = x w            dx = dy wᵀ           dw = xᵀ dy
    y  = x Wᵀ + b       dx = dy W            dW = dyᵀ x            db = Σ dy
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import real_tensor, same_float
from pydp._arrays import Array, numpy_op, operands
from pydp._graph import INPUTS, OUTPUT, alike, apply, is_recording
from pydp._kernels import matmul_forward as matmul_kernel
from pydp._op import Op
from pydp.ops._activation import gelu, reference_of
from pydp.ops._elementwise import RELU_BACKWARD, SIGMOID_BACKWARD, TANH_BACKWARD
from pydp.ops._reduce import sum, sum_to
from pydp.ops._shape import expand_dims, matrix_transpose, reshape, squeeze

Wants = tuple[bool, bool, bool]

FACTORS = INPUTS[:2]  # x and w, as backward wants them

ACTIVATIONS = _kernels.activations
# How dy passes back through an activation, from the result y.
ACTIVATION_BACKWARD = {"relu": RELU_BACKWARD, "tanh": TANH_BACKWARD, "sigmoid": SIGMOID_BACKWARD}


class MatMul(Op):
    name = "matmul"
    type = "(any[..., m, k], any[..., k, n]) -> any[..., m, n]"
    broadcasts_before = 2

    @staticmethod
    def forward(needs: Any, x: Array, w: Array) -> Any:
        y = matmul_kernel(x, w)
        if y is NotImplemented:  # integers, or shapes that do not fit
            check_numbers(x)
            check_product(x.shape, w.shape)
            y = np.asanyarray(numpy_op(np.matmul, x, w))
        return y, FACTORS

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


def check_numbers(x: Array) -> None:
    """Raise for bool; both arguments have one dtype."""
    if x.dtype.kind == "b":
        raise TypeError("matmul: x and w must be numbers, got bool; use astype")


def check_product(x: tuple[int, ...], w: tuple[int, ...]) -> None:
    """Raise where matrices, or stacks of them, cannot be multiplied."""
    if x[-1] != w[-2]:
        raise ValueError(
            f"matmul: {x} times {w}: the last size of the first, {x[-1]}, must equal the last but "
            f"one of the second, {w[-2]}"
        )
    try:
        np.broadcast_shapes(x[:-2], w[:-2])
    except ValueError:
        raise ValueError(f"matmul: the batch axes of {x} and {w} do not broadcast") from None


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
    if not alike(x, w):
        x, w = operands("matmul", x, w)
    a, b = x._array, w._array
    if a.ndim == 2 and b.ndim == 2:
        return apply(MatMul, (x, w))
    check_numbers(a)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul: arguments need an axis, got shapes {a.shape} and {b.shape}")
    if a.ndim == 1:
        return squeeze(matmul(expand_dims(x, 0), w), -2 if b.ndim > 1 else 0)
    if b.ndim == 1:
        return squeeze(matmul(x, expand_dims(w, 1)), -1)
    if b.ndim == 2 and a.flags.c_contiguous:  # one product of all rows
        check_product(a.shape, b.shape)
        y = apply(MatMul, (reshape(x, (math.prod(a.shape[:-1]), a.shape[-1])), w))
        return reshape(y, (*a.shape[:-1], b.shape[-1]))
    return apply(MatMul, (x, w))


class Linear(Op):
    name = "linear"
    type = "(real[..., i], real[o, i], real[o]?) -> real[..., o]"

    @staticmethod
    def forward(
        needs: Any, x: Array, weight: Array, bias: Array | None, activation: str | None
    ) -> Any:
        y = _kernels.linear_forward(x, weight, bias, ACTIVATIONS[activation])
        if y is NotImplemented:
            refuse_linear(x, weight, bias)
        return y, (INPUTS[0], INPUTS[1], OUTPUT if activation else None)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, activation: str | None) -> Any:
        wants = (bool(needs[0]), bool(needs[1]), bool(needs[2]))
        return apply(LinearBackward, (*saved, dy), activation, wants)

    @staticmethod
    def reference(x: Array, weight: Array, bias: Array | None, activation: str | None) -> Array:
        z = MatMul.reference(x, weight.T) + (0 if bias is None else bias)
        return reference_of(activation, z)


class LinearBackward(Op):
    """dx = dz W, dW = dzᵀ x and db = Σ dz over the rows, where dz is dy passed back through the
    activation. `wants` says which of the three. One op, so that a small layer costs one node."""

    name = "linear_backward"
    type = (
        "(real[..., i], real[o, i], real[..., o]?, real[..., o]) -> "
        "(real[..., i], real[o, i], real[o])"
    )

    @staticmethod
    def forward(
        needs: Any, x: Array, weight: Array, y: Any, dy: Array, activation: Any, wants: Wants
    ) -> Any:
        dz = ACTIVATION_BACKWARD[activation].forward(None, y, dy)[0] if activation else dy
        return _kernels.linear_backward(x, weight, dz, *wants), (x, weight, y, dy)

    @staticmethod
    def composed(x: Any, weight: Any, y: Any, dy: Any, activation: Any, wants: Wants) -> Any:
        dz = apply(ACTIVATION_BACKWARD[activation], (y, dy)) if activation else dy
        rows = reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
        dz = reshape(dz, (rows.shape[0], weight.shape[0]))
        dx = reshape(matmul(dz, weight), x.shape)
        return dx, matmul(matrix_transpose(dz), rows), sum(dz, axis=0)

    @staticmethod
    def reference(x: Array, weight: Array, y: Any, dy: Array, activation: Any, wants: Wants) -> Any:
        dz = ACTIVATION_BACKWARD[activation].reference(y, dy) if activation else dy
        dz, rows = dz.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        dx = MatMul.reference(dz, weight).reshape(x.shape)
        return dx, MatMul.reference(dz.T, rows), np.sum(dz, axis=0)


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
    tensor = _graph.Value
    if not (isinstance(x, tensor) and isinstance(weight, tensor)):
        x, weight = real_tensor(x, "linear", "x"), real_tensor(weight, "linear", "weight")
    if not (bias is None or isinstance(bias, tensor)):
        bias = real_tensor(bias, "linear", "bias")
    inputs = (x, weight, bias)
    if activation == "gelu" and is_recording() and any(t is not None and t._node for t in inputs):
        return gelu(
            apply(Linear, inputs, None)
        )  # its gradient looks at x W + b, which is then kept
    return apply(Linear, inputs, activation)


def refuse_linear(x: Array, weight: Array, bias: Array | None) -> None:
    """Raise for arguments of which the kernel makes nothing."""
    given = {"x": x, "weight": weight, "bias": bias}
    tensors = {name: None if a is None else _graph.wrap(a) for name, a in given.items()}
    for name, value in tensors.items():
        if value is not None:
            real_tensor(value, "linear", name)
    same_float("linear", **tensors)
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"linear: x must be [..., i] and weight [o, i], got {x.shape} and {weight.shape}"
        )
    raise ValueError(
        f"linear: bias must be [{weight.shape[0]}], got {None if bias is None else bias.shape}"
    )


def check_activation(activation: str | None, op: str) -> None:
    if not (activation is None or isinstance(activation, str)) or activation not in ACTIVATIONS:
        names = ", ".join(repr(name) for name in ACTIVATIONS)
        raise ValueError(f"{op}: activation must be one of {names}, got {activation!r}")
