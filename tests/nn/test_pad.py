"""The padding modules against PyTorch's, their types, their arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

NAMES = [f"{kind}Pad{n}d" for kind in ("Zero", "Reflection", "Replication", "Circular")
         for n in (1, 2)]  # fmt: skip


def sides(name, padding):
    return padding[:2] if name.endswith("1d") else padding


@needs_torch
@pytest.mark.parametrize("padding", [2, (1, 0, 2, 3), (-1, 2, 1, -2)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_against_torch(name, padding):
    given = padding if isinstance(padding, int) else sides(name, padding)
    x = real(2, 3, 6) if name.endswith("1d") else real(2, 3, 5, 6)
    against_torch(getattr(nn, name)(given), getattr(torch.nn, name)(given), x)


@needs_torch
@pytest.mark.parametrize("name", ["ConstantPad1d", "ConstantPad2d"])
def test_constants_against_torch(name):
    x = real(2, 3, 6) if name.endswith("1d") else real(2, 3, 5, 6)
    against_torch(getattr(nn, name)(2, 3.5), getattr(torch.nn, name)(2, 3.5), x)


@pytest.mark.parametrize("name", NAMES)
def test_the_type_says_the_shape(name):
    layer = getattr(nn, name)(sides(name, (1, 2, 0, -1)))
    y = layer(pydp.zeros((2, 3, 5, 6)))
    assert match(layer.signature, [("any", (2, 3, 5, 6))]) == [("any", y.shape)]


def test_text():
    assert nn.ZeroPad2d(1).extra_repr() == "1"
    assert nn.ZeroPad2d((1, 2, 3, 4)).extra_repr() == "(1, 2, 3, 4)"
    assert nn.ConstantPad1d((1, 2), 0.5).extra_repr() == "(1, 2), value=0.5"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.ZeroPad2d((1, 2)), ValueError,
         r"ZeroPad2d: padding must be an int or 4, got \(1, 2\)"),
        (lambda: nn.ReflectionPad1d(1.0), TypeError,
         r"ReflectionPad1d: padding must be an int, got 1\.0"),
        (lambda: nn.ConstantPad1d(1, None), TypeError,
         "ConstantPad1d: value must be a number, got None"),
        (lambda: nn.ReflectionPad1d(3)(pydp.zeros((2, 3))), ValueError,
         r"^ReflectionPad1d: pad: mode 'reflect' pads axis 1 of length 3 by at most 2"),
    ],
)  # fmt: skip
def test_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
