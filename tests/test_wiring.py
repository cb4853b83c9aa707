"""Wrong wiring is found where it is written, right wiring raises no alarm.

MISTAKES    34 that sizes decide: all are errors at construction, with the sizes that clash
OPEN        10 that depend on sizes to come: errors of `check` once those are given
CORRECT     52 models that fit
"""

import re

import pytest

import pydp
from pydp import nn
from pydp._size import SignatureError

L, C, A, R = nn.Linear, nn.Conv2d, nn.AddNorm, nn.Residual


def flat(x):
    return pydp.flatten(x, 1)


# What is written, and what the message must name: the sizes (or kinds) that clash.
MISTAKES = [
    (lambda: L(64, 32) >> L(64, 10), "32 .* against 64"),
    (lambda: nn.Sequential(L(8, 4), nn.ReLU(), nn.Dropout(0.1), L(5, 2)), "4 .* against 5"),
    (lambda: nn.Sequential({"body": L(8, 4), "head": L(3, 2)}), "body: .*head: .*4 .* against 3"),
    (lambda: C(3, 16, 3) >> C(8, 16, 3), "16 .* against 8"),
    (lambda: C(3, 16, 3) >> nn.ReLU() >> nn.MaxPool2d(2) >> C(3, 16, 3), "16 .* against 3"),
    (lambda: C(3, 16, 3) >> nn.BatchNorm2d(3), "16 .* against 3"),
    (lambda: C(3, 16, 3) >> nn.GroupNorm(4, 8), "16 .* against 8"),
    (lambda: C(3, 16, 3) >> nn.PReLU(8), "16 .* against 8"),
    (lambda: L(64, 32) >> nn.BatchNorm1d(64), "32 .* against 64"),
    (lambda: nn.BatchNorm1d(32) >> nn.ReLU() >> L(64, 10), "32 .* against 64"),
    (lambda: nn.Embedding(100, 16) >> L(32, 10), "16 .* against 32"),
    (lambda: nn.Embedding(100, 16) >> nn.LSTM(8, 32), "16 .* against 8"),
    (lambda: nn.LSTM(8, 32, bidirectional=True) >> L(32, 10), "64 .* against 32"),
    (lambda: nn.LSTM(8, 32) >> nn.LayerNorm(16), "32 .* against 16"),
    (lambda: nn.GRU(8, 32) >> nn.GRU(16, 32), "32 .* against 16"),
    (lambda: L(8, 8) >> nn.Embedding(100, 8), "real .* against token"),
    (lambda: nn.Embedding(100, 8) >> nn.Embedding(100, 8), "real .* against token"),
    (lambda: nn.FeedForward(8, 16) ** 3, "16 .* against 8"),
    (lambda: C(3, 8, 3, padding=1) ** 2, "8 .* against 3"),
    (lambda: R(L(4, 5)), "5 .* against 4"),
    (lambda: R(C(8, 8, 3)), r"w - 2 .* against w"),
    (lambda: R(C(8, 16, 3, padding=1)), "16 .* against 8"),
    (lambda: R(C(8, 16, 3, stride=2), C(8, 16, 1, stride=2)), r"\(w - 3\) // 2"),
    (lambda: R(C(8, 16, 3, padding=1), C(8, 32, 1)), "16 .* against 32"),
    (lambda: A(L(4, 8)), "8 .* against d = 4|8 .* against 4"),
    (lambda: A(L(4, 4), d=8), "4 .* against 8"),
    (lambda: A(L(8, 8)) >> A(L(4, 4)), "8 .* against 4"),
    (lambda: nn.Parallel(L(4, 3), L(5, 3)), "4 .* against 5"),
    (lambda: nn.Parallel(L(4, 3), L(4, 5), join="add"), "3 .* against 5"),
    (lambda: nn.Parallel(C(4, 3, 1), C(4, 5, 3), join="concat", axis=-3), "w .* against w - 2"),
    (lambda: nn.Parallel(L(4, 3), L(4, 5), join="concat") >> L(9, 1), "8 .* against 9"),
    (lambda: L(4, 6) >> (lambda x: pydp.concat([x, x], axis=-1)) >> L(6, 1), "12 .* against 6"),
    (lambda: L(4, 6) >> (lambda x: x.sum(axis=-1, keepdims=True)) >> L(6, 1), "1 .* against 6"),
    (lambda: L(2, 3) >> (L(3, 4) >> nn.Sequential(nn.Tanh(), L(5, 6))), "4 .* against 5"),
]


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_is_found_at_construction(number):
    write, words = MISTAKES[number]
    with pytest.raises(SignatureError) as caught:
        write()
    message = str(caught.value)
    assert re.search(words, message, re.DOTALL), message
    assert message.count("real[") + message.count("token[") >= 2, message  # both types


