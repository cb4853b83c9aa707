"""Numbers given to a call that are not what they may be: of windows, and all others.

A test's first line is the fault. A table's row is (call, exception, words of its message): who was
called, which argument, what it got, what is allowed. What is refused leaves everything as it was.
"""

import math
import time

import numpy as np
import pytest

import pydp
from pydp import nn, optim
from refusals import leaf, refused, table, zeros

INF, NAN = math.inf, math.nan
Y = zeros(2, 3, 4)

X, W = (2, 4, 8, 8), (6, 4, 3, 3)
# Everything with a window: as a function at once, as a module when it is made.
FUNCTIONS = {
    "conv2d": lambda **k: pydp.conv2d(zeros(*X), zeros(*W), **k),
    "conv_transpose2d": lambda **k: pydp.conv_transpose2d(zeros(*X), zeros(*X), **k),
    "max_pool2d": lambda **k: pydp.max_pool2d(zeros(*X), **{"kernel_size": 3, **k}),
    "avg_pool2d": lambda **k: pydp.avg_pool2d(zeros(*X), **{"kernel_size": 3, **k}),
}
MODULES = {
    "Conv2d": lambda **k: nn.Conv2d(4, 6, **{"kernel_size": 3, **k}),
    "ConvTranspose2d": lambda **k: nn.ConvTranspose2d(4, 6, **{"kernel_size": 3, **k}),
    "MaxPool2d": lambda **k: nn.MaxPool2d(**{"kernel_size": 3, **k}),
    "AvgPool2d": lambda **k: nn.AvgPool2d(**{"kernel_size": 3, **k}),
}
WINDOWS = FUNCTIONS | MODULES
HAS_NO = {"conv2d": "kernel_size", "conv_transpose2d": "kernel_size", "avg_pool2d": "dilation",
          "AvgPool2d": "dilation"}  # fmt: skip
# The same of one axis.
SIGNALS = {
    "conv1d": lambda **k: pydp.conv1d(zeros(2, 4, 8), zeros(6, 4, 3), **k),
    "conv_transpose1d": lambda **k: pydp.conv_transpose1d(zeros(2, 4, 8), zeros(4, 6, 3), **k),
    "max_pool1d": lambda **k: pydp.max_pool1d(zeros(2, 4, 8), 3, **k),
    "avg_pool1d": lambda **k: pydp.avg_pool1d(zeros(2, 4, 8), 3, **k),
    "Conv1d": lambda **k: nn.Conv1d(4, 6, 3, **k),
    "ConvTranspose1d": lambda **k: nn.ConvTranspose1d(4, 6, 3, **k),
    "MaxPool1d": lambda **k: nn.MaxPool1d(3, **k),
    "AvgPool1d": lambda **k: nn.AvgPool1d(3, **k),
}


def windows(*faults):
    """Each (argument, value, error, words) for everything that has the argument."""
    rows = [
        (name, argument, value, error, f"{name}: {argument} {words}")
        for argument, value, error, words in faults
        for name in WINDOWS
        if HAS_NO.get(name) != argument
    ]
    names = [f"{name}-{argument}={value}" for name, argument, value, *_ in rows]
    return pytest.mark.parametrize(("name", "argument", "value", "error", "words"), rows, ids=names)


# ---- windows -------------------------------------------------------------------------------------


