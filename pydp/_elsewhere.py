"""Names that a module does not hold: imported when asked for, or answered by what to write here.

NAMES is what PyTorch and NumPy call otherwise: the error for such a name says what it is here. The
page FROM_PYTORCH_AND_NUMPY.md has the same names, with what differs; tests/test_elsewhere.py holds
the two against each other and against both libraries.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING as TYPE_CHECKING
from typing import Any

# fmt: off
NAMES = {
    # shapes
    "view": "reshape(x, shape)", "view_as": "reshape(x, other.shape)",
    "permute": "permute_dims(x, axes)", "transpose": "permute_dims(x, axes), x.T or x.mT",
    "t": "x.T", "swapdims": "swapaxes(x, a, b)",
    "movedim": "moveaxis(x, source, destination)", "unsqueeze": "expand_dims(x, axis)",
    "ravel": "reshape(x, (-1,))", "expand": "broadcast_to(x, shape)",
    "expand_as": "broadcast_to(x, other.shape)", "cat": "concat(xs, axis)",
    "concatenate": "concat(xs, axis)", "hstack": "concat(xs, axis=1)",
    "vstack": "concat(xs, axis=0)", "unbind": "unstack(x, axis)", "split": "x[a:b] slices",
    "narrow": "x[start : start + length]",
    "repeat_interleave": "repeat(x, repeats, axis)", "rot90": "flip and permute_dims",
    "fliplr": "flip(x, axis=1)", "flipud": "flip(x, axis=0)",
    # elements
    "absolute": "abs(x)", "neg": "-x", "mul": "x * y", "sub": "x - y", "div": "x / y",
    "true_divide": "x / y", "power": "x ** y", "clamp": "clip(x, min, max)", "rsqrt": "1 / sqrt(x)",
    "arccos": "acos(x)", "arcsin": "asin(x)", "arctan": "atan(x)", "arctan2": "atan2(y, x)",
    "arccosh": "acosh(x)", "arcsinh": "asinh(x)", "arctanh": "atanh(x)", "fmod": "x % y",
    "masked_fill": "where(mask, value, x)", "invert": "bitwise_invert(x)", "eq": "x == y",
    "ne": "x != y", "lt": "x < y", "le": "x <= y", "gt": "x > y", "ge": "x >= y",
    "logit": "log(p / (1 - p))", "fix": "trunc(x)",
    # selection, order
    "gather": "take_along_axis(x, indices, axis)", "index_select": "take(x, indices, axis)",
    "masked_select": "x[mask]", "scatter": "x[indices] = values",
    "index_fill": "x[indices] = value",
    "unique": "unique_values(x)", "bincount": "unique_counts(x)", "argwhere": "nonzero(x)",
    # sums
    "amax": "max(x, axis)", "amin": "min(x, axis)", "nansum": "sum(where(isnan(x), 0, x))",
    "average": "mean(x, axis)", "mm": "x @ y", "bmm": "x @ y", "mv": "x @ y", "dot": "x @ y",
    "inner": "vecdot(x, y)", "addmm": "b + x @ y",
    # making
    "from_numpy": "asarray(array)", "as_tensor": "asarray(data)", "array": "tensor(data)",
    "FloatTensor": "tensor(data)", "LongTensor": "tensor(data)",
    "clone": "copy(x)", "new_zeros": "zeros(shape, dtype=x.dtype)",
    "new_ones": "ones(shape, dtype=x.dtype)", "random": "rand, randn, randint, permutation",
    "randperm": "permutation(n)", "standard_normal": "randn(shape)",
    "seed": "manual_seed(seed)", "default_rng": "Generator(seed)",
    # dtypes and devices
    "float": "astype(x, pydp.float32)", "double": "astype(x, pydp.float64)",
    "long": "astype(x, pydp.int64)", "int": "astype(x, pydp.int32)",
    "type": "astype(x, dtype)", "to": "astype(x, dtype)", "cpu": "x: every tensor is on the cpu",
    "cuda": "x: every tensor is on the cpu", "contiguous": "x: any strides will do",
    "is_contiguous": "x.numpy().flags", "half": "astype(x, pydp.float32): there is no float16",
    "numel": "x.size", "nelement": "x.size", "dim": "x.ndim", "data": "x.detach()",
    # gradients
    "autograd": "grad, vjp, jvp, Function", "func": "grad, vjp, jvp, hessian, functional_call",
    "inference_mode": "no_grad()", "detach_": "x.detach()", "jacrev": "jacobian(f)",
    "zero_": "x[...] = 0", "fill_": "x[...] = value", "copy_": "x[...] = y", "add_": "x += y",
    "mul_": "x *= y", "checkpoint_sequential": "remat(f)",
    # modules
    "functional": "pydp.relu, pydp.conv2d: the functions are in pydp itself",
    "DataLoader": "pydp.data.Batches",
}
# fmt: on


def hint(owner: str, name: str) -> str:
    """The words of an AttributeError."""
    known = NAMES.get(name)
    return f"{owner} has no attribute {name!r}" + (f"; write {known}" if known else "")


_sources: dict[str, dict[str, str]] = {}  # module -> name -> where it is


def answer_for(
    module: str, later: Mapping[str, str] = MappingProxyType({}), parts: str = "", beside: str = ""
) -> None:
    """Let a module import names when they are first asked for, and say `hint` for all others.

    later     where -> the names that are there
    parts     modules of this one
    beside    a module that has been answered for; its names are found here too
    """
    names = sys.modules[module].__dict__
    sources = dict(_sources.get(beside, {}))
    for source, given in later.items():
        sources.update(dict.fromkeys(given.split(), source))
    _sources[module] = sources

    def find(name: str) -> Any:
        if name in sources:
            names[name] = getattr(import_module(sources[name]), name)
        elif name in parts.split():
            names[name] = import_module(f"{module}.{name}")
        else:
            raise AttributeError(hint(f"module {module!r}", name), name=name)
        return names[name]

    # not by a `def __getattr__` there: type checkers would then take any name for a part of it
    names["__getattr__"] = find
    names["__dir__"] = lambda: sorted({*names, *sources, *parts.split()})
