"""The types of numbers, what they hold, how they mix; and the standard's constants.

A dtype is NumPy's: `x.dtype == pydp.float32`, and its name, "float32", is accepted wherever it is.
Tensors mix as the array API standard's table says; where that leaves it open, a float wins over an
integer and keeps its width. Python's and NumPy's numbers take the dtype of the tensor beside them.
"""

from __future__ import annotations

import builtins
import math
from typing import Any, NamedTuple

import numpy as np

from pydp import _graph
from pydp._arrays import BOOL, DTYPES, FLOAT32, FLOAT64, INT64, checked_dtype, operands

DType = np.dtype[Any]

bool: DType = BOOL
int8: DType = DTYPES["int8"]
int16: DType = DTYPES["int16"]
int32: DType = DTYPES["int32"]
int64: DType = INT64
uint8: DType = DTYPES["uint8"]
uint16: DType = DTYPES["uint16"]
uint32: DType = DTYPES["uint32"]
uint64: DType = DTYPES["uint64"]
float32: DType = FLOAT32
float64: DType = FLOAT64

e = math.e
pi = math.pi
inf = math.inf
nan = math.nan
newaxis = None

KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "",
    "numeric": "iuf",
}


class FloatInfo(NamedTuple):
    """What a float dtype holds; see finfo."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IntegerInfo(NamedTuple):
    """What an integer dtype holds; see iinfo."""

    bits: int
    max: int
    min: int
    dtype: DType


def _dtype_of(value: Any, op: str) -> DType:
    """A dtype from a tensor, an array, a dtype or its name."""
    holds = isinstance(value, (_graph.Value, np.ndarray, np.generic))
    return checked_dtype(value.dtype if holds else value, op)


def finfo(type: Any, /) -> FloatInfo:
    """Of a float dtype, or a tensor's: bits, eps (from 1 to the next number), max, min,
    smallest_normal and dtype. TypeError for other dtypes.

    >>> import pydp
    >>> pydp.finfo("float32").eps
    1.1920928955078125e-07
    """
    dtype = _dtype_of(type, "finfo")
    if dtype.kind != "f":
        raise TypeError(f"finfo: type must be float32 or float64, got {dtype}; use iinfo")
    found: Any = np.finfo(dtype)
    limits = float(found.max), float(found.min), float(found.smallest_normal)
    return FloatInfo(found.bits, float(found.eps), *limits, dtype)


def iinfo(type: Any, /) -> IntegerInfo:
    """Of an integer dtype, or a tensor's: bits, max, min and dtype. TypeError for other dtypes.

    >>> import pydp
    >>> pydp.iinfo(pydp.uint8).max
    255
    """
    dtype = _dtype_of(type, "iinfo")
    if dtype.kind not in "iu":
        raise TypeError(f"iinfo: type must be an integer dtype, got {dtype}; use finfo")
    found: Any = np.iinfo(dtype)
    return IntegerInfo(found.bits, int(found.max), int(found.min), dtype)


def isdtype(dtype: Any, kind: Any) -> builtins.bool:
    """Whether a dtype is of a kind.

    kind   a dtype; "bool", "signed integer", "unsigned integer", "integral", "real floating",
           "complex floating" (there is none) or "numeric"; or a tuple of those, one of which it is

    >>> import pydp
    >>> pydp.isdtype(pydp.int8, ("integral", "bool"))
    True
    """
    found = checked_dtype(dtype, "isdtype")
    if isinstance(kind, tuple):
        return any(isdtype(found, one) for one in kind)
    if isinstance(kind, str) and kind in KINDS:
        return found.kind in KINDS[kind]
    if isinstance(kind, str) and kind not in DTYPES:
        raise ValueError(f"isdtype: kind must be one of {', '.join(KINDS)}, got {kind!r}")
    return found == checked_dtype(kind, "isdtype")


def can_cast(from_: Any, to: Any, /) -> builtins.bool:
    """Whether every number of one dtype (or of a tensor's) is one of the other.

    >>> import pydp
    >>> pydp.can_cast(pydp.int32, pydp.float64), pydp.can_cast(pydp.int64, pydp.int32)
    (True, False)
    """
    return np.can_cast(_dtype_of(from_, "can_cast"), checked_dtype(to, "can_cast"), "safe")


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype in which tensors, dtypes and Python numbers meet.

    TypeError where there is none (uint64 with int8).

    >>> import pydp
    >>> pydp.result_type(pydp.int8, pydp.uint8), pydp.result_type(pydp.int64, 2.5)
    (dtype('int16'), dtype('float32'))
    """
    if not arrays_and_dtypes:
        raise ValueError("result_type: at least one array or dtype must be given")
    values: list[Any] = []
    for given in arrays_and_dtypes:
        if isinstance(given, (builtins.bool, int, float, np.generic)):
            values.append(type(given)(0))
        elif isinstance(given, _graph.Value):
            values.append(given)
        else:
            dtype = _dtype_of(given, "result_type")
            values.append(_graph.wrap(np.zeros((), dtype)))
    return operands("result_type", *values)[0].dtype  # type: ignore[no-any-return]
