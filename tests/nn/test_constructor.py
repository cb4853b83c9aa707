"""What does not fit a constructor is an error that names the class that was called."""

import copy
import functools
import pickle

import pytest

from pydp import nn


class Plain(nn.Module):
    """Without a constructor."""


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.ReLU(inplace=True), "ReLU: got an unexpected keyword argument 'inplace'"),
        (lambda: nn.Tanh(2), r"Tanh: too many positional arguments; write Tanh\(\)"),
        (lambda: Plain(3), "Plain: too many positional arguments"),
        (
            lambda: nn.Conv2d(3, 8),
            r"Conv2d: missing a required argument: 'kernel_size'; "
            r"write Conv2d\(in_channels, out_channels, kernel_size, stride=1, ",
        ),
        (lambda: nn.Conv1d(3, 8, 3, pading=1), "Conv1d: got an unexpected keyword .*'pading'"),
        (
            lambda: nn.Linear(3),
            r"write Linear\(in_features, out_features, bias=True\)$",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, said):
    with pytest.raises(TypeError, match=said):
        make()


def test_an_inherited_constructor_is_the_one_that_counts():
    class Doubled(nn.Linear):
        pass

    assert Doubled(2, out_features=3).weight.shape == (3, 2)
    with pytest.raises(TypeError, match=r"^Doubled: missing a required argument: 'out_features'"):
        Doubled(2)


def test_constructors_that_take_more_than_their_first_lines_say():
    """Refusing what would run is worse than Python's own error."""

    class Anything(nn.Module):
        def __init__(*args, **kwargs):
            args[0].given = len(args) - 1, sorted(kwargs)

    def with_name(constructor):
        @functools.wraps(constructor)
        def named(self, *args, name="", **kwargs):
            constructor(self, *args, **kwargs)
            self.name = name

        return named

    class Named(nn.Module):
        @with_name
        def __init__(self, n):
            self.n = n

    assert Anything(1, 2, x=3).given == (2, ["x"])
    assert (Named(3, name="a").n, Named(3, name="a").name) == (3, "a")
    assert Named(n=3, name="a").n == 3
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'n'"):
        Named(name="a")


def test_copies_are_made_of_nothing():
    linear = nn.Linear(2, 3)
    for copied in (copy.copy(linear), copy.deepcopy(linear), pickle.loads(pickle.dumps(linear))):
        assert copied.weight.numpy().tolist() == linear.weight.numpy().tolist()
