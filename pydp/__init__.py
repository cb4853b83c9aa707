"""pydp: a tensor engine for differentiable programming on CPUs."""

from pydp._autodiff import grad as grad
from pydp._autodiff import value_and_grad as value_and_grad
from pydp._creation import arange as arange
from pydp._creation import empty as empty
from pydp._creation import eye as eye
from pydp._creation import full as full
from pydp._creation import full_like as full_like
from pydp._creation import ones as ones
from pydp._creation import ones_like as ones_like
from pydp._creation import zeros as zeros
from pydp._creation import zeros_like as zeros_like
from pydp._graph import enable_grad as enable_grad
from pydp._graph import no_grad as no_grad
from pydp._tensor import Tensor as Tensor
from pydp._tensor import asarray as asarray
from pydp._tensor import tensor as tensor
from pydp._version import __version__ as __version__
from pydp.ops import *
