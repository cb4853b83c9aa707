"""Examples are run: one that is missing, or prints something else, is named."""

import os

import pytest

import pydp
from pydp import nn
from pydp.docs import DocsError, blocks, printed
from pydp.docs._blocks import run_page
from pydp.docs._examples import Example


def documented(docstring):
    def function():
        pass

    function.__doc__ = docstring
    return function


@pytest.mark.parametrize("docstring", ["Does nothing.", None])
def test_no_example(docstring):
    with pytest.raises(DocsError, match=r"^pydp\.f: its docstring has no example"):
        Example("pydp.f", documented(docstring))


def test_another_output():
    said = r"^pydp\.f: its example is not so:\n +1 \+ 1\nExpected:\n +3\nGot:\n +2"
    with pytest.raises(DocsError, match=said):
        Example("pydp.f", documented(">>> 1 + 1\n3"))


def test_an_example_that_raises():
    with pytest.raises(DocsError, match=r"(?s)^pydp\.f: .*ZeroDivisionError"):
        Example("pydp.f", documented(">>> 1 / 0\n0.0"))


def test_the_instance_is_the_one_that_the_example_makes():
    text, module = Example("pydp.nn.GenerateToken", nn.GenerateToken).made(nn.GenerateToken)
    assert text == "nn.GenerateToken(embed)" and isinstance(module, nn.GenerateToken)
    text, module = Example("pydp.nn.SequenceModel", nn.SequenceModel).made(nn.SequenceModel)
    assert text == "Sum()" and isinstance(module, nn.SequenceModel)
    assert Example("f", documented(">>> 1\n1")).made(nn.Linear) is None


def test_an_example_leaves_no_trace():
    before = os.getcwd(), pydp.get_num_threads()
    example = documented('>>> import pydp\n>>> pydp.set_num_threads(2)\n>>> open("x", "w").close()')
    Example("f", example)
    assert (os.getcwd(), pydp.get_num_threads()) == before
    assert not os.path.exists("x")


# ---- pages by hand -------------------------------------------------------------------------------

PAGE = """```python
x = 2
print(x)
```

```text
2
```

It goes on:

```python
print(x + 1)
```

It prints

```text
OUTPUT
```
"""


def test_blocks_of_a_page_go_on():
    assert [block.line for block in blocks(PAGE)] == [2, 13]
    run_page(PAGE.replace("OUTPUT", "3"), "page.md")


def test_a_block_that_prints_something_else():
    with pytest.raises(DocsError, match=r"^page\.md:13: the block prints\n3\ninstead .*\n4$"):
        run_page(PAGE.replace("OUTPUT", "4"), "page.md")


def test_a_block_without_output():
    with pytest.raises(DocsError, match=r"^page\.md:2: a Python block without the text"):
        blocks("```python\nprint(1)\n```\nand more", "page.md")


@pytest.mark.parametrize(
    "code", ["1 / 0", "import warnings; warnings.warn('x')", "import sys; sys.exit(3)"]
)
def test_a_block_that_fails(code):
    with pytest.raises(DocsError, match=r"^exit code"):
        printed([code])


def test_a_block_that_does_not_end(monkeypatch):
    monkeypatch.setattr("pydp.docs._blocks.LONGEST", 0.5)
    with pytest.raises(DocsError, match="take more than"):
        printed(["import time; time.sleep(9)"])
