"""The rules, one file per op that has a kernel; families of derived ops share a file."""

from pydp import _elsewhere as _elsewhere
from pydp.ops._activation import celu as celu
from pydp.ops._activation import elu as elu
from pydp.ops._activation import gelu as gelu
from pydp.ops._activation import glu as glu
from pydp.ops._activation import logsigmoid as logsigmoid
from pydp.ops._activation import mish as mish
from pydp.ops._activation import relu as relu
from pydp.ops._activation import selu as selu
from pydp.ops._activation import sigmoid as sigmoid
from pydp.ops._activation import silu as silu
from pydp.ops._activation import softmin as softmin
from pydp.ops._activation import softplus as softplus
from pydp.ops._activation import softsign as softsign
from pydp.ops._activation import tanh as tanh
from pydp.ops._activation import tanhshrink as tanhshrink
from pydp.ops._broadcast import broadcast_arrays as broadcast_arrays
from pydp.ops._broadcast import broadcast_shapes as broadcast_shapes
from pydp.ops._broadcast import meshgrid as meshgrid
from pydp.ops._diagonal import diagonal as diagonal
from pydp.ops._diagonal import trace as trace
from pydp.ops._dropout import dropout as dropout
from pydp.ops._einsum import einsum as einsum
from pydp.ops._flatten import flatten as flatten
from pydp.ops._flatten import unflatten as unflatten
from pydp.ops._index import getitem as getitem
from pydp.ops._index import setitem as setitem
from pydp.ops._join import chunk as chunk
from pydp.ops._join import concat as concat
from pydp.ops._join import repeat as repeat
from pydp.ops._join import roll as roll
from pydp.ops._join import stack as stack
from pydp.ops._join import tile as tile
from pydp.ops._join import unstack as unstack
from pydp.ops._logic import bitwise_and as bitwise_and
from pydp.ops._logic import bitwise_invert as bitwise_invert
from pydp.ops._logic import bitwise_left_shift as bitwise_left_shift
from pydp.ops._logic import bitwise_or as bitwise_or
from pydp.ops._logic import bitwise_right_shift as bitwise_right_shift
from pydp.ops._logic import bitwise_xor as bitwise_xor
from pydp.ops._logic import equal as equal
from pydp.ops._logic import greater as greater
from pydp.ops._logic import greater_equal as greater_equal
from pydp.ops._logic import isfinite as isfinite
from pydp.ops._logic import isinf as isinf
from pydp.ops._logic import isnan as isnan
from pydp.ops._logic import less as less
from pydp.ops._logic import less_equal as less_equal
from pydp.ops._logic import logical_and as logical_and
from pydp.ops._logic import logical_not as logical_not
from pydp.ops._logic import logical_or as logical_or
from pydp.ops._logic import logical_xor as logical_xor
from pydp.ops._logic import not_equal as not_equal
from pydp.ops._logic import signbit as signbit
from pydp.ops._math import abs as abs
from pydp.ops._math import add as add
from pydp.ops._math import astype as astype
from pydp.ops._math import clip as clip
from pydp.ops._math import copy as copy
from pydp.ops._math import copysign as copysign
from pydp.ops._math import divide as divide
from pydp.ops._math import erf as erf
from pydp.ops._math import exp as exp
from pydp.ops._math import expm1 as expm1
from pydp.ops._math import log as log
from pydp.ops._math import log1p as log1p
from pydp.ops._math import log2 as log2
from pydp.ops._math import log10 as log10
from pydp.ops._math import logaddexp as logaddexp
from pydp.ops._math import maximum as maximum
from pydp.ops._math import minimum as minimum
from pydp.ops._math import multiply as multiply
from pydp.ops._math import negative as negative
from pydp.ops._math import nextafter as nextafter
from pydp.ops._math import positive as positive
from pydp.ops._math import pow as pow
from pydp.ops._math import reciprocal as reciprocal
from pydp.ops._math import sign as sign
from pydp.ops._math import sqrt as sqrt
from pydp.ops._math import square as square
from pydp.ops._math import subtract as subtract
from pydp.ops._matmul import linear as linear
from pydp.ops._matmul import matmul as matmul
from pydp.ops._reduce import max as max
from pydp.ops._reduce import mean as mean
from pydp.ops._reduce import min as min
from pydp.ops._reduce import sum as sum
from pydp.ops._reduce_derived import all as all
from pydp.ops._reduce_derived import any as any
from pydp.ops._reduce_derived import argmax as argmax
from pydp.ops._reduce_derived import argmin as argmin
from pydp.ops._reduce_derived import logsumexp as logsumexp
from pydp.ops._reduce_derived import prod as prod
from pydp.ops._reduce_derived import std as std
from pydp.ops._reduce_derived import var as var
from pydp.ops._rounding import ceil as ceil
from pydp.ops._rounding import floor as floor
from pydp.ops._rounding import floor_divide as floor_divide
from pydp.ops._rounding import remainder as remainder
from pydp.ops._rounding import round as round
from pydp.ops._rounding import trunc as trunc
from pydp.ops._sample import bernoulli as bernoulli
from pydp.ops._sample import choice as choice
from pydp.ops._sample import exponential as exponential
from pydp.ops._sample import multinomial as multinomial
from pydp.ops._sample import normal as normal
from pydp.ops._sample import permutation as permutation
from pydp.ops._sample import rand_like as rand_like
from pydp.ops._sample import randn_like as randn_like
from pydp.ops._sample import shuffle as shuffle
from pydp.ops._sample import uniform as uniform
from pydp.ops._scan import cumprod as cumprod
from pydp.ops._scan import cumsum as cumsum
from pydp.ops._scan import cumulative_prod as cumulative_prod
from pydp.ops._scan import cumulative_sum as cumulative_sum
from pydp.ops._scan import diff as diff
from pydp.ops._shape import broadcast_to as broadcast_to
from pydp.ops._shape import expand_dims as expand_dims
from pydp.ops._shape import flip as flip
from pydp.ops._shape import matrix_transpose as matrix_transpose
from pydp.ops._shape import moveaxis as moveaxis
from pydp.ops._shape import permute_dims as permute_dims
from pydp.ops._shape import reshape as reshape
from pydp.ops._shape import squeeze as squeeze
from pydp.ops._shape import swapaxes as swapaxes
from pydp.ops._softmax import log_softmax as log_softmax
from pydp.ops._softmax import softmax as softmax
from pydp.ops._sort import argsort as argsort
from pydp.ops._sort import count_nonzero as count_nonzero
from pydp.ops._sort import nonzero as nonzero
from pydp.ops._sort import searchsorted as searchsorted
from pydp.ops._sort import sort as sort
from pydp.ops._sort import topk as topk
from pydp.ops._sort import unique_all as unique_all
from pydp.ops._sort import unique_counts as unique_counts
from pydp.ops._sort import unique_inverse as unique_inverse
from pydp.ops._sort import unique_values as unique_values
from pydp.ops._take import take as take
from pydp.ops._take import take_along_axis as take_along_axis
from pydp.ops._tensordot import outer as outer
from pydp.ops._tensordot import tensordot as tensordot
from pydp.ops._tensordot import vecdot as vecdot
from pydp.ops._trigonometry import acos as acos
from pydp.ops._trigonometry import acosh as acosh
from pydp.ops._trigonometry import asin as asin
from pydp.ops._trigonometry import asinh as asinh
from pydp.ops._trigonometry import atan as atan
from pydp.ops._trigonometry import atan2 as atan2
from pydp.ops._trigonometry import atanh as atanh
from pydp.ops._trigonometry import cos as cos
from pydp.ops._trigonometry import cosh as cosh
from pydp.ops._trigonometry import hypot as hypot
from pydp.ops._trigonometry import sin as sin
from pydp.ops._trigonometry import sinh as sinh
from pydp.ops._trigonometry import tan as tan
from pydp.ops._tril import tril as tril
from pydp.ops._tril import triu as triu
from pydp.ops._vector_norm import vector_norm as vector_norm
from pydp.ops._where import where as where

