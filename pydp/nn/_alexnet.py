"""AlexNet: the lecture's three boxes, Conv, MaxPool and FeedForward, one after the other.

    AlexNet(x) = score(FeedForward²(MaxPool(Conv³(MaxPool(Conv(MaxPool(Conv(x))))))))

      3 x 224 x 224 ── conv1, pool1 ── 27 x 27 ── conv2, pool2 ── 13 x 13
                    ── conv3, conv4, conv5, pool3 ── 256 x 6 x 6 ── hidden1, hidden2 ── score

Pools overlap: windows of 3 with stride 2. There are two forms, of two papers by the same author.
"""

from __future__ import annotations

from pydp._op import language
from pydp.nn import init
from pydp.nn._adaptive_pool2d import AdaptiveAvgPool2d
from pydp.nn._arguments import at_least, one_of, scaled
from pydp.nn._combinators import Sequential
from pydp.nn._conv2d import Conv
from pydp.nn._dropout import Dropout
from pydp.nn._feed_forward import FeedForward
from pydp.nn._flatten import Flatten
from pydp.nn._foreign import ForeignKeys
from pydp.nn._linear import Linear
from pydp.nn._local_response_norm import LocalResponseNorm
from pydp.nn._max_pool2d import MaxPool
from pydp.nn._module import Module

FORMS = ("torchvision", "2012")


class AlexNet(Sequential):
    """The network that won ImageNet in 2012: five convolutions, three pools, three linear maps.

    Shape: ``real[..., 3, h, w] -> real[..., classes]``, for images of 63 x 63 and more; form "2012"
    for those of which pool3 leaves 6 x 6, such as 224 x 224. The result are scores, for
    `cross_entropy`.

    Arguments
      classes   how many scores there are
      form      "torchvision": 64, 192, 384, 256, 256 channels, and an adaptive pool that makes
                6 x 6 of images of any size; 61,100,840 parameters
                "2012": 96, 256, 384, 384, 256 channels, of which conv2, conv4 and conv5 see half
                each (two groups, once on two devices), and local response normalisation behind
                conv1 and conv2 with k = 2, n = 5, α = 1e-4, β = 0.75; 60,965,224 parameters
      dropout   the share of the hidden layers that drops while training: of their inputs in
                torchvision's form, of their results in the paper's
      width     all numbers of channels and of hidden features times this

    Parameters begin as those of `Conv2d` and `Linear`; in form "2012" as the paper says: weights
    normal with deviation 0.01, biases 1 in conv2, conv4, conv5 and the hidden layers, else 0.

    Checkpoints of torchvision's `alexnet` load with `load_foreign`, into its form.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
    networks", 2012; and for torchvision's form Krizhevsky, "One weird trick for parallelizing
    convolutional neural networks", 2014.

    >>> from pydp import nn
    >>> nn.AlexNet(classes=10, width=1/16).signature
    <signature real[..., 3, h, w] -> real[..., 10] where h >= 63, w >= 63>
    """

    foreign_keys = ForeignKeys(
        {
            "conv1.*": "features.0.*",
            "conv2.*": "features.3.*",
            "conv3.*": "features.6.*",
            "conv4.*": "features.8.*",
            "conv5.*": "features.10.*",
            "hidden1.linear1.*": "classifier.1.*",
            "hidden2.linear1.*": "classifier.4.*",
            "score.*": "classifier.6.*",
        }
    )

    def __init__(
        self,
        classes: int = 1000,
        form: str = "torchvision",
        dropout: float = 0.5,
        width: float = 1.0,
    ) -> None:
        self.form = one_of(form, FORMS, "AlexNet", "form")
        if form == "2012":
            super().__init__(_of_2012(classes, dropout, width))
            self.reset_parameters()
        else:
            super().__init__(_of_torchvision(classes, dropout, width))

    @property
    def signature(self) -> language.Signature:
        return language.compose(at_least(63), super().signature)  # one pixel for the last pool

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.children():
            getattr(module, "reset_parameters", lambda: None)()
        if self.form == "torchvision":
            return
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                init.normal_(parameter, std=0.01)
            else:
                one = name.startswith(("conv2", "conv4", "conv5", "hidden"))
                init.constant_(parameter, float(one))

    def extra_repr(self) -> str:
        return "" if self.form == "torchvision" else f"form={self.form!r}"


def _of_torchvision(classes: int, dropout: float, width: float) -> dict[str, Module]:
    c1, c2, c3, c4, hidden = [scaled(n, width, "AlexNet") for n in (64, 192, 384, 256, 4096)]
    return {
        "conv1": Conv(3, c1, 11, stride=4, padding=2, activation="relu"),
        "pool1": MaxPool(3, 2),
        "conv2": Conv(c1, c2, 5, padding=2, activation="relu"),
        "pool2": MaxPool(3, 2),
        "conv3": Conv(c2, c3, 3, padding=1, activation="relu"),
        "conv4": Conv(c3, c4, 3, padding=1, activation="relu"),
        "conv5": Conv(c4, c4, 3, padding=1, activation="relu"),
        "pool3": MaxPool(3, 2),
        "adapt": AdaptiveAvgPool2d(6),
        "flatten": Flatten(-3),
        "dropout1": Dropout(dropout),
        "hidden1": FeedForward(c4 * 36, hidden),
        "dropout2": Dropout(dropout),
        "hidden2": FeedForward(hidden, hidden),
        "score": Linear(hidden, classes),
    }


def _of_2012(classes: int, dropout: float, width: float) -> dict[str, Module]:
    c1, c2, c3, hidden = [scaled(n, width, "AlexNet") for n in (96, 256, 384, 4096)]

    def norm() -> Module:
        """The paper does not divide α by the number of channels of a window, LocalResponseNorm
        does."""
        return LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0, axis=-3)

    return {
        "conv1": Conv(3, c1, 11, stride=4, padding=2, activation="relu"),
        "norm1": norm(),
        "pool1": MaxPool(3, 2),
        "conv2": Conv(c1, c2, 5, padding=2, groups=2, activation="relu"),
        "norm2": norm(),
        "pool2": MaxPool(3, 2),
        "conv3": Conv(c2, c3, 3, padding=1, activation="relu"),
        "conv4": Conv(c3, c3, 3, padding=1, groups=2, activation="relu"),
        "conv5": Conv(c3, c2, 3, padding=1, groups=2, activation="relu"),
        "pool3": MaxPool(3, 2),
        "flatten": Flatten(-3),
        "hidden1": FeedForward(c2 * 36, hidden),
        "dropout1": Dropout(dropout),
        "hidden2": FeedForward(hidden, hidden),
        "dropout2": Dropout(dropout),
        "score": Linear(hidden, classes),
    }
