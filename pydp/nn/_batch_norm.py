"""BatchNorm1d and BatchNorm2d: every channel brought to one scale, over a batch."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer, real_tensor
from pydp._arrays import INT64
from pydp._creation import ones, zeros
from pydp._tensor import Tensor
from pydp.nn import init
from pydp.nn._arguments import flag, new_parameter, number_within
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.ops._norm import positive


class _BatchNorm(Module):
    """What both share; x is (n, c, …)."""

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        name = type(self).__name__
        self.num_features = integer(num_features, name, "num_features", least=1)
        self.eps = positive(eps, name, "eps")
        self.momentum = (
            None if momentum is None else number_within(momentum, name, "momentum", 0.0, 1.0)
        )
        self.affine = flag(affine, name, "affine")
        self.track_running_stats = flag(track_running_stats, name, "track_running_stats")
        self.weight = new_parameter(self.num_features) if self.affine else None
        self.bias = new_parameter(self.num_features) if self.affine else None
        tracks, c = self.track_running_stats, self.num_features
        self.register_buffer("running_mean", zeros(c) if tracks else None)
        self.register_buffer("running_var", ones(c) if tracks else None)
        self.register_buffer("num_batches_tracked", zeros((), INT64) if tracks else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1, none counted."""
        buffers = (self.running_mean, self.running_var, self.num_batches_tracked)
        for buffer, value in zip(buffers, (0, 1, 0), strict=True):
            if buffer is not None:
                buffer[...] = value

    def reset_parameters(self) -> None:
        """The weight ones, the bias zeros, all batches forgotten."""
        self.reset_running_stats()
        if self.weight is not None and self.bias is not None:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def forward(self, x: Any) -> Any:
        x = real_tensor(x, "batch_norm", "x")
        if x.ndim < 2 or x.shape[1] != self.num_features:
            raise ValueError(
                f"batch_norm: x must have {self.num_features} channels on axis 1, got shape "
                f"{x.shape}"
            )
        return ops.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self.momentum,
            self.eps,
            self.num_batches_tracked,
        )

    def extra_repr(self) -> str:
        out = f"{self.num_features}"
        for argument, usual in (("eps", 1e-5), ("momentum", 0.1), ("affine", True),
                                ("track_running_stats", True)):  # fmt: skip
            if getattr(self, argument) != usual:
                out += f", {argument}={getattr(self, argument)!r}"
        return out


class BatchNorm1d(_BatchNorm):
    """(x - mean) / sqrt(var + eps) weight + bias for each feature, over all rows of a batch, or all
    places of all its sequences.

    Shape: ``real[n, c, ...] -> real[n, c, ...]`` with c num_features.

    While training mean and (biased) variance are those of the batch; in evaluation mode they are
    the running statistics, which training moves: running += momentum (new - running).

    Arguments
      eps                  above 0
      momentum             from 0 to 1; None makes the statistics averages of all batches
      affine               whether there are parameters
      track_running_stats  without them the batch's own statistics serve in evaluation too

    Parameters
      weight  [num_features], ones
      bias    [num_features], zeros

    Buffers
      running_mean         [num_features], zeros at first
      running_var          [num_features], ones at first; unbiased
      num_batches_tracked  int64, how many batches there were

    It differs from PyTorch's: behind the features there may be any number of axes (there none or
    one), and `device` and `dtype` are missing (see `astype`).

    >>> import pydp
    >>> norm = pydp.nn.BatchNorm1d(2)
    >>> _ = norm(pydp.tensor([[1.0, 10.0], [3.0, 30.0]]))
    >>> norm.running_mean
    tensor([0.2, 2. ])
    """

    @property
    def type(self) -> str:
        shape = f"real[n, {self.num_features}, ...]"
        return f"{shape} -> {shape}"


class BatchNorm2d(_BatchNorm):
    """(x - mean) / sqrt(var + eps) weight + bias for each channel, over all pixels of a batch.

    Shape: ``real[..., c, h, w] -> real[..., c, h, w]`` with c num_features. Otherwise as
    `BatchNorm1d`. All leading axes are the batch; a single image is a batch of one (PyTorch refuses
    it). The result is channels-last in memory.

    >>> import pydp
    >>> list(pydp.nn.BatchNorm2d(3).state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    @property
    def type(self) -> str:
        shape = f"real[..., {self.num_features}, h, w]"
        return f"{shape} -> {shape}"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        return super().forward(x)