@windows(
    *[(argument, value, ValueError, f"must be below 2**31, got {value}")
      for argument in ("stride", "padding", "dilation", "kernel_size")
      for value in (2**31, 2**55, 2**63 - 1, 2**70)],
)  # fmt: skip
def test_huge_windows(name, argument, value, error, words):
    """A stride, padding, dilation or kernel beyond all sizes is refused before it is multiplied."""
    refused(lambda: WINDOWS[name](**{argument: value}), error, words)


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("conv2d", {"stride": 2**31 - 1}, (2, 6, 1, 1)),
        ("conv2d", {"stride": 2**30, "padding": 2**30}, (2, 6, 3, 3)),
        ("conv2d", {"stride": 2**30, "padding": 2**30, "dilation": 2**30}, (2, 6, 1, 1)),
        ("max_pool2d", {"stride": 2**31 - 1}, (2, 4, 1, 1)),
        ("max_pool2d", {"stride": 2**31 - 1, "ceil_mode": True}, (2, 4, 1, 1)),
        ("avg_pool2d", {"stride": 2**31 - 1}, (2, 4, 1, 1)),
        ("max_pool2d", {"kernel_size": (2**31 - 1, 1), "padding": (2**30 - 1, 0)}, (2, 4, 1, 8)),
        ("avg_pool2d", {"kernel_size": (2**31 - 1, 1), "padding": (2**30 - 1, 0)}, (2, 4, 1, 8)),
    ],
)
def test_the_largest_windows_come_back(name, arguments, shape):
    """The largest numbers that are allowed take no longer than others, in the gradient neither."""
    x, w = leaf(*X), leaf(*W)
    begin = time.process_time()
    y = pydp.conv2d(x, w, **arguments) if name == "conv2d" else getattr(pydp, name)(
        x, **{"kernel_size": 3, **arguments})  # fmt: skip
    pydp.sum(y).backward()
    assert y.shape == shape
    assert x.grad.shape == X
    assert time.process_time() - begin < 1


@windows(
    ("stride", 0, ValueError, "must be at least 1, got 0"),
    ("stride", (1, 0), ValueError, "must be at least 1, got 0"),
    ("stride", -1, ValueError, "must be at least 1, got -1"),
    ("kernel_size", 0, ValueError, "must be at least 1, got 0"),
    ("kernel_size", (3, -1), ValueError, "must be at least 1, got -1"),
    ("dilation", 0, ValueError, "must be at least 1, got 0"),
    ("dilation", -2, ValueError, "must be at least 1, got -2"),
    ("padding", -1, ValueError, "must be at least 0, got -1"),
)
def test_windows_that_stand_still_or_go_back(name, argument, value, error, words):
    """A stride, kernel or dilation below 1 or a padding below 0, in a call and in a constructor."""
    refused(lambda: WINDOWS[name](**{argument: value}), error, words)


@windows(
    *[(argument, value, TypeError, f"must be an int, got {value!r}")
      for argument in ("stride", "padding", "kernel_size", "dilation")
      for value in (True, 1.0, {}, np.array([1, 1]), np.array(1.0), pydp.tensor([1.0]))],
)  # fmt: skip
def test_windows_of_other_types(name, argument, value, error, words):
    """A bool, a float, a dict or an array where an int belongs."""
    refused(lambda: WINDOWS[name](**{argument: value}), error, words)


@windows(
    *[(argument, value, ValueError, f"must be an int or two, got {value}")
      for argument in ("stride", "padding", "kernel_size", "dilation")
      for value in ((), (1,), (1, 1, 1), [])],
)  # fmt: skip
def test_windows_of_other_lengths(name, argument, value, error, words):
    """An empty tuple, or one that is not for height and width."""
    refused(lambda: WINDOWS[name](**{argument: value}), error, words)


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize(
    ("argument", "value", "error", "words"),
    [
        ("stride", 2**31, ValueError, "must be below 2**31, got 2147483648"),
        ("padding", 2**63 - 1, ValueError, "must be below 2**31, got 9223372036854775807"),
        ("stride", 0, ValueError, "must be at least 1, got 0"),
        ("stride", (-1,), ValueError, "must be at least 1, got -1"),
        ("padding", -1, ValueError, "must be at least 0, got -1"),
        ("stride", True, TypeError, "must be an int, got True"),
        ("padding", 1.0, TypeError, "must be an int, got 1.0"),
        ("padding", np.array([1]), TypeError, "must be an int, got array([1])"),
        ("stride", (), ValueError, "must be an int or a tuple of one, got ()"),
        ("padding", (1, 1), ValueError, "must be an int or a tuple of one, got (1, 1)"),
    ],
)
def test_windows_of_signals(name, argument, value, error, words):
    """The faults of numbers above, where there is one axis."""
    refused(lambda: SIGNALS[name](**{argument: value}), error, f"{name}: {argument} {words}")