def net(*boxes):
    return nn.Sequential(*boxes)


IMAGES = "real[n, 3, h, w] -> real[n, 10]"
TOKENS = "token[n, t] -> real[n, 10]"

# What is written, its type, sizes for which it fails, words.
OPEN = [
    (net(C(3, 4, 3), nn.Flatten(), L(4 * 6 * 6, 10)), IMAGES, {"h": 9, "w": 9}, "196|144"),
    (net(C(3, 4, 3), nn.MaxPool2d(2), nn.Flatten(), L(100, 10)), IMAGES, {"h": 10, "w": 10}, "64"),
    (net(C(3, 4, 11, stride=4), nn.Flatten(), L(36, 10)), IMAGES, {"h": 10, "w": 19}, "11|covers"),
    (net(nn.Flatten(), L(3 * 28 * 28, 10)), IMAGES, {"h": 32, "w": 32}, "3072"),
    (net(C(3, 4, 5), C(4, 4, 5), nn.Flatten(), L(4, 10)), IMAGES, {"h": 8, "w": 8}, "5|4"),
    (net(nn.AvgPool2d(2), nn.Flatten(), L(48, 10)), IMAGES, {"h": 9, "w": 10}, "60"),
    (net(nn.Embedding(9, 4), nn.Flatten(), L(40, 10)), TOKENS, {"t": 11}, "44"),
    (net(nn.Embedding(9, 4), nn.Call(lambda x: x.reshape(x.shape[0], 8, -1)), nn.Flatten(),
         L(40, 10)), TOKENS, {"t": 11}, "44"),
    (net(nn.Embedding(9, 4), nn.Call(lambda x: x[:, 12]), L(4, 10)), TOKENS, {"t": 12}, "12"),
    (net(nn.Embedding(9, 4), nn.Call(lambda x: x + pydp.zeros((5, 4))), nn.Flatten(), L(24, 10)),
     TOKENS, {"t": 6}, "6|5"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(OPEN)))
def test_what_depends_on_sizes_is_found_by_check(number):
    box, type_, sizes, words = OPEN[number]
    with pytest.raises(SignatureError, match=words):
        pydp.check(box, type_, **sizes)


def vision(c=3):
    return C(c, 8, 3, padding=1) >> nn.BatchNorm2d(8) >> nn.ReLU() >> nn.MaxPool2d(2)


