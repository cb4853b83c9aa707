# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""pydp._kernels: the doors from Python to the C kernels.

A door turns arrays into addresses and shapes into a geometry, and makes one call. It trusts its
caller: rules (pydp/ops) check arguments, promote types and own the error messages. Doors receive
NumPy arrays that are aligned and of native byte order; a dtype other than float32 and float64 is a
TypeError here, since there is no kernel for it.
"""

import os
import threading

cimport cython
cimport numpy as cnp
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport PyObject, PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

cnp.import_array()

include "core.pxi"
include "memory.pxi"
include "call.pxi"
include "elementwise.pxi"
include "where.pxi"
include "matmul.pxi"
include "reduce.pxi"
include "copy.pxi"
include "pool2d.pxi"
include "max_pool2d.pxi"
include "avg_pool2d.pxi"
include "softmax.pxi"
include "multi_tensor.pxi"
include "sgd.pxi"
include "adam.pxi"
include "adadelta.pxi"
include "rmsprop.pxi"
include "adagrad.pxi"
include "adamax.pxi"
include "conv2d.pxi"
include "embedding.pxi"
include "random.pxi"
include "dropout.pxi"
include "cross_entropy.pxi"
include "linear_cross_entropy.pxi"
include "layer_norm.pxi"
include "batch_norm.pxi"
include "local_response_norm.pxi"
include "attention.pxi"
include "take.pxi"
include "scan.pxi"
include "recurrent.pxi"
include "lstm.pxi"
include "gru.pxi"
include "rnn.pxi"
include "loss.pxi"
include "ctc_loss.pxi"
include "pad.pxi"
include "interpolate.pxi"
include "unfold.pxi"
