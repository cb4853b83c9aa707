"""ResNet: boxes with a path around them, so that a deep stack is not harder to train.

                 ┌───────────── shortcut ─────────────┐
    block:   x ──┴─ conv ─ norm ─ relu ─ conv ─ norm ─ + ─ relu ──        Residual, then ReLU

    [3, h, w] ── stem ── stage1 ── stage2 ── stage3 ── stage4 ── mean ── score

The stem makes a quarter of h and w; every stage but the first halves them and doubles the channels,
in its first block, whose shortcut is then a convolution of 1 x 1.
"""

from __future__ import annotations

from typing import Any

from pydp.nn import init
from pydp.nn._activation import ReLU
from pydp.nn._adaptive_pool2d import AdaptiveAvgPool2d
from pydp.nn._arguments import depth_of, flag, scaled
from pydp.nn._batch_norm import BatchNorm2d
from pydp.nn._combinators import Sequential
from pydp.nn._conv2d import Conv
from pydp.nn._flatten import Flatten
from pydp.nn._foreign import ForeignKeys
from pydp.nn._linear import Linear
from pydp.nn._max_pool2d import MaxPool
from pydp.nn._module import Module
from pydp.nn._residual import Residual

# depth -> (blocks of each stage, whether they are bottlenecks)
STAGES = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
SPREAD = 4  # a bottleneck's result has that many times the channels inside


class ResNet(Sequential):
    """Residual boxes of convolutions, 18 to 152 layers deep.

    Shape: ``real[..., 3, h, w] -> real[..., classes]``. The result are scores, for `cross_entropy`.

    Arguments
      depth       18 or 34 (blocks of two convolutions of 3 x 3), 50, 101 or 152 (bottlenecks of
                  1 x 1, 3 x 3 and 1 x 1)
      classes     how many scores there are
      zero_init   whether the weight of each block's last norm begins as 0, so that every block
                  begins as its shortcut
      width       all numbers of channels times this

    The form is torchvision's, "v1.5": a bottleneck halves the image in its convolution of 3 x 3,
    where the paper does it in the first of 1 x 1. Filters begin normal, by their outputs
    (`kaiming_normal_`). ResNet50 has 25,557,032 parameters.

    Checkpoints of torchvision's `resnet18` … `resnet152` load with `load_foreign`.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015; zero_init: Goyal
    et al., "Accurate, large minibatch SGD", 2017, section 5.1.

    >>> from pydp import nn
    >>> nn.ResNet(18, classes=10, width=1/16).signature
    <signature real[..., 3, h, w] -> real[..., 10]>
    """

    foreign_keys = ForeignKeys(
        {
            "stem.conv.*": "conv1.*",
            "stem.norm.*": "bn1.*",
            "stage{s}.{b}.residual.f.conv{k}.*": "layer{s}.{b}.conv{k}.*",
            "stage{s}.{b}.residual.f.norm{k}.*": "layer{s}.{b}.bn{k}.*",
            "stage{s}.{b}.residual.shortcut.conv.*": "layer{s}.{b}.downsample.0.*",
            "stage{s}.{b}.residual.shortcut.norm.*": "layer{s}.{b}.downsample.1.*",
            "score.*": "fc.*",
        }
    )

    def __init__(
        self,
        depth: int = 50,
        classes: int = 1000,
        zero_init: bool = False,
        width: float = 1.0,
    ) -> None:
        self.depth = depth_of(depth, STAGES, "ResNet")
        self.zero_init = flag(zero_init, "ResNet", "zero_init")
        blocks, deep = STAGES[depth]
        channels = scaled(64, width, "ResNet")
        stages = {"stem": _stem(channels)}
        before = channels
        for i, n in enumerate(blocks):
            inner, stride = channels * 2**i, 1 if i == 0 else 2
            after = inner * SPREAD if deep else inner
            first = _block(before, inner, after, stride, deep)
            rest = [_block(after, inner, after, 1, deep) for _ in range(n - 1)]
            stages[f"stage{i + 1}"] = Sequential(first, *rest)
            before = after
        super().__init__(
            {
                **stages,
                "mean": AdaptiveAvgPool2d(1),
                "flatten": Flatten(-3),
                "score": Linear(before, classes),
            }
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.modules():
            if isinstance(module, Conv):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BatchNorm2d | Linear):
                module.reset_parameters()
        if self.zero_init:
            for module in self.modules():
                if isinstance(module, Residual):
                    last: Any = [*module.f.children()][-1]
                    init.zeros_(last.weight)

    def extra_repr(self) -> str:
        return f"{self.depth}{', zero_init=True' if self.zero_init else ''}"


def _stem(channels: int) -> Sequential:
    return Sequential(
        {
            "conv": Conv(3, channels, 7, stride=2, padding=3, bias=False),
            "norm": BatchNorm2d(channels),
            "relu": ReLU(),
            "pool": MaxPool(3, stride=2, padding=1),
        }
    )


def _block(before: int, inner: int, after: int, stride: int, deep: bool) -> Sequential:
    """A Residual and a ReLU; the shortcut is x itself where the shapes agree."""
    shortcut = None
    if stride != 1 or before != after:
        shortcut = Sequential(
            {"conv": Conv(before, after, 1, stride=stride, bias=False), "norm": BatchNorm2d(after)}
        )
    if deep:
        f = _chain((before, inner, 1, 1), (inner, inner, 3, stride), (inner, after, 1, 1))
    else:
        f = _chain((before, inner, 3, stride), (inner, after, 3, 1))
    return Sequential({"residual": Residual(f, shortcut), "relu": ReLU()})


def _chain(*convolutions: tuple[int, int, int, int]) -> Sequential:
    """Convolutions (in, out, window, stride) with norms, and ReLU between them."""
    boxes: dict[str, Module] = {}
    for i, (before, after, window, stride) in enumerate(convolutions, 1):
        padding = window // 2
        boxes[f"conv{i}"] = Conv(before, after, window, stride, padding, bias=False)
        boxes[f"norm{i}"] = BatchNorm2d(after)
        if i < len(convolutions):
            boxes[f"relu{i}"] = ReLU()
    return Sequential(boxes)
