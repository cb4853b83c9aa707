"""python -m pydp sig: types by name."""

import re

import pytest

from pydp import cli

SAID = [
    (["Linear(3, 4)"], "real[..., 3] -> real[..., 4]"),
    (["nn.LSTM(3, 8) >> Linear(8, 2)"], "real[..., t, 3] -> real[..., t, 2]"),
    (["Conv2d"], "real[..., in_channels, h, w] -> real[..., out_channels, h', w']"),
    (["linear"], "(real[..., i], real[o, i], real[o]?) -> real[..., o]"),
    (["pydp.softmax"], "real[...] -> real[...]"),
    (["ReLU"], "real[...] -> real[...]"),
    (["LSTM(3, 8)", "--check"], "real[..., t, 3] -> real[..., t, 8]"),
    (["Linear(3, 4) ** 1", "--check"], "real[..., 3] -> real[..., 4]"),
    (
        ["Conv2d(3, 8, 3)", "--size", "h=8", "--size", "w=9"],
        "real[..., 3, 8, 9] -> real[..., 8, 6, 7]",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), SAID, ids=lambda x: str(x)[:30])
def test_types_by_name(arguments, said, capsys):
    assert cli.main(["sig", *arguments]) == 0
    assert capsys.readouterr().out == f"{said}\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nothing", "there is no box Nothing"),
        ("Linear(3, 4) >> Linear(5, 6)", "4 .* against 5"),
        ("__import__('os')", "there is no box __import__"),
        ("nowhere:net", "nowhere:net: No module named 'nowhere'"),
    ],
)
def test_what_is_no_box(name, words, capsys):
    assert cli.main(["sig", name]) == 1
    captured = capsys.readouterr()
    assert not captured.out and re.search(words, captured.err, re.DOTALL)