# The functions of neural networks come when they are asked for: numbers and shapes do without.
if _elsewhere.TYPE_CHECKING:
    from pydp.ops._adaptive_pool1d import adaptive_avg_pool1d as adaptive_avg_pool1d
    from pydp.ops._adaptive_pool1d import adaptive_max_pool1d as adaptive_max_pool1d
    from pydp.ops._adaptive_pool2d import adaptive_avg_pool2d as adaptive_avg_pool2d
    from pydp.ops._adaptive_pool2d import adaptive_max_pool2d as adaptive_max_pool2d
    from pydp.ops._attention import scaled_dot_product_attention as scaled_dot_product_attention
    from pydp.ops._avg_pool1d import avg_pool1d as avg_pool1d
    from pydp.ops._avg_pool2d import avg_pool2d as avg_pool2d
    from pydp.ops._batch_norm import batch_norm as batch_norm
    from pydp.ops._conv1d import conv1d as conv1d
    from pydp.ops._conv2d import conv2d as conv2d
    from pydp.ops._conv_transpose1d import conv_transpose1d as conv_transpose1d
    from pydp.ops._conv_transpose2d import conv_transpose2d as conv_transpose2d
    from pydp.ops._cross_entropy import cross_entropy as cross_entropy
    from pydp.ops._ctc_loss import ctc_loss as ctc_loss
    from pydp.ops._embedding import embedding as embedding
    from pydp.ops._embedding import one_hot as one_hot
    from pydp.ops._group_norm import group_norm as group_norm
    from pydp.ops._group_norm import instance_norm as instance_norm
    from pydp.ops._gru import gru as gru
    from pydp.ops._interpolate import interpolate as interpolate
    from pydp.ops._layer_norm import layer_norm as layer_norm
    from pydp.ops._layer_norm import rms_norm as rms_norm
    from pydp.ops._likelihood import gaussian_nll_loss as gaussian_nll_loss
    from pydp.ops._likelihood import kl_div as kl_div
    from pydp.ops._likelihood import nll_loss as nll_loss
    from pydp.ops._likelihood import poisson_nll_loss as poisson_nll_loss
    from pydp.ops._linear_cross_entropy import linear_cross_entropy as linear_cross_entropy
    from pydp.ops._local_response_norm import local_response_norm as local_response_norm
    from pydp.ops._loss import binary_cross_entropy as binary_cross_entropy
    from pydp.ops._loss import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
    from pydp.ops._loss import huber_loss as huber_loss
    from pydp.ops._loss import l1_loss as l1_loss
    from pydp.ops._loss import mse_loss as mse_loss
    from pydp.ops._loss import smooth_l1_loss as smooth_l1_loss
    from pydp.ops._lstm import lstm as lstm
    from pydp.ops._margin_loss import cosine_embedding_loss as cosine_embedding_loss
    from pydp.ops._margin_loss import cosine_similarity as cosine_similarity
    from pydp.ops._margin_loss import hinge_embedding_loss as hinge_embedding_loss
    from pydp.ops._margin_loss import margin_ranking_loss as margin_ranking_loss
    from pydp.ops._margin_loss import pairwise_distance as pairwise_distance
    from pydp.ops._margin_loss import triplet_margin_loss as triplet_margin_loss
    from pydp.ops._max_pool1d import max_pool1d as max_pool1d
    from pydp.ops._max_pool2d import max_pool2d as max_pool2d
    from pydp.ops._pad import pad as pad
    from pydp.ops._piecewise import hardshrink as hardshrink
    from pydp.ops._piecewise import hardsigmoid as hardsigmoid
    from pydp.ops._piecewise import hardswish as hardswish
    from pydp.ops._piecewise import hardtanh as hardtanh
    from pydp.ops._piecewise import leaky_relu as leaky_relu
    from pydp.ops._piecewise import prelu as prelu
    from pydp.ops._piecewise import relu6 as relu6
    from pydp.ops._piecewise import softshrink as softshrink
    from pydp.ops._piecewise import threshold as threshold
    from pydp.ops._rnn import rnn as rnn
    from pydp.ops._unfold import fold as fold
    from pydp.ops._unfold import unfold as unfold

