"""What a module remembers: its mode, its parameters and buffers, and those of checkpoints.

Invariant: `load_state_dict`, `load_foreign` and `astype` write into the parameters there are, so an
optimizer keeps working.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydp._arrays import FLOAT32, FLOAT64, checked_dtype
from pydp._tensor import Tensor
from pydp.nn import _foreign, _state
from pydp.nn._parameter import convert
from pydp.nn._tree import Tree


class Stateful(Tree):
    """The part of `Module` that changes and keeps its state."""

    __slots__ = ()

    training: bool = True

    def train(self, mode: bool = True) -> Self:
        """Put every module into training mode (or out of it): dropout, batch norm."""
        if not isinstance(mode, bool):
            raise TypeError(f"train: mode must be a bool, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put every module into evaluation mode; the same as train(False)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let every parameter want a gradient (or no longer: a frozen module)."""
        for parameter in self.parameters():
            if parameter.requires_grad != requires_grad:
                parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None

    def astype(self, dtype: Any) -> Self:
        """Convert the parameters and the real buffers to float32 or float64, in place."""
        dtype = checked_dtype(dtype, "astype")
        if dtype not in (FLOAT32, FLOAT64):
            raise TypeError(f"astype: a module's dtype must be float32 or float64, got {dtype}")
        for tensor in [*self.parameters(), *self.buffers()]:
            if tensor.dtype.kind == "f" and tensor.dtype != dtype:
                convert(tensor, dtype)
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """The parameters and persistent buffers by path, sharing their memory.

        A parameter with several paths has them all, each with the same tensor. Copy the result
        (`copy.deepcopy`) to keep it while training goes on.
        """
        return _state.read(self._places())

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> _state.Keys:
        """Copy a state into the parameters and buffers, which stay the objects they are.

        All or nothing: one ValueError lists every key that is missing, unexpected, of another
        shape or of another dtype. With strict=False missing and unexpected keys are returned
        instead. Of a shared parameter one path is enough; if there are several they must agree.
        """
        return _state.load(self._places(), state, strict, type(self).__name__)

    @property
    def foreign_keys(self) -> _foreign.ForeignKeys:
        """Where another library's checkpoints have the state; a subclass whose checkpoints are
        published sets it. By default the names are the same: layers have PyTorch's."""
        return _foreign.SAME

    def foreign_state_dict(self) -> dict[str, Tensor]:
        """The state under the names, and in the shapes, of the library whose checkpoints the module
        reads (`foreign_keys`): `pydp.save(path, model.foreign_state_dict())`. Parameters share
        their memory, but for those that are several here and one there."""
        return _foreign.read(self._places(), self.foreign_keys)

    def load_foreign(self, state: Mapping[str, Any], strict: bool = True) -> _state.Keys:
        """Copy another library's checkpoint into the parameters and buffers:
        `model.load_foreign(pydp.load(path))`.

        As `load_state_dict`, all or nothing, with one report of everything that is missing,
        unexpected or misshapen, in their names. Values may be tensors of any library that gives
        NumPy its arrays.

        >>> import numpy as np
        >>> from pydp import nn
        >>> nn.Linear(2, 1).load_foreign({"weight": np.ones((2, 1), "float32"), "scale": 1.0})
        Traceback (most recent call last):
        ValueError: Linear: the checkpoint does not fit, nothing was loaded
          wrong       weight: expected shape (1, 2), got (2, 1)
          missing     bias
          unexpected  scale
        """
        return _foreign.load(self._places(), self.foreign_keys, state, strict, type(self).__name__)
