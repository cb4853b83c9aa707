"""The README keeps its word: its Python runs and prints what it says, its files exist."""

import re
from pathlib import Path

import pytest

from processes import printed

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text() if README.exists() else ""
# Every Python block, with the text block that follows it: its output.
BLOCKS = re.findall(r"```python\n(.*?)```\n+(?:It prints\n+)?```text\n(.*?)```", TEXT, re.DOTALL)


def test_every_python_block_states_its_output():
    assert len(BLOCKS) == TEXT.count("```python") > 0


@pytest.mark.parametrize(("code", "output"), BLOCKS)
def test_python_blocks_print_what_they_say(code, output):
    """In a fresh interpreter, where nothing is imported but what the block imports."""
    assert printed(code) == output.strip()


def test_files_that_are_named_exist():
    named = re.findall(r"`((?:pydp|csrc|tests|bench)/[\w./]*)`", TEXT)
    assert len(named) > 10
    missing = [name for name in named if not (README.parent / name).exists()]
    assert not missing


def test_shell_blocks_are_the_commands_that_ci_runs():
    marked = re.findall(r"<!-- ci: [\w ]+ -->\n```sh\n", TEXT)
    assert len(marked) == TEXT.count("```sh") == 2