CORRECT = [
    lambda: L(64, 32) >> L(32, 10),
    lambda: L(2, 8) >> pydp.tanh >> L(8, 3),
    lambda: nn.FeedForward(8, 8) ** 3,
    lambda: nn.FeedForward(8, 8, hidden=16) ** 2 >> L(8, 1),
    lambda: nn.Sequential(),
    lambda: nn.Sequential(nn.Identity(), L(3, 3), nn.Identity()),
    lambda: nn.Sequential({"a": L(3, 4), "b": L(4, 3)}) >> L(3, 1),
    lambda: nn.Flatten() >> L(784, 10),
    lambda: nn.Flatten() >> L(784, 128) >> nn.ReLU() >> nn.Dropout(0.5) >> L(128, 10),
    lambda: nn.Embedding(9, 4) >> L(4, 2),
    lambda: nn.Embedding(9, 4) >> nn.LSTM(4, 8) >> L(8, 9),
    lambda: nn.Embedding(9, 4) >> nn.GRU(4, 8, bidirectional=True) >> L(16, 9),
    lambda: nn.Embedding(9, 4) >> nn.RNN(4, 8, num_layers=3) >> nn.LayerNorm(8),
    lambda: nn.Embedding(9, 4) >> (lambda x: x.mean(axis=-2)) >> L(4, 2),
    lambda: nn.Embedding(9, 4) >> (lambda x: x[:, 0]) >> L(4, 2),
    lambda: nn.LSTM(4, 4) >> nn.LSTM(4, 4) >> nn.Softmax(),
    lambda: nn.LSTM(3, 4) >> (lambda y: y[..., -1, :]) >> L(4, 1),
    lambda: vision(),
    lambda: vision() >> vision(8) >> nn.Flatten(),
    lambda: vision() >> vision(8) >> nn.Flatten() >> L(512, 10),
    lambda: vision() >> nn.Flatten(-3) >> L(2048, 10),
    lambda: vision() >> flat >> L(2048, 10),
    lambda: vision() >> (lambda x: x.mean(axis=(-1, -2))) >> L(8, 10),
    lambda: vision() >> nn.AdaptiveAvgPool2d(1) >> nn.Flatten() >> L(8, 10),
    lambda: vision() >> nn.AdaptiveAvgPool2d((2, 3)) >> nn.Flatten() >> L(48, 10),
    lambda: C(3, 8, 3, groups=1) >> C(8, 8, 3, groups=8) >> C(8, 16, 1),
    lambda: C(3, 8, 3, stride=2, padding=1) >> C(8, 8, 3, dilation=2, padding=2),
    lambda: C(3, 8, 5, padding="same") >> nn.AvgPool2d(3, 1, 1) >> nn.LocalResponseNorm(5),
    lambda: C(3, 8, 3) >> nn.ConvTranspose2d(8, 3, 3),
    lambda: C(3, 8, 3) >> nn.GroupNorm(2, 8) >> nn.GELU(),
    lambda: nn.Flatten() >> L(784, 8) >> nn.BatchNorm1d(8) >> nn.PReLU(8) >> L(8, 10),
    lambda: nn.Conv1d(3, 8, 3) >> nn.BatchNorm1d(8) >> nn.Conv1d(8, 1, 3) >> nn.Flatten(),
    lambda: C(3, 8, 3) >> nn.Upsample(scale_factor=2) >> C(8, 3, 3),
    lambda: nn.Conv1d(3, 8, 3) >> nn.MaxPool1d(2) >> nn.Conv1d(8, 8, 3),
    lambda: nn.ZeroPad2d(1) >> C(3, 8, 3),
    lambda: R(nn.ReLU()),
    lambda: R(L(4, 4)) ** 3,
    lambda: R(C(8, 8, 3, padding=1) >> nn.ReLU() >> C(8, 8, 3, padding=1)),
    lambda: R(C(8, 16, 3, stride=2, padding=1), C(8, 16, 1, stride=2)) >> nn.ReLU(),
    lambda: C(3, 8, 1) >> R(nn.BatchNorm2d(8) >> nn.ReLU() >> C(8, 8, 3, padding=1)) ** 2,
    lambda: A(L(8, 8)) >> A(nn.FeedForward(8, 8, hidden=32)),
    lambda: A(nn.LSTM(8, 8)) ** 2 >> L(8, 1),
    lambda: A(nn.ReLU(), d=8) >> L(8, 8),
    lambda: A(A(L(8, 8)), norm_first=True),
    lambda: nn.Parallel(L(4, 3), L(4, 5)),
    lambda: nn.Parallel(L(4, 3), L(4, 5), join="concat") >> L(8, 1),
    lambda: nn.Parallel(L(4, 3), L(4, 3), nn.Linear(4, 3), join="add") >> L(3, 1),
    lambda: nn.Parallel(C(4, 3, 1), C(4, 5, 3, padding=1), join="concat", axis=-3) >> C(8, 8, 1),
    lambda: nn.share(L(4, 4)) >> nn.ReLU() >> L(4, 4),
    lambda: (lambda f: f >> nn.Tanh() >> f)(nn.share(L(4, 4))),
    lambda: nn.BatchNorm2d(3) >> C(3, 8, 1),
    lambda: L(4, 8) >> nn.GLU() >> L(4, 1) >> nn.Sigmoid(),
]


@pytest.mark.parametrize("number", range(len(CORRECT)))
def test_what_fits_raises_no_alarm(number):
    assert CORRECT[number]().signature is not None


def test_the_tables_are_as_long_as_they_say():
    assert (len(MISTAKES), len(OPEN), len(CORRECT)) == (34, 10, 52)
