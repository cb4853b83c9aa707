"""The doors of csrc/bind, typed: one section per .pxi. tests/test_stubs.py compares the two."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# core.pxi: threads, instruction sets, memory
max_axes: int
max_threads: int

def set_threads(n: int) -> int: ...
def get_threads() -> int: ...
def openmp_runtime() -> str: ...
def select_isa(name: str) -> bool: ...
def selected_isa() -> str: ...
def built_isas() -> list[str]: ...
def usable_isas() -> list[str]: ...
def kernels() -> list[tuple[str, str]]: ...
def memory() -> tuple[int, int]: ...
def empty_cache() -> None: ...

# memory.pxi: arrays over the allocator
class Block: ...

def poison(on: bool) -> None: ...
def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array: ...
def empty_channels_last(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array: ...

# call.pxi: recorded calls
class Call:
    arrays: tuple[Array | None, ...]
    geometry: bytes
    @property
    def name(self) -> str: ...

def record() -> list[Call]: ...
def stop_recording() -> None: ...
def is_recording() -> bool: ...
def replay(calls: list[Call]) -> None: ...

# elementwise.pxi. The result is NotImplemented where there is no kernel for these dtypes, or where
# the shapes do not fit.
unary_functions: dict[str, int]
binary_functions: dict[str, int]

def unary(function: int, x: Array, p: float = 0, q: float = 0, r: float = 0) -> Any: ...
def binary(function: int, a: Array, b: Array, p: float = 0, q: float = 0, r: float = 0) -> Any: ...

# where.pxi
def where(condition: Array, a: Array, b: Array) -> Any: ...
def copy_like(x: Array, like: Array) -> Array: ...

# reduce.pxi
reduce_functions: dict[str, int]

def reduce(function: int, x: Array, axes: tuple[int, ...], keepdims: bool) -> Any: ...

# matmul.pxi
activations: dict[str | None, int]

def matmul_forward(
    x: Array,
    w: Array,
    bias: Array | None = None,
    activation: int = 0,
    y: Array | None = None,
) -> Any: ...
def linear_forward(x: Array, weight: Array, bias: Array | None, activation: int) -> Any: ...
def linear_backward(
    x: Array, weight: Array, dz: Array, wants_x: bool, wants_weight: bool, wants_bias: bool
) -> tuple[Any, Any, Any]: ...

# conv2d.pxi. `conv` is the geometry of pydp/ops/_conv2d.py.
def conv2d_forward(
    conv: Any, x: Array, weight: Array, bias: Array | None, y: Array, activation: int
) -> None: ...
def conv2d_backward_data(conv: Any, dy: Array, weight: Array, dx: Array) -> None: ...
def conv2d_backward_weight(
    conv: Any, x: Array, dy: Array, dweight: Array, dbias: Array | None
) -> None: ...

# copy.pxi: x itself where it lies so already
def copy_to(x: Array, y: Array) -> None: ...
def contiguous(x: Array) -> Array: ...
def own_like(x: Array, like: Array) -> Array: ...
def in_order_of(x: Array, strides: tuple[int, ...]) -> Array: ...
def channels_last(x: Array) -> Array: ...

# max_pool2d.pxi, avg_pool2d.pxi. `pool` is the geometry of pydp/ops/_pool2d.py.
def max_pool2d_forward(pool: Any, x: Array, y: Array, index: Array | None) -> None: ...
def max_pool2d_backward(pool: Any, dy: Array, index: Array, dx: Array) -> None: ...
def max_pool2d_gather(pool: Any, ddx: Array, index: Array, ddy: Array) -> None: ...
def avg_pool2d_forward(pool: Any, x: Array, y: Array) -> None: ...
def avg_pool2d_backward(pool: Any, dy: Array, dx: Array) -> None: ...

# softmax.pxi
def softmax_forward(x: Array, axis: int) -> Array: ...
def softmax_backward(y: Array, dy: Array, axis: int) -> Array: ...
def log_softmax_forward(x: Array, axis: int) -> Array: ...
def log_softmax_backward(y: Array, dy: Array, axis: int) -> Array: ...

# The optimizers: the arrays of all parameters, one after the other
def sgd(arrays: tuple[Array | None, ...]) -> None: ...
def adam(arrays: tuple[Array | None, ...]) -> None: ...
def adadelta(arrays: tuple[Array | None, ...]) -> None: ...
def rmsprop(arrays: tuple[Array | None, ...]) -> None: ...
def adagrad(arrays: tuple[Array | None, ...]) -> None: ...
def adamax(arrays: tuple[Array | None, ...]) -> None: ...

# embedding.pxi: 0, or 1 + the position of the first id out of range
def embedding_forward(ids: Array, weight: Array, y: Array) -> int: ...
def embedding_backward(ids: Array, dy: Array, dweight: Array) -> int: ...

# random.pxi: numbers that are functions of a key
def random_draw(state: Array, key: Array) -> None: ...
def random_uniform(key: Array, y: Array) -> None: ...
def random_normal(key: Array, y: Array) -> None: ...
def random_exponential(key: Array, y: Array) -> None: ...
def random_integers(key: Array, y: Array, low: int, range: int) -> None: ...
def random_permutation(key: Array, y: Array) -> None: ...

# dropout.pxi
def dropout(key: Array, x: Array, y: Array, last_dropped: int, scale: float) -> None: ...

# cross_entropy.pxi: the first of the results is 0, or 1 + the first row with a bad target
loss_reductions: dict[str, int]

def cross_entropy_forward(
    x: Array,
    target: Array,
    weight: Array | None,
    axis: int,
    ignore: int,
    smoothing: float,
    reduction: int,
) -> tuple[int, Array, Array, Array]: ...
def cross_entropy_backward(
    x: Array,
    target: Array,
    weight: Array | None,
    lse: Array,
    total: Array,
    dloss: Array,
    axis: int,
    ignore: int,
    smoothing: float,
    reduction: int,
) -> tuple[int, Array]: ...

# linear_cross_entropy.pxi: 0, or 1 + the first row with a bad target
def linear_cross_entropy(
    x: Array,
    w: Array,
    bias: Array | None,
    target: Array,
    dloss: Array | None,
    loss: Array,
    dx: Array | None,
    dw: Array | None,
    dbias: Array | None,
    ignore: int,
    smoothing: float,
    reduction: int,
) -> int: ...

# layer_norm.pxi. n: the length of a row; arrays are in C order
def layer_norm_forward(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    axes: int,
    eps: float,
    keep: bool,
) -> tuple[Array, Array | None, Array | None]: ...
def layer_norm_backward(
    x: Array,
    dy: Array,
    weight: Array | None,
    mean: Array,
    rstd: Array,
    dx: Array | None,
    dweight: Array | None,
    dbias: Array | None,
    n: int,
) -> None: ...
def rms_norm_forward(
    x: Array, weight: Array | None, y: Array, rstd: Array | None, n: int, eps: float
) -> None: ...
def rms_norm_backward(
    x: Array,
    dy: Array,
    weight: Array | None,
    rstd: Array,
    dx: Array | None,
    dweight: Array | None,
    n: int,
) -> None: ...

# batch_norm.pxi. Images are channels-last; groups 0: statistics of the whole batch
def batch_norm_forward(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    y: Array,
    groups: int,
    eps: float,
) -> None: ...
def batch_norm_inference(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    y: Array,
    groups: int,
    eps: float,
) -> None: ...
def batch_norm_backward(
    x: Array,
    dy: Array,
    weight: Array | None,
    mean: Array,
    var: Array,
    dx: Array | None,
    dweight: Array | None,
    dbias: Array | None,
    groups: int,
    eps: float,
    trains: bool,
) -> None: ...
def batch_norm_track(
    mean: Array,
    var: Array,
    running_mean: Array,
    running_var: Array,
    batches: Array | None,
    count: int,
    momentum: float,
) -> None: ...

# local_response_norm.pxi. Images are channels-last
def local_response_norm_forward(
    x: Array, y: Array, size: int, alpha: float, beta: float, k: float
) -> None: ...
def local_response_norm_backward(
    x: Array, dy: Array, dx: Array, size: int, alpha: float, beta: float, k: float
) -> None: ...

# attention.pxi: axes [batch …, heads, rows, width]; keep < 0 is no dropout
def attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    key: Array | None,
    y: Array,
    rows: Array | None,
    causal: bool,
    scale: float,
    last_dropped: int,
    keep: float,
) -> None: ...
def attention_backward(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    key: Array | None,
    y: Array,
    rows: Array,
    dy: Array,
    dq: Array,
    dk: Array,
    dv: Array,
    causal: bool,
    scale: float,
    last_dropped: int,
    keep: float,
) -> None: ...

# take.pxi: 0, or 1 + the position of the first id out of range
def take_forward(x: Array, ids: Array, y: Array, axis: int, along: bool) -> int: ...
def take_backward(ids: Array, dy: Array, dx: Array, axis: int, along: bool) -> int: ...

# scan.pxi
def scan(
    a: Array | None, x: Array | None, h: Array, axis: int, reverse: bool, shifted: bool
) -> None: ...

# recurrent.pxi, lstm.pxi, gru.pxi, rnn.pxi: what is None among the results is not written
def recurrent_mask(x: Array, lengths: Array, y: Array) -> None: ...
def lstm_forward(
    z: Array,
    weight: Array,
    h0: Array,
    c0: Array,
    lengths: Array | None,
    y: Array,
    h: Array,
    c: Array,
    hs: Array | None,
    cs: Array | None,
    gates: Array | None,
    reverse: bool,
) -> None: ...
def lstm_backward(
    weight: Array,
    lengths: Array | None,
    cs: Array,
    gates: Array,
    dy: Array | None,
    dh: Array | None,
    dc: Array | None,
    dz: Array,
    dh0: Array,
    dc0: Array,
    reverse: bool,
) -> None: ...
def gru_forward(
    z: Array,
    weight: Array,
    bias: Array | None,
    h0: Array,
    lengths: Array | None,
    y: Array,
    h: Array,
    hs: Array | None,
    gates: Array | None,
    reverse: bool,
) -> None: ...
def gru_backward(
    weight: Array,
    lengths: Array | None,
    hs: Array,
    gates: Array,
    dy: Array | None,
    dh: Array | None,
    dz: Array,
    dq: Array,
    dh0: Array,
    reverse: bool,
) -> None: ...
def rnn_forward(
    z: Array,
    weight: Array,
    h0: Array,
    lengths: Array | None,
    y: Array,
    h: Array,
    hs: Array | None,
    reverse: bool,
    relu: bool,
) -> None: ...
def rnn_backward(
    weight: Array,
    lengths: Array | None,
    hs: Array,
    dy: Array | None,
    dh: Array | None,
    dz: Array,
    dh0: Array,
    reverse: bool,
    relu: bool,
) -> None: ...

# loss.pxi: (1 + the first element that the loss does not take, or 0, loss), and dx
loss_functions: dict[str, int]

def loss_forward(function: int, x: Array, t: Array, p: float, reduction: int) -> Any: ...
def loss_backward(
    function: int, x: Array, t: Array, dloss: Array, p: float, reduction: int
) -> Array: ...

# ctc_loss.pxi: 1 + the position of the first bad target, or 0
def ctc_loss_forward(
    x: Array,
    targets: Array,
    steps: Array,
    labels: Array,
    loss: Array,
    alpha: Array | None,
    blank: int,
    zero_infinity: bool,
) -> int: ...
def ctc_loss_backward(
    x: Array,
    targets: Array,
    steps: Array,
    labels: Array,
    alpha: Array,
    dloss: Array,
    dx: Array,
    blank: int,
    zero_infinity: bool,
) -> int: ...

# pad.pxi: arrays dense in any order of the axes
pad_modes: dict[str, int]

def pad(
    x: Array, value: Array, low: tuple[int, ...], sizes: tuple[int, ...], mode: int
) -> Array: ...
def pad_backward(dy: Array, low: tuple[int, ...], sizes: tuple[int, ...], mode: int) -> Array: ...

# interpolate.pxi: images (n, c, h, w), both in C order or both channels-last
def interpolate_forward(
    x: Array, y: Array, step_h: float, step_w: float, linear: bool, corners: bool
) -> None: ...
def interpolate_backward(
    dy: Array, dx: Array, step_h: float, step_w: float, linear: bool, corners: bool
) -> None: ...

# unfold.pxi. `windows` is the geometry of pydp/ops/_pool2d.py; arrays are in C order
def unfold(windows: Any, x: Array, y: Array) -> None: ...
def fold(windows: Any, y: Array, x: Array) -> None: ...
