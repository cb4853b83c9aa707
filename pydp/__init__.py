"""pydp: a tensor engine for differentiable programming on CPUs."""

from pydp import _runtime as _runtime  # before everything that loads _kernels

# isort: split
from pydp import _elsewhere as _elsewhere
from pydp._autodiff import grad as grad
from pydp._autodiff import hvp as hvp
from pydp._autodiff import jvp as jvp
from pydp._autodiff import value_and_grad as value_and_grad
from pydp._autodiff import vjp as vjp
from pydp._check import check_gradients as check_gradients
from pydp._creation import arange as arange
from pydp._creation import empty as empty
from pydp._creation import empty_like as empty_like
from pydp._creation import eye as eye
from pydp._creation import from_dlpack as from_dlpack
from pydp._creation import full as full
from pydp._creation import full_like as full_like
from pydp._creation import linspace as linspace
from pydp._creation import ones as ones
from pydp._creation import ones_like as ones_like
from pydp._creation import zeros as zeros
from pydp._creation import zeros_like as zeros_like
from pydp._dtypes import bool as bool
from pydp._dtypes import can_cast as can_cast
from pydp._dtypes import e as e
from pydp._dtypes import finfo as finfo
from pydp._dtypes import float32 as float32
from pydp._dtypes import float64 as float64
from pydp._dtypes import iinfo as iinfo
from pydp._dtypes import inf as inf
from pydp._dtypes import int8 as int8
from pydp._dtypes import int16 as int16
from pydp._dtypes import int32 as int32
from pydp._dtypes import int64 as int64
from pydp._dtypes import isdtype as isdtype
from pydp._dtypes import nan as nan
from pydp._dtypes import newaxis as newaxis
from pydp._dtypes import pi as pi
from pydp._dtypes import result_type as result_type
from pydp._dtypes import uint8 as uint8
from pydp._dtypes import uint16 as uint16
from pydp._dtypes import uint32 as uint32
from pydp._dtypes import uint64 as uint64
from pydp._function import Function as Function
from pydp._graph import enable_grad as enable_grad
from pydp._graph import is_recording as is_recording
from pydp._graph import no_grad as no_grad
from pydp._jacobian import hessian as hessian
from pydp._jacobian import jacobian as jacobian
from pydp._namespace import __array_api_version__ as __array_api_version__
from pydp._namespace import __array_namespace_info__ as __array_namespace_info__
from pydp._random import Generator as Generator
from pydp._random import manual_seed as manual_seed
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
from pydp.ops import *  # noqa: F403 (every function of ops is public)

# What is below comes when it is asked for: arrays and their gradients do without.
if _elsewhere.TYPE_CHECKING:
    from pydp import checkpoint as checkpoint
    from pydp import data as data
    from pydp import nn as nn
    from pydp import optim as optim
    from pydp._debug import debug as debug
    from pydp._proof import check as check
    from pydp.checkpoint import CheckpointError as CheckpointError
    from pydp.checkpoint import load as load
    from pydp.checkpoint import save as save
    from pydp.nn._functional_call import functional_call as functional_call

_elsewhere.answer_for(
    __name__,
    later={
        "pydp._debug": "debug",
        "pydp._proof": "check",
        "pydp.checkpoint": "CheckpointError load save",
        "pydp.nn._functional_call": "functional_call",
    },
    parts="checkpoint data nn optim",
    beside="pydp.ops",
)