@pytest.mark.parametrize(
    "arguments",
    [
        {"stride": 2**31 - 1},
        {"dilation": 2**30, "padding": 2**30},
        {"stride": 2**30, "dilation": 2**30, "padding": 2**30},
    ],
)
def test_the_largest_transposed_windows_come_back(arguments):
    """Of one pixel all but the middle of the window may lie in the padding."""
    x, w = leaf(2, 4, 1, 1), leaf(4, 6, 3, 3)
    begin = time.process_time()
    y = pydp.conv_transpose2d(x, w, **arguments)
    pydp.sum(y).backward()
    size = 1 if "padding" in arguments else 3
    assert y.shape == (2, 6, size, size)
    assert x.grad.numpy().ravel().tolist() == [6 * size * size] * 8
    assert w.grad.numpy().sum() == 4 * 6 * 2 * size * size
    assert time.process_time() - begin < 1


@pytest.mark.parametrize("name", [name for name in WINDOWS if "ool" in name])
def test_a_pool_padded_by_more_than_half(name):
    """Padding of more than half a window: some windows would see nothing but padding."""
    words = f"{name}: padding must be at most half of kernel_size 3, got 2"
    refused(lambda: WINDOWS[name](padding=2), ValueError, words)
    assert WINDOWS[name](padding=1) is not None


SMALL = zeros(2, 4, 8, 8)


@table(
    (lambda: pydp.conv2d(SMALL, zeros(6, 4, 9, 3)), ValueError,
     "conv2d: a kernel of height 9 with dilation 1 covers 9, which is more than the input's 8"),
    (lambda: pydp.conv2d(SMALL, zeros(6, 4, 3, 3), dilation=(1, 4)), ValueError,
     "conv2d: a kernel of width 3 with dilation 4 covers 9, which is more than the input's 8"),
    (lambda: pydp.max_pool2d(SMALL, (2, 9)), ValueError,
     "max_pool2d: a window that reaches over 9 does not fit into width 8 with padding 0: the "
     "output would have size 0"),
    (lambda: pydp.avg_pool2d(SMALL, 13, 1, padding=1), ValueError,
     "avg_pool2d: a window that reaches over 13 does not fit into height 8 with padding 1: the "
     "output would have size -2"),
    (lambda: nn.Conv2d(4, 6, 9)(SMALL), ValueError, "conv2d: a kernel of height 9"),
    (lambda: nn.MaxPool2d(9)(SMALL), ValueError, "max_pool2d: a window that reaches over 9"),
    (lambda: nn.AvgPool2d(9)(SMALL), ValueError, "avg_pool2d: a window that reaches over 9"),
)  # fmt: skip
def test_windows_larger_than_the_image(call, error, words):
    """A window that is larger than the padded image."""
    refused(call, error, words)


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(
    ("size", "window", "stride", "padding", "out"),
    [(5, 2, 2, 0, 3), (5, 2, 3, 1, 2), (5, 3, 3, 1, 2), (1, 2, 2, 1, 1), (4, 1, 5, 0, 1)],
)
def test_a_last_window_in_the_padding(name, size, window, stride, padding, out):
    """With ceil_mode the last window may reach over the end, but not begin in the padding there."""
    y = getattr(pydp, name)(zeros(1, 1, size, size), window, stride, padding, ceil_mode=True)
    assert y.shape == (1, 1, out, out)
    assert np.isfinite(y.numpy()).all()


