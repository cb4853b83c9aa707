"""The value: an array, its node in the graph, and the version of its memory.

    _array     the ndarray: memory, dtype, shape, strides
    _node      where the value comes from: a Leaf (it wants a gradient), a recorded operation,
               or None
    _version   [number of in-place writes], one list per memory, shared by all its views

Invariant: memory is written only through index assignment and the in-place operators, which count
the version up; what was saved for backward checks it. Methods are one line each: what they do is in
pydp/ops. The operators are in _operators.py, NumPy's and DLPack's protocols in _interchange.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pydp import _graph, _kernels, ops
from pydp._arguments import check_device
from pydp._arrays import Array, as_array, checked_dtype, constant
from pydp._elsewhere import hint
from pydp._graph import Leaf
from pydp._handle import Handle
from pydp._interchange import Interchange
from pydp._methods import Methods
from pydp._operators import Operators


@_graph.register
class Tensor(Operators, Methods, Interchange, _graph.Traced):
    """An n-dimensional array that remembers how it was computed.

    Made by `pydp.tensor`, `pydp.asarray` and every operation, not by calling the class.

    >>> import pydp
    >>> x = pydp.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([[2., 4.],
            [6., 8.]])
    """

    __slots__ = ("__weakref__",)

    # A tensor's truth is its element's, so tensors are compared by identity in sets and dicts.
    __hash__ = object.__hash__

    def __init__(self, *_: Any) -> None:
        raise TypeError("make tensors with pydp.tensor(data) or pydp.asarray(data)")

    if not TYPE_CHECKING:  # else every name would pass for an attribute

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(hint("'Tensor' object", name), name=name, obj=self)

    # ---- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._array.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements: bool, an integer, float32 or float64."""
        return self._array.dtype  # type: ignore[no-any-return]

    @property
    def T(self) -> Tensor:
        """A matrix with its two axes exchanged."""
        if self.ndim != 2:
            raise ValueError(f"T: x must have 2 axes, got shape {self.shape}; use mT")
        return ops.matrix_transpose(self)  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two axes exchanged."""
        return ops.matrix_transpose(self)  # type: ignore[no-any-return]

    # ---- its place in the graph

    @property
    def requires_grad(self) -> bool:
        """Whether a backward pass through this reaches a leaf; to set it: `requires_grad_`."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        self.requires_grad_(requires_grad)

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed by a recorded operation."""
        return self._node is None or type(self._node) is Leaf

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward collected; for intermediate values after `retain_grad`."""
        return None if self._node is None else self._node.grad

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        if type(self._node) is not Leaf:
            raise RuntimeError("grad: only a leaf that requires grad has a gradient to set")
        if gradient is not None:
            if not isinstance(gradient, Tensor):
                raise TypeError(f"grad: expected a tensor or None, got {type(gradient).__name__}")
            if gradient.shape != self.shape or gradient.dtype != self.dtype:
                raise ValueError(
                    f"grad: expected shape {self.shape} and {self.dtype}, got {gradient.shape} "
                    f"and {gradient.dtype}"
                )
        self._node.grad = gradient

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient, or no longer, in place. Only for leaves of a float dtype."""
        if not self.is_leaf:
            raise RuntimeError("requires_grad_: only leaves can be changed; use detach()")
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"requires_grad_: dtype must be float32 or float64, got {self.dtype}")
        if not requires_grad:
            self._node = None
        elif self._node is None:
            self._node = Leaf(self._array)
        return self

    def retain_grad(self) -> None:
        """Keep this intermediate value's gradient in `.grad`."""
        if self._node is None:
            raise RuntimeError("retain_grad: the tensor does not require grad")
        if type(self._node) is not Leaf:
            self._node.retains = True

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call `hook` with this value's gradient in backward; what it returns replaces it, unless
        that is None. Hooks run in the order in which they were registered.

        Returns a handle: `handle.remove()` takes the hook away, and so does the end of a `with`.

        >>> import pydp
        >>> x = pydp.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda gradient: gradient * 10.0)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([20., 40.])
        >>> handle.remove()
        """
        if self._node is None:
            raise RuntimeError("register_hook: the tensor does not require grad")
        if not callable(hook):
            raise TypeError(f"register_hook: hook must be callable, got {hook!r}")
        if self._node.hooks is None:
            self._node.hooks = []
        return Handle(self._node.hooks, hook)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Add d self / d leaf to the `.grad` of every leaf that self was computed from.

        gradient       the gradient of self, of its shape; may be left out for one element
        retain_graph   keep what was saved, so that backward can be called again
        create_graph   record the backward pass, so that gradients can be differentiated

        >>> import pydp
        >>> x = pydp.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        """
        if self._node is None:
            raise RuntimeError("backward: the tensor does not require grad")
        root = root_gradient(self, gradient, "backward", create_graph)
        leaves, _ = _graph.walk(
            [(self._node, root)],
            retain_graph=retain_graph or create_graph,
            create_graph=create_graph,
        )
        _graph.accumulate(leaves, create_graph, gradient)

    def detach(self) -> Tensor:
        """The same memory, cut from the graph."""
        value = _graph.wrap(self._array)
        value._version = self._version
        return value  # type: ignore[no-any-return]

    # Of an array: a copy whose axes lie in memory as those of another; the array itself where it is
    # a kernel's result that lies so, else such a copy.
    _copied = staticmethod(_kernels.copy_like)
    _own = staticmethod(_kernels.own_like)

    # ---- leaving pydp

    def numpy(self) -> Array:
        """The elements as a read-only NumPy view, cut from the graph; it may be strided."""
        if type(self._array) is not np.ndarray:
            self._array.item()  # an example's, which has no values to give: see _outline.py
        view = self._array.view()
        view.flags.writeable = False
        return view

    def item(self) -> Any:
        """The one element as a Python number."""
        if self.size != 1:
            raise ValueError(f"item: the tensor must have one element, its shape is {self.shape}")
        return self._array.item()

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return self._array.tolist()

    def __float__(self) -> float:
        return float(self._one("float"))

    def __int__(self) -> int:
        return int(self._one("int"))

    def __complex__(self) -> complex:
        return complex(self._one("complex"))

    def __bool__(self) -> bool:
        return bool(self._one("bool"))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.ndim:
            raise TypeError(f"index: expected a 0-d integer tensor, got {self.shape} {self.dtype}")
        return int(self._array)

    def _one(self, name: str) -> Any:
        if self.size != 1:
            raise ValueError(f"{name}: the tensor must have one element, its shape is {self.shape}")
        return self._array.item()

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len: a 0-d tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.shape[0]))

    def __repr__(self) -> str:
        text = np.array2string(self._array, separator=", ", prefix="tensor(")
        notes = [f"shape={self.shape}"] if self.size == 0 and self.shape != (0,) else []
        if self.dtype.name not in ("float32", "int64", "bool"):
            notes.append(f"dtype={self.dtype}")
        if self._node is not None:
            notes.append("requires_grad=True")
        return f"tensor({', '.join([text, *notes])})"

    def __format__(self, spec: str) -> str:
        return format(self._array.item(), spec) if spec and self.size == 1 else repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("deepcopy: only leaves can be copied deeply; use detach()")
        copy = _graph.wrap(_kernels.copy_like(self._array, self._array))
        if self._node is not None:
            copy._node = Leaf(copy._array)
        memo[id(self)] = copy
        return copy  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise RuntimeError("pickle: only leaves can be pickled; use detach()")
        return tensor, (np.ascontiguousarray(self._array), None, self.requires_grad)

    # ---- the functions of pydp, as methods

    def reshape(self, *shape: Any, copy: bool | None = None) -> Tensor:
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape, copy)  # type: ignore[no-any-return]

    def astype(self, dtype: Any, copy: bool = True) -> Tensor:
        return ops.astype(self, dtype, copy=copy)  # type: ignore[no-any-return]

    def permute_dims(self, axes: Sequence[int]) -> Tensor:
        return ops.permute_dims(self, axes)  # type: ignore[no-any-return]

    def squeeze(self, axis: int | Sequence[int]) -> Tensor:
        return ops.squeeze(self, axis)  # type: ignore[no-any-return]

    def sum(self, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
        return ops.sum(self, axis, keepdims, dtype)  # type: ignore[no-any-return]

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.mean(self, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.max(self, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.min(self, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.argmax(self, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]

    def abs(self) -> Tensor:
        return ops.abs(self)  # type: ignore[no-any-return]

    def sqrt(self) -> Tensor:
        return ops.sqrt(self)  # type: ignore[no-any-return]

    def exp(self) -> Tensor:
        return ops.exp(self)  # type: ignore[no-any-return]

    def log(self) -> Tensor:
        return ops.log(self)  # type: ignore[no-any-return]

    def tanh(self) -> Tensor:
        return ops.tanh(self)  # type: ignore[no-any-return]

    def sigmoid(self) -> Tensor:
        return ops.sigmoid(self)  # type: ignore[no-any-return]

    def relu(self) -> Tensor:
        return ops.relu(self)  # type: ignore[no-any-return]


def root_gradient(
    y: Tensor, gradient: Tensor | None, op: str, create_graph: bool = False
) -> Tensor:
    """The gradient that a backward pass starts from."""
    if gradient is None:
        if y._array.size != 1:
            raise RuntimeError(
                f"{op}: give a gradient of shape {y.shape}; only one element may go without"
            )
        return constant(y.shape, 1, y.dtype)  # type: ignore[no-any-return]
    if not isinstance(gradient, Tensor):
        raise TypeError(f"{op}: gradient must be a tensor, got {type(gradient).__name__}")
    if gradient.shape != y.shape or gradient.dtype != y.dtype:
        raise ValueError(
            f"{op}: gradient must have shape {y.shape} and {y.dtype}, got {gradient.shape} and "
            f"{gradient.dtype}"
        )
    if not create_graph:
        return gradient
    # add 0: a value of its own that no leaf shares, and still differentiable
    return gradient + 0.0


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of the data.

    data            numbers, nested lists, a NumPy array or a tensor; Python floats make float32
    dtype           bool, an integer type, float32 or float64; None keeps the data's
    requires_grad   whether backward should collect its gradient (float dtypes only)

    TypeError for other dtypes and for Python objects, ValueError for ragged lists.

    >>> import pydp
    >>> pydp.tensor([[1, 2], [3, 4]], dtype="float64")
    tensor([[1., 2.],
            [3., 4.]], dtype=float64)
    """
    if isinstance(data, Tensor):
        data = data._array
    array = as_array(data, "tensor", dtype)
    made = _graph.wrap(array)
    return made.requires_grad_() if requires_grad else made  # type: ignore[no-any-return]


def asarray(
    obj: Any, dtype: Any = None, copy: bool | None = None, *, device: str | None = None
) -> Tensor:
    """A tensor over obj's memory: where that is possible (copy=None), never (True), always (False).

    copy=False raises ValueError where a copy is needed: another dtype, byte order, alignment or a
    list. Memory that is shared with NumPy can change unseen by the graph; its shape and dtype are
    the tensor's own. The one device is "cpu".

    >>> import numpy, pydp
    >>> a = numpy.zeros(2, "float32")
    >>> t = pydp.asarray(a)
    >>> a[0] = 5
    >>> t
    tensor([5., 0.])
    """
    check_device(device, "asarray")
    if isinstance(obj, Tensor) and (dtype is None or obj.dtype == checked_dtype(dtype, "asarray")):
        return ops.copy(obj) if copy else obj
    source = obj._array if isinstance(obj, Tensor) else obj
    array = as_array(source, "asarray", dtype, copy=bool(copy))
    shares = isinstance(source, np.ndarray) and np.may_share_memory(array, source)
    if copy is False and not shares:
        raise ValueError("asarray: copy=False, but this data needs a copy")
    # A view: obj may be given another shape or dtype, and cannot be resized while it is shared.
    return _graph.wrap(array.view() if shares else array)  # type: ignore[no-any-return]
