"""pydp: a tensor engine for differentiable programming on CPUs."""

import pydp._runtime  # noqa: F401 - before everything that loads _kernels

# isort: split
from pydp import data as data
from pydp import nn as nn
from pydp import optim as optim
from pydp._autodiff import grad as grad
from pydp._autodiff import hvp as hvp
from pydp._autodiff import jvp as jvp
from pydp._autodiff import value_and_grad as value_and_grad
from pydp._autodiff import vjp as vjp
from pydp._check import check_gradients as check_gradients
from pydp._creation import arange as arange
from pydp._creation import empty as empty
from pydp._creation import eye as eye
from pydp._creation import full as full
from pydp._creation import full_like as full_like
from pydp._creation import ones as ones
from pydp._creation import ones_like as ones_like
from pydp._creation import zeros as zeros
from pydp._creation import zeros_like as zeros_like
from pydp._debug import debug as debug
from pydp._function import Function as Function
from pydp._graph import enable_grad as enable_grad
from pydp._graph import is_recording as is_recording
from pydp._graph import no_grad as no_grad
from pydp._jacobian import hessian as hessian
from pydp._jacobian import jacobian as jacobian
from pydp._random import Generator as Generator
from pydp._random import bernoulli as bernoulli
from pydp._random import manual_seed as manual_seed
from pydp._random import permutation as permutation
from pydp._random import rand as rand
from pydp._random import randint as randint
from pydp._random import randn as randn
from pydp._remat import remat as remat
from pydp._runtime import get_num_threads as get_num_threads
from pydp._runtime import isa as isa
from pydp._runtime import select_isa as select_isa
from pydp._runtime import set_num_threads as set_num_threads
from pydp._tensor import Tensor as Tensor
from pydp._tensor import asarray as asarray
from pydp._tensor import tensor as tensor
from pydp._version import __version__ as __version__
from pydp.checkpoint import CheckpointError as CheckpointError
from pydp.checkpoint import load as load
from pydp.checkpoint import save as save
from pydp.nn._functional_call import functional_call as functional_call
from pydp.ops import *  # noqa: F403 (every function of ops is public)
