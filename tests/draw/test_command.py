"""python -m pydp draw"""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest

from pydp import nn
from pydp._by_name import UnknownError, model
from pydp.cli import main


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("nn.LSTM(3, 8)", nn.LSTM),
        ("LSTM(3, hidden_size=8)", nn.LSTM),
        ("nn.Linear(3, 4) >> nn.ReLU() >> Linear(4, 2)", nn.Sequential),
        ("nn.FeedForward(8, 8) ** 3", nn.Sequential),
        ("nn.Sequential(nn.Linear(3, 4), nn.ReLU())", nn.Sequential),
        ("nn.ReLU", nn.ReLU),
        ("drawn_models:Block", nn.Module),
        ("drawn_models:alexnet", nn.Sequential),
    ],
)
def test_models_by_name(text, kind):
    assert isinstance(model(text), kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nn.Unheard", "there is no box Unheard in pydp.nn"),
        ("__import__('os')", "there is no box __import__"),
        ("nn.Linear", "cannot be made without arguments"),
        ("nn.init", "there is no box init"),
        ("1 + 1", "neither a box nor a literal"),
        ("(lambda: 0)()", "neither a box nor a literal"),
        ("3", "is no module but int"),
        ("nn.", "is neither an expression nor module:name"),
        ("no_such_module_here:net", "No module named"),
        ("drawn_models:nothing", "nothing"),
        ("drawn_models:GOLDEN", "is no module but dict"),
        ("(" * 500, "neither an expression"),
    ],
)
def test_what_is_no_model(text, message):
    with pytest.raises(UnknownError, match=message):
        model(text)


def test_pydp_is_imported_without_it():
    code = (
        "import sys, pydp.nn; sys.exit(any(name.startswith('pydp.draw') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_picture_on_stdout(capsys):
    assert main(["draw", "nn.LSTM(3, 8)"]) == 0
    assert ElementTree.fromstring(capsys.readouterr().out).tag.endswith("svg")


def test_a_file(tmp_path, capsys):
    for name in ("a.svg", "a.html"):
        path = tmp_path / name
        assert (
            main(["draw", "nn.Conv2d(3, 8, 3)", "--size", "h=8", "--size", "w=9", "-o", str(path)])
            == 0
        )
        assert "real[..., 8, 6, 7]" in path.read_text(encoding="utf-8")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nn.Unheard"], "there is no box Unheard"),
        (["nn.Linear(3)"], "Linear"),
        (["nn.Identity"], "it declares no type"),
        (["nn.Linear(3, 4)", "-o", "x.png"], "must end with .svg or .html"),
        (["nn.Linear(3, 4)", "-o", "/no/such/place/x.svg"], "No such file"),
        (["nn.Linear(3, 4)", "--size", "q=3"], "q"),
    ],
)
def test_errors_are_one_line(arguments, message, capsys):
    assert main(["draw", *arguments]) == 1
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("pydp: ") and message in error


@pytest.mark.parametrize("arguments", [["--size", "h"], ["--size", "h=-1"], ["--depth", "x"]])
def test_wrong_options(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["draw", "nn.ReLU", *arguments])
    assert stop.value.code == 2
