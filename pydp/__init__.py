"""pydp: a tensor engine for differentiable programming on CPUs."""

import pydp._runtime  # noqa: F401 - before everything that loads _kernels
from pydp._graph import no_grad as no_grad
from pydp._runtime import get_num_threads as get_num_threads
from pydp._runtime import isa as isa
from pydp._runtime import select_isa as select_isa
from pydp._runtime import set_num_threads as set_num_threads
from pydp._tensor import Tensor as Tensor
from pydp._tensor import tensor as tensor
from pydp._version import __version__ as __version__
from pydp.ops import *
