"""The two networks of ConvNetJS's demos, which learn in a web page: digits and small photographs.

    mnist     [1, 24, 24] ── conv 8, pool 2 ── 12 x 12 ── conv 16, pool 3 ── 4 x 4 ── score
    cifar10   [3, 32, 32] ── conv 16, pool 2 ── 16 x 16 ── conv 20, pool 2 ── 8 x 8
                          ── conv 20, pool 2 ── 4 x 4 ── score

Every filter is 5 x 5 and keeps the size.
"""

from __future__ import annotations

from pydp.nn import init
from pydp.nn._arguments import one_of
from pydp.nn._combinators import Sequential
from pydp.nn._conv2d import Conv
from pydp.nn._flatten import Flatten
from pydp.nn._linear import Linear
from pydp.nn._max_pool2d import MaxPool
from pydp.nn._module import Module

# Of each demo: channels of the images, then (filters, window of the pool) of each step.
DEMOS = {
    "mnist": (1, ((8, 2), (16, 3))),
    "cifar10": (3, ((16, 2), (20, 2), (20, 2))),
}


class ConvNetJS(Sequential):
    """A network of Andrej Karpathy's ConvNetJS.

    Shape: ``real[..., 1, h, w] -> real[..., classes]`` for "mnist", which is for crops of 24 x 24
    (5,994 parameters); ``real[..., 3, h, w] -> real[..., classes]`` for "cifar10", for images of
    32 x 32 (22,466 parameters). The result are scores: the demo's softmax belongs to the loss,
    `cross_entropy`.

    Arguments
      demo      "mnist" or "cifar10"
      classes   how many scores there are

    Parameters begin as in the demos: weights normal with variance 1 / inputs of a filter, biases
    0.1 before a ReLU and 0 of the scores.

    https://cs.stanford.edu/people/karpathy/convnetjs

    >>> import pydp
    >>> from pydp import nn
    >>> nn.ConvNetJS("cifar10")(pydp.zeros((5, 3, 32, 32))).shape
    (5, 10)
    """

    def __init__(self, demo: str = "mnist", classes: int = 10) -> None:
        self.demo = one_of(demo, tuple(DEMOS), "ConvNetJS", "demo")
        channels, steps = DEMOS[demo]
        boxes: dict[str, Module] = {}
        for i, (filters, window) in enumerate(steps, 1):
            boxes[f"conv{i}"] = Conv(channels, filters, 5, padding=2, activation="relu")
            boxes[f"pool{i}"] = MaxPool(window)
            channels = filters
        boxes |= {"flatten": Flatten(-3), "score": Linear(channels * 4 * 4, classes)}
        super().__init__(boxes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                init.normal_(parameter, std=(parameter.size / parameter.shape[0]) ** -0.5)
            else:
                init.constant_(parameter, 0.1 if name.startswith("conv") else 0.0)

    def extra_repr(self) -> str:
        return repr(self.demo)
