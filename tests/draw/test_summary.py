"""The summary: a table for terminals and pipes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from drawn_models import Block, Residual, alexnet

from pydp import nn
from pydp._size import size, symbol
from pydp.draw._text import counted, human, shortened, width
from pydp.draw._trace import trace


@pytest.fixture
def table(capsys, monkeypatch):
    def printed(module, columns=120, **arguments):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert module.summary(**arguments) is None
        return capsys.readouterr().out

    return printed


def test_rows_have_what_a_box_is_and_costs(table):
    text = table(nn.FeedForward(64, 32) ** 1 >> nn.Linear(32, 10))
    row = next(line for line in text.splitlines() if "FeedForward" in line)
    assert row.split() == ["0", "FeedForward", "real[...,", "64]", "->", "real[...,", "32]",
                           "2,080", "2.05", "k", "128", "B"]  # fmt: skip


def test_totals(table):
    text = table(alexnet(), h=224, w=224)
    assert "parameters     61,100,840\n" in text
    assert "multiply-adds  714,188,480\n" in text
    assert "of one element of `...`" in text


# AlexNet of 2012 by hand: (side of the result, channels), weights of a window, biases.
CONVOLUTIONS = [
    (55, 96, 11 * 11 * 3), (27, 256, 5 * 5 * 48), (13, 384, 3 * 3 * 256), (13, 384, 3 * 3 * 192),
    (13, 256, 3 * 3 * 192),
]  # fmt: skip
MAPS = [(9216, 4096), (4096, 4096), (4096, 1000)]


def test_alexnet_of_2012_by_hand():
    box = trace(nn.AlexNet(form="2012"), h=224, w=224).box
    multiply_adds = sum(side**2 * channels * window for side, channels, window in CONVOLUTIONS)
    multiply_adds += sum(i * o for i, o in MAPS)
    parameters = sum(channels * (window + 1) for _, channels, window in CONVOLUTIONS)
    parameters += sum((i + 1) * o for i, o in MAPS)
    assert box.multiply_adds.value == multiply_adds == 724_406_816
    assert box.parameters == parameters == 60_965_224
    # Results: convolutions, norms behind two, pools, what is flattened, maps, dropouts behind two.
    numbers = sum(side**2 * channels for side, channels, _ in CONVOLUTIONS)
    numbers += 55**2 * 96 + 27**2 * 256 + 27**2 * 96 + 13**2 * 256 + 6**2 * 256
    numbers += 6**2 * 256 + 4096 + 4096 + 1000 + 4096 + 4096
    assert box.memory.value == 4 * numbers


def test_an_lstm_language_model_by_hand():
    """64 numbers for each of 1000 words; two layers, four gates of each fed by x and h."""
    model = nn.LanguageModel(nn.EmbedToken(1000, 64), nn.LSTM(64, 64, num_layers=2))
    box, t = trace(model).box, symbol("t")
    assert box.parameters == 1000 * 64 + 2 * (4 * 64) * (64 + 64 + 2)
    assert box.multiply_adds.same(t * (2 * (4 * 64) * (64 + 64) + 64 * 1000))


def test_a_small_bert_by_hand():
    """For each token four maps of d by d and two of d by 4 d, for each pair of tokens 2 d."""
    d, t = 16, symbol("t")
    bert = nn.BERT(vocabulary=50, d=d, num_layers=3, num_heads=2)
    assert trace(bert).box.multiply_adds.same(3 * (t * (12 * d * d) + t * t * (2 * d)))


def test_the_narrowest_form_is_a_tree_in_which_nothing_is_cut(table):
    text = table(nn.AlexNet(form="2012", classes=10, width=1 / 16), 80, h=224, w=224)
    assert " conv2: Conv2d " in text and "…" not in text and "real[16, 27, 27]" in text
    assert "Results, multiply-adds and activations are of one element" in text


def test_in_a_pipe_it_is_plain_text(tmp_path):
    code = "from pydp import nn; nn.LeNet().summary(h=28, w=28)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    text = made.stdout.decode()
    assert "\x1b" not in text and "\r" not in text and max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("columns", [80, 100, 120, 500])
@pytest.mark.parametrize("model", [alexnet(), Block(), nn.GPT(d=16, num_layers=2, num_heads=2)])
def test_it_fits_the_terminal(table, model, columns):
    sizes = {"h": 224, "w": 224} if isinstance(model, nn.Sequential) else {}
    text = table(model, columns, **sizes)
    assert max(map(len, text.splitlines())) <= min(columns, 120)
    assert "\x1b" not in text


def test_repeated_and_shared_boxes(table):
    shared = nn.Linear(4, 4)

    class Twice(nn.Module):
        type = "real[..., 4] -> real[..., 4]"

        def __init__(self):
            self.map = shared

        def forward(self, x):
            return self.map(self.map(x) * 2.0)

    assert "shared" in table(Twice())
    text = table(nn.FeedForward(8, 8) ** 3)
    assert "FeedForward × 3" in text and "its numbers are of one" in text
    assert "parameters     216\n" in text


def test_depth(table):
    assert len(table(Block(), depth=0).splitlines()) < len(table(Block()).splitlines())


def test_open_counts_say_what_is_missing(table):
    net = nn.Sequential(nn.Conv2d(3, 3, 3), nn.MaxPool2d(2), nn.Conv2d(3, 3, 3))
    assert "Open counts depend on sizes: give numbers, summary(h=…, w=…)." in table(net)
    assert "open" not in table(net, h=32, w=32)
    assert "2.30 k·h·n·w" in table(Residual())


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0"), (7, "7"), (999, "999"), (1000, "1.00 k"), (9995, "10.0 k"), (99949, "99.9 k"),
        (99950, "100 k"), (999_499, "999 k"), (999_500, "1.00 M"), (109_482_240, "109 M"),
        (4_089_184_256, "4.09 G"), (10**18, "1000 P"),
    ],
)  # fmt: skip
def test_large_numbers(n, text):
    assert human(n) == text


def test_counts_with_names():
    t, h = symbol("t"), symbol("h")
    assert counted(2 * t * t + 3 * t) == "2·t² + 3·t"
    assert counted(size(1500), unit="B") == "1.50 kB" and counted(size(12), unit="B") == "12 B"
    assert counted(h // 2 * 5) == ""


def test_texts_are_shortened_to_their_room():
    text = "in_channels=3, out_channels=64"
    short = shortened(text, 10, 100)
    assert short.endswith("…") and width(short, 10) <= 100
    assert shortened(text, 10, 1000) == text
