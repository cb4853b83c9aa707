"""How an operation is declared: its rule, its type, and the registry of all of them.

A rule is a class with static methods; nothing is ever instantiated:

    class Softmax(Op):
        name = "softmax"
        type = "real[..., n] -> real[..., n]"       the signature, see _signature.py; where it
                                                    depends on arguments, typing(…), and where on
                                                    the inputs' rank, type_at(types, …)

        def forward(needs, x, axis)                 arrays -> (y, saved)
        def backward(saved, dy, needs, axis)        tensors -> one gradient for each input
        def reference(x, axis)                      the definition, in NumPy; the tests' oracle
        def composed(x, axis)                       the same in other ops (fused kernels)

`forward` computes on arrays and says what backward will want. `backward` is written in ops, so it
can be recorded and differentiated again; a rule without one is differentiated through `composed`.

Invariant: an Op subclass is registered by existing, and every registered op is examined by the
tests (tests/harness.py), so there is no op without a reference.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pydp import _graph, _kernels

Array = np.ndarray[Any, Any]


class Later:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


# The language of types is not needed to compute, and takes its time to import.
if TYPE_CHECKING:
    import pydp._signature

    language = pydp._signature
else:
    language = Later("pydp._signature")

registry: dict[str, type[Op]] = {}


class Op:
    """The base of all rules; see the head of this file."""

    name: ClassVar[str]
    type: ClassVar[str]
    # All axes of the inputs but this many at the end are broadcast first; None: nothing is.
    broadcasts_before: ClassVar[int | None] = None
    variadic: ClassVar[bool] = False  # any number of inputs, where `type` shows two
    family: ClassVar[str]  # the stem of its rooms: kernels/<family>.c, ops/_<family>.py …

    def __init_subclass__(cls) -> None:
        if "name" not in cls.__dict__:
            return  # an intermediate class, such as the one of all unary functions
        if cls.name in registry:
            raise TypeError(f"two ops are named {cls.name!r}")
        cls.family = cls.__module__.rpartition("._")[2]
        registry[cls.name] = cls

    @classmethod
    def typing(cls, *arguments: Any) -> str:
        """The signature for these arguments; `type` where it does not depend on them."""
        return cls.type

    @classmethod
    def type_at(cls, types: Sequence[Any], *arguments: Any) -> str:
        """The signature for inputs of these types, where it depends on the number of their axes.

        `types` has an array type of _signature.py for each input (None: absent), with known kind
        and rank, whose sizes are integers or symbols.
        """
        return cls.typing(*arguments)

    forward: ClassVar[Callable[..., tuple[Any, tuple[Any, ...] | None]]]
    reference: ClassVar[Callable[..., Any]]
    composed: ClassVar[Callable[..., Any] | None] = None

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Sequence[bool], *arguments: Any) -> Any:
        """The gradient of the composed form. Such a rule's forward saves all its inputs."""
        if cls.composed is None:
            raise NotImplementedError(f"{cls.name} has no gradient")
        return gradient_of(cls.composed, saved, dy, needs, arguments)


class Alias(Op):
    """The same value behind a new node, so that a walk can stop there."""

    name = "alias"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array) -> tuple[Array, None]:
        return x[...], None  # a view, so that it is not written in place

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> tuple[Any]:
        return (dy,)

    @staticmethod
    def reference(x: Array) -> Array:
        return x


def alias(x: Any) -> Any:
    """x behind a node of its own: a Leaf, or an Alias where it has a node already."""
    if x._node is None:
        value = _graph.wrap(x._array, _graph.Leaf(x._array))
    else:
        value = _graph.apply(Alias, (x,))
    value._version = x._version
    return value


