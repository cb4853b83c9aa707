"""Modules: functions with parameters, and boxes made of boxes."""

from pydp import _elsewhere as _elsewhere
from pydp.nn import init as init
from pydp.nn import utils as utils
from pydp.nn._activation import GELU as GELU
from pydp.nn._activation import LogSoftmax as LogSoftmax
from pydp.nn._activation import ReLU as ReLU
from pydp.nn._activation import Sigmoid as Sigmoid
from pydp.nn._activation import Softmax as Softmax
from pydp.nn._activation import Tanh as Tanh
from pydp.nn._avg_pool2d import AvgPool2d as AvgPool2d
from pydp.nn._batch_norm import BatchNorm1d as BatchNorm1d
from pydp.nn._batch_norm import BatchNorm2d as BatchNorm2d
from pydp.nn._combinators import Identity as Identity
from pydp.nn._combinators import ModuleDict as ModuleDict
from pydp.nn._combinators import ModuleList as ModuleList
from pydp.nn._combinators import Sequential as Sequential
from pydp.nn._conv2d import Conv as Conv
from pydp.nn._conv2d import Conv2d as Conv2d
from pydp.nn._dropout import Dropout as Dropout
from pydp.nn._embedding import Embedding as Embedding
from pydp.nn._embedding import EmbedToken as EmbedToken
from pydp.nn._feed_forward import FeedForward as FeedForward
from pydp.nn._flatten import Flatten as Flatten
from pydp.nn._group_norm import GroupNorm as GroupNorm
from pydp.nn._group_norm import InstanceNorm2d as InstanceNorm2d
from pydp.nn._gru import GRU as GRU
from pydp.nn._gru import GRUCell as GRUCell
from pydp.nn._layer_norm import LayerNorm as LayerNorm
from pydp.nn._layer_norm import RMSNorm as RMSNorm
from pydp.nn._linear import Linear as Linear
from pydp.nn._local_response_norm import LocalResponseNorm as LocalResponseNorm
from pydp.nn._loss import CrossEntropyLoss as CrossEntropyLoss
from pydp.nn._loss import MSELoss as MSELoss
from pydp.nn._lstm import LSTM as LSTM
from pydp.nn._lstm import LSTMCell as LSTMCell
from pydp.nn._max_pool2d import MaxPool as MaxPool
from pydp.nn._max_pool2d import MaxPool2d as MaxPool2d
from pydp.nn._module import Module as Module
from pydp.nn._module import Parameter as Parameter
from pydp.nn._multihead_attention import MultiheadAttention as MultiheadAttention
from pydp.nn._rnn import RNN as RNN
from pydp.nn._rnn import RNNCell as RNNCell

_elsewhere.answer_for(__name__)
