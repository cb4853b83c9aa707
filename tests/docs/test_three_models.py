"""The newcomer's models: a residual net, a classifier of texts, a GPT; twelve lines at most."""

from pathlib import Path

import pydp
from pydp.docs import blocks
from pydp.docs._blocks import run_page

PAGE = Path(pydp.__file__).parent / "docs" / "three_models.md"
# How each model's block is told from those that print or break it, and its type.
MODELS = {
    "net = ": "real[..., 3, h, w] -> real[..., 10] where h >= 2, w >= 2",
    "classifier = ": "token[..., t] -> real[..., 2]",
    "gpt = ": "token[..., t] -> real[..., t, 65]",
}


def test_twelve_lines_each():
    found = blocks(PAGE.read_text())
    for name, type_ in MODELS.items():
        (block,) = [b for b in found if f"\n{name}" in b.code and "except" not in b.code]
        lines = [line for line in block.code.splitlines() if line and "print(" not in line]
        assert len(lines) <= 12
        assert type_ in block.output.splitlines()
    assert sum("except" in b.code for b in found) >= 2 * len(MODELS)  # broken


def test_they_print_their_types_and_errors():
    run_page(PAGE.read_text(), PAGE.name)