# ---- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nn.Dropout, lambda p: pydp.dropout(Y, p)], ids=["module", "op"])
@pytest.mark.parametrize(
    ("p", "error", "words"),
    [(p, ValueError, f"got {p}") for p in (-0.1, 1.5, NAN, INF)]
    + [(p, TypeError, f"p must be a number, got {p!r}")
       for p in (True, "0.5", None, np.complex64(1), pydp.tensor(0.5), [0.5])]
    + [(10**400, ValueError, "got inf")],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_probabilities(make, p, error, words):
    """A probability outside 0 … 1, NaN, or no number; no number is drawn for it."""
    state = pydp.manual_seed(1).get_state()
    refused(lambda: make(p), error, words)
    np.testing.assert_array_equal(pydp._random.default_generator.get_state(), state)


def test_dropping_everything():
    """With p = 1 all is 0 and so is the gradient: no 0 / 0."""
    x = pydp.tensor([1.0, INF, NAN], requires_grad=True)
    y = pydp.dropout(x, 1)
    pydp.sum(y).backward()
    assert y.tolist() == x.grad.tolist() == [0, 0, 0]


def numbers(kind, argument, limit, *values, **more):
    return [(kind, {**more, argument: v}, ValueError, f"{argument} must be {limit}, got {float(v)}")
            for v in values]  # fmt: skip


FINITE, BELOW = "finite and at least 0", "at least 0 and below 1"
OPTIMIZERS = ("SGD", "Adam", "AdamW", "Adadelta", "RMSprop", "Adagrad", "Adamax")
BAD_SETTINGS = [
    *[row for name in OPTIMIZERS for row in numbers(name, "lr", FINITE, NAN, INF, -1)],
    *[row for argument in ("momentum", "dampening", "weight_decay")
      for row in numbers("SGD", argument, FINITE, NAN, INF, -0.5, lr=0.1)],
    *[row for name in OPTIMIZERS[1:] for argument in ("eps", "weight_decay")
      for row in numbers(name, argument, FINITE, NAN, INF, -1)],
    *[("Adam", {"betas": b}, ValueError, f"Adam: betas must be {BELOW}, got {bad}")
      for b, bad in (((0.9, 1.0), "1.0"), ((-0.1, 0.9), "-0.1"), ((NAN, 0.9), "nan"))],
    ("AdamW", {"betas": (0.9,)}, ValueError, "AdamW: betas must be two numbers, got (0.9,)"),
    *[("SGD", {"lr": lr}, TypeError, f"SGD: lr must be a number, got {lr!r}")
      for lr in (True, "0.1", None, pydp.tensor(0.1), np.array(0.1), np.complex64(1))],
    ("SGD", {"lr": 10**400}, ValueError, f"SGD: lr must be {FINITE}, got inf"),
    ("SGD", {"lr": 0.1, "nesterov": 1}, TypeError, "SGD: nesterov must be a bool, got 1"),
    ("SGD", {"lr": 0.1, "nesterov": True}, ValueError, "SGD: nesterov needs a momentum above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "error", "words"), BAD_SETTINGS)
def test_settings_of_optimizers(name, settings, error, words):
    """A learning rate, momentum, beta … that is NaN, infinite, negative or no number, given to the
    optimizer, to one of its groups, or set later: nothing takes it on."""
    make, w = getattr(optim, name), leaf(3)
    refused(lambda: make([w], **settings), error, words)
    refused(lambda: make([{"params": w, **settings}], lr=0.1), error, words)
    if "nesterov" not in settings:
        optimizer = make([w], lr=0.25)
        ((argument, value),) = [
            item for item in settings.items() if len(settings) == 1 or item[0] != "lr"
        ]
        group = optimizer.param_groups[0]
        before = dict(group), group.setting.copy()
        refused(lambda: group.update({argument: value}), error, words)
        assert dict(group) == before[0]
        np.testing.assert_array_equal(group.setting, before[1])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_that_is_refused(name):
    """A step of which one gradient lies otherwise than its parameter changes no parameter at all,
    no state and no version."""
    first, second = [pydp.tensor(np.ones((3, 2))).requires_grad_() for _ in range(2)]
    optimizer = getattr(optim, name)([first, second], lr=0.1)
    first.grad, second.grad = pydp.ones((3, 2), "float64"), pydp.ones((2, 3), "float64").mT
    before = first.numpy().copy()
    with pytest.raises(
        ValueError, match=f"{name}: the gradient of a parameter must have its shape"
    ):
        optimizer.step()
    np.testing.assert_array_equal(first.numpy(), before)
    assert not optimizer.state
    assert first._version[0] == second._version[0] == 0


@table(
    (lambda: nn.Linear(0, 1), ValueError, "Linear: in_features must be at least 1, got 0"),
    (lambda: nn.Linear(1, 2.0), TypeError, "Linear: out_features must be an int, got 2.0"),
    (lambda: nn.Linear(1, 1, bias=1), TypeError, "Linear: bias must be True or False, got 1"),
    (lambda: nn.Embedding(True, 1), TypeError, "num_embeddings must be an int, got True"),
    (lambda: nn.Embedding(1, 0), ValueError, "Embedding: embedding_dim must be at least 1, got 0"),
    (lambda: nn.Conv2d(-1, 1, 1), ValueError, "Conv2d: in_channels must be at least 1, got -1"),
    (lambda: nn.FeedForward(1, 1, activation="no"), ValueError, "FeedForward: activation must be"),
    (lambda: pydp.linear(Y, zeros(1, 4), activation=[]), ValueError, "linear: activation must be"),
    (lambda: pydp.gelu(Y, "no"), ValueError, 'gelu: approximate must be "none" or "tanh", got'),
    (lambda: nn.MSELoss("no"), ValueError, "MSELoss: reduction must be one of 'mean', 'sum'"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=NAN), ValueError,
     "CrossEntropyLoss: label_smoothing must be in [0, 1], got nan"),
    (lambda: nn.CrossEntropyLoss(ignore_index=1.0), TypeError,
     "CrossEntropyLoss: ignore_index must be an int, got 1.0"),
    (lambda: pydp.cross_entropy(zeros(1, 2), [0], label_smoothing=2), ValueError,
     "cross_entropy: label_smoothing must be from 0 to 1, got 2.0"),
    (lambda: pydp.var(Y, correction=NAN), ValueError, "var: correction must be finite, got nan"),
    (lambda: pydp.std(Y, correction=1j), TypeError, "std: correction must be a number, got 1j"),
    (lambda: pydp.manual_seed(-1), ValueError, "seed must be at least 0 and below 2**64, got -1"),
    (lambda: pydp.Generator(1.0), TypeError, "Generator: seed must be an int, got 1.0"),
    (lambda: pydp.randint(3, 3, 2), ValueError, "randint: low must be below high, got 3 and 3"),
    (lambda: pydp.bernoulli(NAN, 2), ValueError, "bernoulli: p must be between 0 and 1, got nan"),
    (lambda: pydp.arange(0, INF), ValueError, "arange: stop must be finite, got inf"),
    (lambda: pydp.arange(0, 1, 0), ValueError, "arange: step must not be 0"),
    (lambda: pydp.full(2, "1.5"), TypeError, "full: expected a real number, got '1.5'"),
    (lambda: pydp.eye(2, k=0.5), TypeError, "eye: k must be an int, got 0.5"),
    (lambda: nn.init.uniform_(zeros(2), NAN), ValueError, "uniform_: a must be finite, got nan"),
    (lambda: nn.init.normal_(zeros(2), std=-1), ValueError, "normal_: std must be at least 0, got"),
    (lambda: nn.init.constant_(zeros(2), 1e300), ValueError, "val does not fit into float32"),
    (lambda: pydp.data.Batches([1], batch_size=0), ValueError,
     "Batches: batch_size must be at least 1, got 0"),
    (lambda: pydp.data.Batches([1], batch_size=1.0), TypeError,
     "Batches: batch_size must be an int, got 1.0"),
    (lambda: pydp.set_num_threads(0), ValueError, "set_num_threads: n must be in 1 … 256, got 0"),
)  # fmt: skip
def test_other_numbers(call, error, words):
    """Any other size, seed, smoothing, correction or name that is outside what it may be."""
    state = pydp.manual_seed(1).get_state()
    refused(call, error, words)
    if "seed" not in words:
        np.testing.assert_array_equal(pydp._random.default_generator.get_state(), state)
