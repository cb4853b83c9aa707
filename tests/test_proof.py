"""check: what is proved, what is refuted and at which line, what is asked for."""

import re

import numpy as np
import pytest

import pydp
from pydp import nn
from pydp._example import FIRST, OTHER, example
from pydp._length import Length, guarded, length
from pydp._signature import parse
from pydp._size import SignatureError, symbol


def module(type_, function, **parts):
    """A module of this type whose forward is the function of itself and the arguments."""

    class Box(nn.Module):
        type = type_

        def __init__(self):
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, *args):
            return function(self, *args)

    return Box()


def half(self, x):
    n, t, d = x.shape
    return x.reshape(n, t // 2, 2, d).sum(axis=2)


def windows(self, x):
    return pydp.stack([x[:, :-1], x[:, 1:]], axis=1)


PROVED = [
    ("real[n, t, d] -> real[n, d, t]", lambda self, x: x.permute_dims((0, 2, 1)), ""),
    ("real[..., d] -> real[..., 2*d]", lambda self, x: pydp.concat([x, x], axis=-1), ""),
    ("real[..., t, d] -> real[..., t*d]", lambda self, x: x.reshape(*x.shape[:-2], -1), ""),
    ("real[..., t, d] -> real[..., d]", lambda self, x: x.mean(axis=-2), ""),
    ("real[n, t, d] -> real[n, t // 2, d] where t % 2 == 0", half, ""),
    ("real[n, t, d] -> real[n, 2, t - 1, d]", windows, ""),
    ("(real[..., i], real[o, i]) -> real[..., o]", lambda self, x, w: pydp.linear(x, w), ""),
    ("real[..., t, d] -> real[..., t, t]", lambda self, x: x @ pydp.matrix_transpose(x), ""),
    ("real[n, 3] -> real[n, 7]", lambda self, x: x @ pydp.ones((3, 7)), ""),
    ("real[n, t] -> token[n]", lambda self, x: pydp.argmax(x, axis=1), ""),
    ("real[n, t] -> bool[n, t]", lambda self, x: x > 0, ""),
    ("(real[n, d], real[m, d]) -> real[n + m, d]", lambda self, x, y: pydp.concat([x, y]), ""),
    ("real[n, t] -> (real[n, t], real[n])", lambda self, x: (x, x.sum(axis=1)), ""),
    ("real[n, t] -> real[n, t]", lambda self, x: x if x.shape[1] > 5 else x * 2, "t > 5"),
    ("real[n, t, d] -> real[n, t, d]", lambda self, x: x + pydp.zeros((x.shape[1], 1)), ""),
    ("real[n, t] -> real[t]", lambda self, x: pydp.arange(x.shape[1]) * x.sum(axis=0), ""),
    ("real[n, t] -> real[n, t]", lambda self, x: pydp.where(x == 0, x, pydp.exp(x)), ""),
    ("real[n, 3, h, w] -> real[n, 3*h*w]", lambda self, x: pydp.flatten(x, 1), ""),
    # Slices and indices: 0 <= start <= stop <= n.
    (
        "real[n, t, d] -> real[n, t, d]",
        lambda self, x: x + pydp.zeros((64, 1))[: x.shape[1]],
        "t <= 64",
    ),
    (
        "real[n, t, d] -> real[n, t, d]",
        lambda self, x: x + pydp.zeros((64, 1))[3 : 3 + x.shape[1]],
        "t <= 61",
    ),
    (
        "real[n, t, d] -> real[n, t, d]",
        lambda self, x: x + pydp.zeros((64, 1))[-x.shape[1] :],
        "t <= 64",
    ),
    ("real[n, t] -> real[n, t // 2]", lambda self, x: x[:, : x.shape[1] // 2], ""),
    ("real[n, t] -> real[n, (t + 1) // 2]", lambda self, x: x[:, ::2], ""),
    ("real[n, t] -> real[n, t]", lambda self, x: x[:, ::-1], ""),
    ("real[n, t] -> real[n]", lambda self, x: x[:, 5], "t >= 6"),
    ("real[n, t] -> real[n]", lambda self, x: x[:, -3], "t >= 3"),
    ("real[n, t] -> real[n]", lambda self, x: x[:, -1] + x[:, 0], ""),
    ("real[n, t] -> real[n, t]", lambda self, x: x + pydp.broadcast_to(pydp.zeros(1), x.shape), ""),
]


@pytest.mark.parametrize(("type_", "forward", "asked"), PROVED, ids=lambda x: str(x)[:40])
def test_proved(type_, forward, asked):
    found = str(pydp.check(module(type_, forward)))
    assert found.startswith(str(parse(type_))) and asked in found and found.count("where") <= 1


REFUTED = [
    ("real[n, t] -> real[t, n]", lambda self, x: x, "t against n .* 11 against 7"),
    ("real[n, t] -> real[n]", lambda self, x: x, "2 axes against 1"),
    ("real[n, t] -> token[n, t]", lambda self, x: x, "real against token"),
    ("real[n, t] -> (real[n], real[n])", lambda self, x: x, r"real\[n, t\] against \("),
    ("real[..., t] -> real[..., t]", lambda self, x: x.sum(axis=0), "0 axes against 1|axes"),
    ("real[..., d] -> real[..., d]", lambda self, x: x[:, 0], "forward fails.*\n.*\n.*axis|index"),
    ("real[n, t] -> real[n, t + 1]", lambda self, x: x, r"t against t \+ 1 \(axis -1"),
    ("real[n, d] -> real[n, d]", lambda self, x: x @ pydp.ones((3, 3)), "last size of the first"),
    ("real[n, t] -> real[n, 2*(t // 2)]", lambda self, x: x, "11 against 10|t against"),
    ("real[n, t] -> real[n]", lambda self, x: x.reshape(8), "reshape"),
    ("real[n, t] -> real[n, t]", lambda self, x: x * float(x.sum()), "a value is asked for"),
    ("real[n, t] -> real[n, t]", lambda self, x: x if (x > 0).all() else -x, "a value is asked"),
    ("real[n, t] -> real[n, t]", lambda self, x: pydp.tensor(x.numpy()), "a value is asked for"),
]


@pytest.mark.parametrize(("type_", "forward", "words"), REFUTED, ids=lambda x: str(x)[:40])
def test_refuted(type_, forward, words):
    with pytest.raises(SignatureError, match=words) as caught:
        pydp.check(module(type_, forward))
    said = re.sub(", at .*py:.*", "", str(caught.value))  # but for the line there is no inner name
    assert "declared : " in said and "_" not in said.replace("__", "")


def loop(self, x):
    return pydp.stack([x[:, i] for i in range(x.shape[1])], axis=1)


def test_a_loop_over_a_size_asks_for_it():
    box = module("real[n, t, d] -> real[n, t, d]", loop)
    with pytest.raises(SignatureError, match=r"t is used as a number \(at .*test_proof.py:\d+ in"):
        pydp.check(box)
    assert str(pydp.check(box, t=16)) == "real[n, 16, d] -> real[n, 16, d]"


def test_only_what_must_be_large_is():
    """A batch of images that must be large is not a large batch."""
    images = parse("real[n, m, 3, h, w] -> real[n, m, d, h - 60] where w >= 100")
    found = example(images, ("n", "m"), FIRST)
    assert (found["n"], found["m"], found["d"]) == (3, 5, 13)
    assert found["h"] > 60 and found["w"] >= 100 and found["h"] != found["w"]
    assert example(images, (), FIRST)["n"] == 7
    product = parse("real[h, w] -> real[] where h * w == 9216")
    found = example(product, (), OTHER)
    assert found["h"] * found["w"] == 9216
    assert example(parse("real[h] -> real[] where 2 * h == 3 * h // 2 + 1"), (), FIRST)["h"] == 1


def test_axes_behind_are_tried_with_none_one_and_two():
    box = module("real[n, c, ...] -> real[n, c, ...]", lambda self, x: x - x.mean(axis=0))
    assert str(pydp.check(box)) == "real[n, c, ...] -> real[n, c, ...]"
    box = module(
        "real[n, c, ...] -> real[n, c, ...]", lambda self, x: x.mean(axis=-1, keepdims=True)
    )
    with pytest.raises(SignatureError, match=r"real\[n, 1\]\n.*1 against c"):
        pydp.check(box)
    norm = nn.GroupNorm(2, 4) >> (lambda x: x * 2) >> nn.Conv2d(4, 4, 1)
    assert str(norm.signature) == "real[n, 4, h, w] -> real[n, 4, h, w]"


def test_what_is_no_module_or_no_type():
    with pytest.raises(TypeError, match=r"check: Linear is a class; write Linear\(…\)"):
        pydp.check(nn.Linear)
    with pytest.raises(TypeError, match=r"check: type must be a text, got tensor"):
        pydp.check(nn.Linear(2, 3), pydp.ones(2))
    with pytest.raises(TypeError, match=r"Box: type must be a text, or a property .* got int"):
        pydp.check(module(3, lambda self, x: x))
    with pytest.raises(SignatureError, match=r"Box: its type cannot be read: .*'float'"):
        nn.ReLU() >> module("float[8] -> any", lambda self, x: x)
    with pytest.raises(TypeError, match=r"Sequential: give the modules .* Sequential\(\*modules"):
        nn.Sequential([nn.ReLU()])


def test_a_module_of_float64():
    net = (nn.Linear(3, 4) >> nn.BatchNorm1d(4, affine=False)).astype("float64")
    assert str(pydp.check(net)).startswith("real[n, 3] -> real[n, 4]")
    assert str(pydp.check(nn.BatchNorm1d(4, affine=False).astype("float64"))).startswith(
        "real[n, 4"
    )


def test_a_slice_behind_the_end_refutes_nothing():
    """In the example it is empty: the formula t - 200 does not hold there."""
    box = module("real[n, t] -> real[n]", lambda self, x: x[:, 200:].sum(axis=1))
    with pytest.raises(SignatureError, match="is used as a number"):
        pydp.check(box)
    assert str(pydp.check(box, t=300)) == "real[n, 300] -> real[n]"
    long = module("real[n, t] -> real[n, 5]", lambda self, x: x[:, :5])
    with pytest.raises(SignatureError, match="1 against 5"):
        pydp.check(long)
    assert str(pydp.check(long, type="real[n, t] -> real[n, 5] where t >= 5"))
    table = module("real[n, t, d] -> real[t]", lambda self, x: pydp.zeros(4)[: x.shape[1]])
    with pytest.raises(SignatureError, match=r"4 against t .* 4 against 11"):
        pydp.check(table)
    short = module("real[n, t] -> real[n, t - 5]", lambda self, x: x[:, 5:])
    assert str(pydp.check(short)) == "real[n, t] -> real[n, t - 5] where t >= 5"
    inner = module("real[n, t] -> real[n]", lambda self, x: x[:, 5:].sum(axis=1))
    assert str(pydp.check(inner)) == "real[n, t] -> real[n] where t >= 5"


def test_the_line_of_what_fails_is_said():
    box = module("real[n, t] -> real[n]", lambda self, x: x.reshape(8))
    with pytest.raises(SignatureError, match=r"reshape.*, at .*test_proof\.py:\d+ in <lambda>"):
        pydp.check(box)


def test_the_path_of_what_fails_is_said():
    box = module("real[..., 5] -> real[..., 2]", lambda self, x: self.f(x), f=nn.Linear(4, 2))
    with pytest.raises(SignatureError, match=r"Box/f: Linear: linear: x must be "):
        pydp.check(box)


def test_a_type_may_be_given():
    net = nn.Sequential(nn.Identity(), nn.Identity())
    with pytest.raises(SignatureError, match="Sequential: it declares any -> any, which says noth"):
        pydp.check(net)
    assert str(pydp.check(net, "real[n, t] -> real[n, t]")) == "real[n, t] -> real[n, t]"
    with pytest.raises(SignatureError, match="another type"):
        pydp.check(net, type="real[n, t] -> real[t, n]")


def test_open_conditions():
    net = nn.Conv2d(3, 4, 3, padding=1) >> nn.MaxPool2d(2) >> nn.Flatten() >> nn.Linear(64, 2)
    type_ = "real[n, 3, h, w] -> real[n, 2] where 4*(h // 2)*(w // 2) == 64"
    assert str(pydp.check(net, type_)).startswith(type_)
    assert str(pydp.check(net, type_, h=8, w=8)) == "real[n, 3, 8, 8] -> real[n, 2]"
    with pytest.raises(SignatureError, match=r"4\*\(h // 2\)\*\(w // 2\) == 64 is false"):
        pydp.check(net, type_, h=10, w=8)
    box = module("real[n, t] -> real[n, t]", lambda self, x: x.reshape(-1, 7).reshape(x.shape))
    assert str(pydp.check(box)) == "real[n, t] -> real[n, t] where n*t % 7 == 0"
    with pytest.raises(SignatureError, match="found no sizes that satisfy"):
        pydp.check(box, "real[n, t] -> real[n, t] where n*n + 1 == t*t")


def test_nothing_is_changed():
    pydp.manual_seed(3)
    norm = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Dropout(0.5))
    before = {key: value.tolist() for key, value in norm.state_dict().items()}
    pydp.manual_seed(3)
    state = pydp.randn(2).tolist()
    pydp.manual_seed(3)
    pydp.check(norm, "real[n, 3, h, w] -> real[n, 3, h, w]")
    assert pydp.randn(2).tolist() == state and norm.training
    assert {key: value.tolist() for key, value in norm.state_dict().items()} == before
    assert all(p.grad is None and p.requires_grad for p in norm.parameters())


@pytest.mark.parametrize(
    "box",
    [
        nn.Linear(3, 4), nn.FeedForward(4, 5, hidden=7), nn.Embedding(9, 4), nn.LayerNorm(4),
        nn.LSTM(3, 5), nn.GRU(3, 5, num_layers=2), nn.RNN(3, 5, bidirectional=True),
        nn.Softmax(), nn.GELU(), nn.Dropout(0.3), nn.RMSNorm(6), nn.FeedForward(4, 4) ** 3,
        nn.GLU(),
    ],
    ids=lambda box: type(box).__name__,
)  # fmt: skip
def test_the_modules_keep_their_word(box):
    assert str(pydp.check(box)).startswith(str(box.signature))


# ---- lengths -------------------------------------------------------------------------------------


def test_a_length_is_an_int_that_remembers():
    t, b = length(7, symbol("t")), length(5, symbol("b"))
    assert (t + b, t - 2, 3 * t, t // 2, t % 4, -t, divmod(t, 2)[0]) == (12, 5, 21, 3, 3, -7, 3)
    assert str(2 * t * b + 1) == "2*b*t + 1" and str((t + 1) // 2) == "(t + 1) // 2"
    assert type(t * 0) is int and type(t - t + 3) is int and isinstance(t + 1, Length)
    assert np.zeros((t, b)).shape == (7, 5) and hash(t) == 7 and f"{t}:" == "t:"
    assert length(4, symbol("t") - symbol("t") + 4) == 4


def test_comparisons_that_sizes_do_not_decide_are_noted():
    t, b = length(7, symbol("t")), length(5, symbol("b"))
    with guarded() as guards:
        assert t == t and t >= 0 and t + 1 > t and t != t + 2 and not t < 0 and bool(t)
        assert guards == []
        assert t > b and t != b and t < 100
    assert [str(g.condition) for g in guards] == ["t > b", "t != b", "t < 100"]
    assert all(g.line.file == __file__ for g in guards)
    assert t > b  # outside nobody asks
