"""The README keeps its word: its Python runs and prints what it says, its files exist."""

import re
from pathlib import Path

import pytest

from pydp.docs import blocks, printed

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text() if README.exists() else ""
# Every Python block, with the text block that follows it; an error names one that has none.
BLOCKS = blocks(TEXT, "README.md")


def test_there_are_python_blocks():
    assert len(BLOCKS) == TEXT.count("```python") > 0


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"line {block.line}")
def test_python_blocks_print_what_they_say(block):
    """Each in an interpreter of its own, where nothing is imported but what the block imports."""
    assert printed([block.code]) == [block.output]


def test_files_that_are_named_exist():
    named = re.findall(r"`((?:pydp|csrc|tests|bench)/[\w./]*)`", TEXT)
    assert len(named) > 10
    missing = [name for name in named if not (README.parent / name).exists()]
    assert not missing


def test_shell_blocks_are_the_commands_that_ci_runs():
    marked = re.findall(r"<!-- ci: [\w ]+ -->\n```sh\n", TEXT)
    assert len(marked) == TEXT.count("```sh") == 2
