"""The Python blocks of a page by hand: each with the text that it prints below it.

    ```python          code, which goes on where the block before it has ended
    ```
    ```text            what it prints, word for word; "It prints" may stand between the two
    ```

All blocks of a page run in one fresh interpreter.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pydp
from pydp.docs._contents import DocsError

PAIR = re.compile(r"```python\n(.*?)```\n+(?:It prints\n+)?```text\n(.*?)```", re.DOTALL)
LONGEST = 60.0  # seconds that the blocks of a page may take

# What runs in the fresh interpreter: blocks come on stdin, what each has printed goes to stdout.
RUN = """
import contextlib, io, json, sys
names, outputs = {"__name__": "__main__"}, []
for code in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(code, "the block", "exec"), names)
    outputs.append(output.getvalue())
print(json.dumps(outputs))
"""


class Block(NamedTuple):
    """Code of a page, the line where it begins, and what it says that it prints."""

    line: int
    code: str
    output: str


def blocks(text: str, name: str = "the page") -> list[Block]:
    """All Python blocks of a page; DocsError where one does not say what it prints."""
    found = [
        Block(text.count("\n", 0, match.start(1)) + 1, match[1], match[2].strip())
        for match in PAIR.finditer(text)
    ]
    with_output = {block.line for block in found}
    for match in re.finditer(r"^```python\n", text, re.MULTILINE):
        line = text.count("\n", 0, match.end()) + 1
        if line not in with_output:
            raise DocsError(f"{name}:{line}: a Python block without the text that it prints")
    return found


def printed(codes: Sequence[str]) -> list[str]:
    """What each of these prints, one after the other in one fresh interpreter; DocsError where one
    fails, or says anything on stderr."""
    paths = [str(Path(pydp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    try:
        with tempfile.TemporaryDirectory() as folder:  # for what they write
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", RUN],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
                input=json.dumps(codes),
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=LONGEST,
            )
    except subprocess.TimeoutExpired:
        raise DocsError(f"the blocks take more than {LONGEST:g} s") from None
    if done.returncode or done.stderr:
        raise DocsError(f"exit code {done.returncode}: {done.stderr[-2000:].strip()}")
    return [text.strip() for text in json.loads(done.stdout)]


def run_page(text: str, name: str) -> None:
    """Run a page's blocks; DocsError where one prints something else than it says."""
    found = blocks(text, name)
    try:
        outputs = printed([block.code for block in found])
    except DocsError as error:
        raise DocsError(f"{name}: {error}") from None
    for (line, _, said), output in zip(found, outputs, strict=True):
        if output != said:
            raise DocsError(
                f"{name}:{line}: the block prints\n{output}\ninstead of what it says\n{said}"
            )