def gradient_of(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    dy: Any,
    needs: Sequence[bool],
    arguments: tuple[Any, ...] = (),
) -> tuple[Any, ...]:
    """dy · d function / d inputs, itself differentiable when recording is on.

    Of a function with several results dy is the list of their gradients (None where there is none).
    """
    again = _graph.is_recording()
    with _graph.enable_grad():
        aliases = [
            alias(x) if need or getattr(x, "_node", None) is not None else x
            for x, need in zip(inputs, needs, strict=True)
        ]
        y = function(*aliases, *arguments)
    nodes = [x._node for x, need in zip(aliases, needs, strict=True) if need]
    pairs = zip(y, dy, strict=True) if isinstance(y, tuple) else [(y, dy)]
    roots = [
        (part._node, d)
        for part, d in pairs
        if part is not None and part._node is not None and d is not None
    ]
    _, found = _graph.walk(
        roots,
        retain_graph=again,
        create_graph=again,
        wanted=nodes,
        stop=True,
        prune=len(nodes) < len(aliases),
    )
    return tuple(
        [found.get(x._node) if need else None for x, need in zip(aliases, needs, strict=True)]
    )


# ---- types of numbers ----------------------------------------------------------------------------

FLOAT32: np.dtype[Any] = np.dtype(np.float32)
FLOAT64: np.dtype[Any] = np.dtype(np.float64)
INT64: np.dtype[Any] = np.dtype(np.int64)
BOOL: np.dtype[Any] = np.dtype(np.bool_)
DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float32", "float64",
    )
}  # fmt: skip


# The most axes a tensor may have.
MAX_AXES: int = _kernels.max_axes

# Each of them in either byte order -> itself in the native one.
NATIVE: dict[np.dtype[Any], np.dtype[Any]] = {
    changed: dtype for dtype in DTYPES.values() for changed in (dtype, dtype.newbyteorder("S"))
}


