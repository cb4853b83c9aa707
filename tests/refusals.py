"""What the tests of faults share: tables of calls that are refused, and the names to call."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import pydp

Row = tuple[Callable[[], Any], type[Exception], str]

# fmt: off
UNARY = [
    "negative", "abs", "sign", "square", "sqrt", "reciprocal", "exp", "expm1", "log", "log1p",
    "sin", "cos", "tanh", "erf", "sigmoid", "softplus", "relu", "gelu", "silu", "copy", "isnan",
    "isfinite", "softmax", "log_softmax", "mish", "elu", "selu", "celu", "logsigmoid", "softsign",
    "tanhshrink", "leaky_relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "softshrink",
    "hardshrink",
]
BINARY = [
    "add", "subtract", "multiply", "divide", "pow", "maximum", "minimum",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
]
REDUCTIONS = [
    "sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "all", "any",
    "argmax", "argmin",
]
# fmt: on


def table(*rows: Row) -> pytest.MarkDecorator:
    """Cases (call, error, words), named by their words."""
    names = [re.sub(r"\W+", " ", words)[:60] for *_, words in rows]
    return pytest.mark.parametrize(("call", "error", "words"), rows, ids=names)


def refused(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    """The call raises this very exception, and its message holds these words."""
    with pytest.raises(error) as raised:
        call()
    assert words in str(raised.value)
    assert type(raised.value) is error


def zeros(*shape: int) -> pydp.Tensor:
    return pydp.zeros(shape)


def leaf(*shape: int) -> pydp.Tensor:
    """Ones that want a gradient."""
    return pydp.ones(shape).requires_grad_()