_elsewhere.answer_for(
    __name__,
    later={
        "pydp.ops._adaptive_pool1d": "adaptive_avg_pool1d adaptive_max_pool1d",
        "pydp.ops._adaptive_pool2d": "adaptive_avg_pool2d adaptive_max_pool2d",
        "pydp.ops._attention": "scaled_dot_product_attention",
        "pydp.ops._avg_pool1d": "avg_pool1d",
        "pydp.ops._avg_pool2d": "avg_pool2d",
        "pydp.ops._batch_norm": "batch_norm",
        "pydp.ops._conv1d": "conv1d",
        "pydp.ops._conv2d": "conv2d",
        "pydp.ops._conv_transpose1d": "conv_transpose1d",
        "pydp.ops._conv_transpose2d": "conv_transpose2d",
        "pydp.ops._cross_entropy": "cross_entropy",
        "pydp.ops._ctc_loss": "ctc_loss",
        "pydp.ops._embedding": "embedding one_hot",
        "pydp.ops._group_norm": "group_norm instance_norm",
        "pydp.ops._gru": "gru",
        "pydp.ops._interpolate": "interpolate",
        "pydp.ops._layer_norm": "layer_norm rms_norm",
        "pydp.ops._likelihood": "gaussian_nll_loss kl_div nll_loss poisson_nll_loss",
        "pydp.ops._linear_cross_entropy": "linear_cross_entropy",
        "pydp.ops._local_response_norm": "local_response_norm",
        "pydp.ops._loss": "binary_cross_entropy binary_cross_entropy_with_logits "
        "huber_loss l1_loss mse_loss smooth_l1_loss",
        "pydp.ops._lstm": "lstm",
        "pydp.ops._margin_loss": "cosine_embedding_loss cosine_similarity hinge_embedding_loss "
        "margin_ranking_loss pairwise_distance triplet_margin_loss",
        "pydp.ops._max_pool1d": "max_pool1d",
        "pydp.ops._max_pool2d": "max_pool2d",
        "pydp.ops._pad": "pad",
        "pydp.ops._piecewise": "hardshrink hardsigmoid hardswish hardtanh leaky_relu "
        "prelu relu6 softshrink threshold",
        "pydp.ops._rnn": "rnn",
        "pydp.ops._unfold": "fold unfold",
    },
)
