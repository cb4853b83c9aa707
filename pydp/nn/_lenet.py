"""LeNet: convolutions and pools in turn, then linear maps; for digits of 28 x 28.

LeNet(x) = score(FeedForward(MaxPool(Conv(MaxPool(Conv(x))))))
"""

from __future__ import annotations

from pydp.nn._arguments import one_of
from pydp.nn._avg_pool2d import AvgPool2d
from pydp.nn._combinators import Sequential
from pydp.nn._conv2d import Conv
from pydp.nn._feed_forward import FeedForward
from pydp.nn._flatten import Flatten
from pydp.nn._linear import Linear
from pydp.nn._max_pool2d import MaxPool
from pydp.nn._module import Module


class LeNet(Sequential):
    """A small network for digits.

    Shape: ``real[..., 1, h, w] -> real[..., classes]`` for images of 28 x 28 (or of a size from
    which as much is left). The result are scores, for `cross_entropy`.

    Arguments
      classes   how many scores there are
      form      "relu": 32 and 64 filters of 5 x 5 that keep the size, max-pools, 128 hidden
                features; 454,922 parameters. It is what is mostly called LeNet today
                "1998": 6 and 16 filters, tanh, pools that average, 120 and 84 hidden features;
                61,706 parameters. From the paper's LeNet-5 three things are left out: pools with
                coefficients of their own, filters that see only some channels of the first pool,
                and distances to drawn digits in place of scores

    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
    1998, section II.B.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.LeNet()(pydp.zeros((5, 1, 28, 28))).shape
    (5, 10)
    """

    def __init__(self, classes: int = 10, form: str = "relu") -> None:
        self.form = one_of(form, ("relu", "1998"), "LeNet", "form")
        super().__init__(_of_1998(classes) if form == "1998" else _of_today(classes))

    def extra_repr(self) -> str:
        return "" if self.form == "relu" else f"form={self.form!r}"


def _of_today(classes: int) -> dict[str, Module]:
    return {
        "conv1": Conv(1, 32, 5, padding=2, activation="relu"),
        "pool1": MaxPool(2),
        "conv2": Conv(32, 64, 5, padding=2, activation="relu"),
        "pool2": MaxPool(2),
        "flatten": Flatten(-3),
        "hidden": FeedForward(64 * 7 * 7, 128),
        "score": Linear(128, classes),
    }


def _of_1998(classes: int) -> dict[str, Module]:
    return {
        "conv1": Conv(1, 6, 5, padding=2, activation="tanh"),
        "pool1": AvgPool2d(2),
        "conv2": Conv(6, 16, 5, activation="tanh"),
        "pool2": AvgPool2d(2),
        "flatten": Flatten(-3),
        "hidden1": FeedForward(16 * 5 * 5, 120, activation="tanh"),
        "hidden2": FeedForward(120, 84, activation="tanh"),
        "score": Linear(84, classes),
    }
