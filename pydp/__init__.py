"""pydp: a tensor engine for differentiable programming on CPUs."""

from pydp._graph import no_grad as no_grad
from pydp._tensor import Tensor as Tensor
from pydp._tensor import tensor as tensor
from pydp._version import __version__ as __version__
from pydp.ops import *
