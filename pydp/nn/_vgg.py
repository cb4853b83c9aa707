"""VGG: nothing but filters of 3 x 3, and a pool wherever the channels double.

  3 x 224 x 224 ── block1 ── 64 x 112 x 112 ── block2 ── 128 x 56 x 56 ── block3
                ── 256 x 28 x 28 ── block4 ── 512 x 14 x 14 ── block5 ── 512 x 7 x 7
                ── FeedForward, FeedForward, score

block = Conv (BatchNorm) ReLU, one to four times, then MaxPool(2)
"""

from __future__ import annotations

from pydp._op import language
from pydp.nn import init
from pydp.nn._activation import ReLU
from pydp.nn._adaptive_pool2d import AdaptiveAvgPool2d
from pydp.nn._arguments import at_least, depth_of, flag, scaled
from pydp.nn._batch_norm import BatchNorm2d
from pydp.nn._combinators import Sequential
from pydp.nn._conv2d import Conv
from pydp.nn._dropout import Dropout
from pydp.nn._feed_forward import FeedForward
from pydp.nn._flatten import Flatten
from pydp.nn._foreign import ForeignKeys
from pydp.nn._linear import Linear
from pydp.nn._max_pool2d import MaxPool
from pydp.nn._module import Module

CHANNELS = (64, 128, 256, 512, 512)
# depth -> convolutions of each block
BLOCKS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class VGG(Sequential):
    """Many small filters: two of 3 x 3 see as much as one of 5 x 5, with fewer numbers and a ReLU
    more.

    Shape: ``real[..., 3, h, w] -> real[..., classes]``, for images of 32 x 32 and more. The result
    are scores, for `cross_entropy`.

    Arguments
      depth        11, 13, 16 or 19: how many layers have weights
      classes      how many scores there are
      batch_norm   whether every convolution is followed by a BatchNorm2d
      dropout      the share of the hidden features that drops while training
      width        all numbers of channels and of hidden features times this

    Parameters begin as torchvision's: of a filter normal, by its outputs (`kaiming_normal_`), of a
    linear map normal with deviation 0.01, biases 0. `vgg16` has 138,357,544.

    Checkpoints of torchvision's `vgg11` … `vgg19_bn` load with `load_foreign`.

    Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition",
    2014.

    >>> from pydp import nn
    >>> nn.VGG(11, classes=10, width=1/16).signature
    <signature real[..., 3, h, w] -> real[..., 10] where h >= 32, w >= 32>
    """

    def __init__(
        self,
        depth: int = 16,
        classes: int = 1000,
        batch_norm: bool = False,
        dropout: float = 0.5,
        width: float = 1.0,
    ) -> None:
        self.depth = depth_of(depth, BLOCKS, "VGG")
        self.batch_norm = flag(batch_norm, "VGG", "batch_norm")
        before, boxes = 3, dict[str, Module]()
        for i, (n, channels) in enumerate(zip(BLOCKS[depth], CHANNELS, strict=True), 1):
            after = scaled(channels, width, "VGG")
            boxes[f"block{i}"] = _block(before, after, n, batch_norm)
            before = after
        hidden = scaled(4096, width, "VGG")
        super().__init__(
            {
                **boxes,
                "adapt": AdaptiveAvgPool2d(7),
                "flatten": Flatten(-3),
                "hidden1": FeedForward(before * 49, hidden),
                "dropout1": Dropout(dropout),
                "hidden2": FeedForward(hidden, hidden),
                "dropout2": Dropout(dropout),
                "score": Linear(hidden, classes),
            }
        )
        self.reset_parameters()

    @property
    def signature(self) -> language.Signature:
        return language.compose(at_least(32), super().signature)  # one pixel for the last pool

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.modules():
            if isinstance(module, Conv):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Linear):
                init.normal_(module.weight, std=0.01)
            elif isinstance(module, BatchNorm2d):
                module.reset_parameters()
            if isinstance(module, Conv | Linear) and module.bias is not None:
                init.zeros_(module.bias)

    @property
    def foreign_keys(self) -> ForeignKeys:
        """torchvision numbers all layers of all blocks, ReLU and pools too."""
        rows, number = dict[str, str](), 0
        for i, n in enumerate(BLOCKS[self.depth], 1):
            for j in range(1, n + 1):
                rows[f"block{i}.conv{j}.*"] = f"features.{number}.*"
                if self.batch_norm:
                    rows[f"block{i}.norm{j}.*"] = f"features.{number + 1}.*"
                number += 2 + self.batch_norm
            number += 1
        linear = {"hidden1.linear1": 0, "hidden2.linear1": 3, "score": 6}
        return ForeignKeys(rows | {f"{k}.*": f"classifier.{n}.*" for k, n in linear.items()})

    def extra_repr(self) -> str:
        return f"{self.depth}{', batch_norm=True' if self.batch_norm else ''}"


def _block(before: int, after: int, n: int, batch_norm: bool) -> Sequential:
    """n convolutions, and a pool."""
    boxes: dict[str, Module] = {}
    for i in range(1, n + 1):
        if batch_norm:
            boxes[f"conv{i}"] = Conv(before, after, 3, padding=1)
            boxes[f"norm{i}"] = BatchNorm2d(after)
            boxes[f"relu{i}"] = ReLU()
        else:
            boxes[f"conv{i}"] = Conv(before, after, 3, padding=1, activation="relu")
        before = after
    return Sequential({**boxes, "pool": MaxPool(2)})