def checked_dtype(dtype: Any, op: str) -> np.dtype[Any]:
    """One of DTYPES in native byte order, or a TypeError that lists them."""
    try:
        found = None if dtype is None else NATIVE.get(np.dtype(dtype))
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise TypeError(f"{op}: dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    return found


def as_array(data: Any, op: str, dtype: Any = None, copy: bool = True) -> Array:
    """Data as an array that kernels can read: an allowed dtype, native byte order, aligned.

    Without dtype, Python floats become float32; what has an `__array__` keeps its dtype. With an
    integer dtype every number must fit it.
    """
    wanted = None if dtype is None else checked_dtype(dtype, op)
    typed = hasattr(data, "__array_interface__") or hasattr(data, "__array__")
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        kind = TypeError if typed else type(error)
        raise kind(f"{op}: data does not make an array: {error}") from None
    except Exception as error:
        if not typed or isinstance(error, MemoryError):
            raise
        raise TypeError(f"{op}: {type(data).__name__} does not make an array: {error}") from error
    native = NATIVE.get(array.dtype)
    if native is None:
        if array.dtype.hasobject and all(isinstance(x, int) for x in array.flat):
            raise OverflowError(f"{op}: an int of data fits into neither int64 nor uint64")
        raise TypeError(
            f"{op}: dtype must be one of {', '.join(DTYPES)}, got {array.dtype}"
            + (" (Python objects)" if array.dtype.hasobject else "")
        )
    check_axes(array.ndim, op)
    if wanted is None:
        wanted = FLOAT32 if native == FLOAT64 and not typed else native
    if wanted.kind in "iu" and wanted != native:
        check_fits(array, wanted, op)
    fits = array.dtype == wanted and array.flags.aligned and type(array) is np.ndarray
    if copy or not fits:
        check_memory(array.shape, wanted.itemsize, op)
        made = _kernels.empty(array.shape, wanted)  # its rows begin with a line of the cache
        with np.errstate(over="ignore"):
            np.copyto(made, array, casting="unsafe")
        array = made
    return array


def check_fits(array: Array, dtype: np.dtype[Any], op: str) -> None:
    """Refuse numbers that an integer dtype has not; fractions may be cut off."""
    if array.size == 0:
        return
    limits = np.iinfo(dtype)
    for x in (array.min().item(), array.max().item()):
        if not limits.min - 1 < x < limits.max + 1:  # true for NaN too
            raise OverflowError(f"{op}: {x} does not fit into {dtype}")


def promoted(a: np.dtype[Any], b: np.dtype[Any], op: str) -> np.dtype[Any]:
    """The dtype of a result of two tensors: the array standard's table; a float wins over an
    integer and keeps its width."""
    if a == b:
        return a
    a_float, b_float = a.kind == "f", b.kind == "f"
    if a_float != b_float:
        return a if a_float else b
    both = np.promote_types(a, b)
    if both.kind == "f" and not a_float:
        raise TypeError(f"{op}: no integer dtype holds both {a} and {b}; use astype")
    return both


def operands(op: str, *values: Any) -> list[Any]:
    """Several arguments of one elementwise op as tensors of one dtype.

    Python and NumPy scalars take the tensors' dtype (a float scalar makes integers float32); NumPy
    arrays and lists become tensors.
    """
    tensors = [x for x in values if isinstance(x, _graph.Value)]
    others = {}
    for i, x in enumerate(values):
        if isinstance(x, _graph.Value):
            continue
        if isinstance(x, (bool, int, float, np.generic)):
            others[i] = x
        elif isinstance(x, (np.ndarray, list, tuple)):
            others[i] = _graph.wrap(as_array(x, op))
            tensors.append(others[i])
        else:
            raise TypeError(f"{op}: expected a tensor, array or number, got {type(x).__name__}")
    if not tensors:
        tensors = [_graph.wrap(as_array(x, op)) for x in values]
    dtype = tensors[0]._array.dtype
    for x in tensors[1:]:
        dtype = promoted(dtype, x._array.dtype, op)
    for x in others.values():
        if isinstance(x, (float, np.floating)) and dtype.kind != "f":
            dtype = FLOAT32
        elif isinstance(x, (int, np.integer)) and dtype.kind == "b" and not isinstance(x, bool):
            dtype = INT64
    out = []
    for i, x in enumerate(values):
        x = others.get(i, x)
        if not isinstance(x, _graph.Value):
            x = _graph.wrap(scalar(x, dtype, op))
        elif x._array.dtype != dtype:
            x = x.astype(dtype)
        out.append(x)
    return out


def scalar(x: Any, dtype: np.dtype[Any], op: str) -> Array:
    """A number as a 0-d array of this dtype. What does not fit into an integer is an error; a float
    beyond float32 is infinite."""
    if isinstance(x, np.generic) and x.dtype.kind in "biuf":
        x = x.item()
    elif not isinstance(x, (bool, int, float)):
        raise TypeError(f"{op}: expected a real number, got {x!r}")
    if dtype.kind == "f" and not -3e38 < x < 3e38:
        with np.errstate(over="ignore"):
            return np.array(number(x, op, "a number"), dtype=dtype)
    try:
        return np.array(x, dtype=dtype)
    except (OverflowError, ValueError):
        raise OverflowError(f"{op}: {x} does not fit into {dtype}") from None


# ---- NumPy's functions on tensor memory ----------------------------------------------------------


# What the machine has, whatever the system promises to it.
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_memory(shape: Sequence[int], itemsize: int, op: str) -> None:
    """Refuse a result that NumPy would allocate and the machine cannot hold. Kernels' results are
    refused by their allocator; NumPy believes a system that promises any amount."""
    if math.prod(shape) * itemsize > MEMORY:
        raise MemoryError(f"{op}: no memory for shape {tuple(shape)}")


def numpy_op(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a NumPy function on tensors' arrays: the one way that NumPy computes on them.

    What NumPy computes cannot be replayed as a kernel call, so it is refused while a step is being
    recorded; views cost nothing there and do not come this way.
    """
    if _kernels.is_recording():
        raise RuntimeError(
            f"{getattr(function, '__name__', function)}: computed by NumPy, so it cannot be part "
            "of a recorded step"
        )
    return function(*arguments, **keywords)


# ---- arguments -----------------------------------------------------------------------------------


def whole(value: Any) -> int | None:
    """The int that a value is; None for bool, floats, and arrays of several."""
    if type(value) is int:
        return value
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        return None
    try:
        return int(value.__index__())
    except TypeError:
        return None


def integer(value: Any, op: str, argument: str, least: int | None = None) -> int:
    """An int argument: bool, float and what is too large for the kernels are refused."""
    found = whole(value)
    if found is None:
        raise TypeError(f"{op}: {argument} must be an int, got {value!r}")
    if least is not None and found < least:
        raise ValueError(f"{op}: {argument} must be at least {least}, got {found}")
    if abs(found) >= 1 << 31:
        raise ValueError(f"{op}: {argument} must be below 2**31, got {found}")
    return found


def number(value: Any, op: str, argument: str) -> float:
    """A real number as a float, an int too large for one as infinity: whoever asks checks the
    range. bool, complex numbers, texts and tensors are refused."""
    if type(value) is float:
        return value
    real = (int, float, np.integer, np.floating)
    if isinstance(value, (bool, np.bool_, np.timedelta64)) or not isinstance(value, real):
        raise TypeError(f"{op}: {argument} must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def pair(value: Any, op: str, argument: str, least: int) -> tuple[int, int]:
    """An int, or one for each of height and width."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{op}: {argument} must be an int or two, got {value!r}")
        first, second = value
        return integer(first, op, argument, least), integer(second, op, argument, least)
    one = integer(value, op, argument, least)
    return one, one


def shape_argument(shape: Any, op: str) -> tuple[int, ...]:
    """A shape from an int or a sequence of ints; negative ones are left to the caller."""
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    check_axes(len(given), op)
    sizes = []
    for n in given:
        size = whole(n)
        if size is None:
            raise TypeError(f"{op}: shape must hold ints, got {n!r}")
        sizes.append(size)
    if math.prod(n for n in sizes if n > 0) >= 1 << 60:
        raise ValueError(f"{op}: shape {tuple(sizes)} has too many elements")
    return tuple(sizes)


def sizes_argument(shape: Any, op: str) -> tuple[int, ...]:
    """A shape none of whose sizes is negative."""
    sizes = shape_argument(shape, op)
    if any(n < 0 for n in sizes):
        raise ValueError(f"{op}: sizes must not be negative, got shape {sizes}")
    return sizes


def check_axes(ndim: int, op: str) -> None:
    """Refuse more axes than kernels have room for: every tensor is made behind this check."""
    if ndim > _kernels.max_axes:
        raise ValueError(f"{op}: at most {_kernels.max_axes} axes, got {ndim}")


def check_device(device: Any, op: str) -> None:
    """The array standard's device argument: there is one."""
    if device is not None and not (isinstance(device, str) and device == "cpu"):
        raise ValueError(f'{op}: device must be "cpu", got {device!r}')


def sequence(value: Any, op: str, argument: str) -> Sequence[Any]:
    """A tuple, list or range."""
    if not isinstance(value, (tuple, list, range)):
        raise TypeError(f"{op}: {argument} must be a tuple or list, got {value!r}")
    return value


def axis_index(axis: Any, ndim: int, op: str) -> int:
    """An axis counted from the front; 0 and -1 are accepted for a single number."""
    index, rank = whole(axis), max(ndim, 1)
    if index is None:
        raise TypeError(f"{op}: axis must be an int, got {axis!r}")
    if not -rank <= index < rank:
        raise IndexError(f"{op}: axis {index} is out of range for {ndim} axes")
    return index % rank


def axes_tuple(axis: Any, ndim: int, op: str) -> tuple[int, ...]:
    """Several axes counted from the front, ascending; None means all."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and ndim:
        return (axis_index(axis, ndim, op),)
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = [axis_index(a, ndim, op) for a in given]
    if len(set(found)) != len(found):
        raise ValueError(f"{op}: axis {axis!r} names an axis twice")
    return tuple(sorted(found)) if ndim else ()


def real_tensor(x: Any, op: str, argument: str) -> Any:
    """A float32 or float64 tensor; arrays and lists of numbers are converted."""
    if not isinstance(x, _graph.Value):
        x = _graph.wrap(as_array(x, op))
    if x._array.dtype.kind != "f":
        raise TypeError(
            f"{op}: {argument} must be float32 or float64, got {x._array.dtype}; use astype"
        )
    return x


def same_float(op: str, **tensors: Any) -> None:
    """The named tensors (None left out) must share one float dtype: kernels do not mix them."""
    kinds = {name: x._array.dtype for name, x in tensors.items() if x is not None}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{name} {dtype}" for name, dtype in kinds.items())
        raise TypeError(f"{op}: arguments must have one dtype, got {listed}; use astype")
