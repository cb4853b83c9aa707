"""The matrix product's inner loops keep their tile of C in registers.

Speed hangs on it, and a compiler that spills says nothing; so the loops are read as they were
compiled, on every ISA and type: no vector register goes to the stack inside a tile's loop, and the
loop has the multiplications that its name promises.
"""

import re
import shutil
import subprocess
from typing import NamedTuple

import pytest

from pydp import _kernels

TILE = re.compile(r"tile_(?:ahead_\d_)?(\d+)_(\d+)(?:\.\w+)*")


class Instruction(NamedTuple):
    address: int
    text: str


class Tile(NamedTuple):
    name: str
    rows: int
    width: int
    code: list[Instruction]


def tiles() -> list[Tile]:
    """Every function tile_[ahead_<lines>_]<rows>_<width> of the module: one per (ISA, type)."""
    if shutil.which("objdump") is None:
        return []
    command = ["objdump", "-d", "--no-show-raw-insn", _kernels.__file__]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = []
    for part in listing.split("\n\n"):
        head = re.match(r"\s*[0-9a-f]+ <([^>]+)>:", part)
        name = head and TILE.fullmatch(head[1])
        if not name:
            continue
        lines = re.findall(r"^ +([0-9a-f]+):\t(.*)$", part, re.MULTILINE)
        code = [Instruction(int(address, 16), text) for address, text in lines]
        found.append(Tile(head[1], int(name[1]), int(name[2]), code))
    return found


def loops(code: list[Instruction]) -> list[list[str]]:
    """The bodies of the innermost loops: what a jump backwards goes over."""
    spans = []
    for at, (address, text) in enumerate(code):
        jump = re.match(r"(?:j\w+|b\.?\w*|cbn?z)\s.*?([0-9a-f]+) <", text)
        if jump and code[0].address <= int(jump[1], 16) <= address:
            start = next(i for i, one in enumerate(code) if one.address == int(jump[1], 16))
            spans.append((start, at))
    inner = [a for a in spans if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in spans)]
    return [[one.text for one in code[start : end + 1]] for start, end in inner]


def is_multiplication(text: str) -> bool:
    return re.match(r"v?f?n?m(add|la|ul)\w*[ .]", text) is not None


def is_vector_on_stack(text: str) -> bool:
    x86 = re.search(r"%[xyz]mm\d", text) and re.search(r"\(%rsp", text)
    arm = re.search(r"\b(q|v)\d+\b", text) and re.search(r"\[(sp|x29)", text)
    return bool(x86 or arm)


TILES = tiles()
KINDS = sorted({(tile.rows, tile.width) for tile in TILES})


@pytest.mark.skipif(not shutil.which("objdump"), reason="objdump is not installed")
def test_the_tiles_are_found():
    if not TILES:
        pytest.skip("the extension module is stripped of its symbols")
    assert len(TILES) >= 2 * len(KINDS), "every tile exists at least for float and double"


@pytest.mark.parametrize(("rows", "width"), KINDS)
def test_accumulators_stay_in_registers(rows, width):
    for tile in TILES:
        if (tile.rows, tile.width) != (rows, width):
            continue
        bodies = [body for body in loops(tile.code) if any(map(is_multiplication, body))]
        assert bodies, f"{tile.name} has no loop that multiplies"
        for body in bodies:
            spilled = [text for text in body if is_vector_on_stack(text)]
            assert not spilled, f"{tile.name} at {tile.code[0].address:x} spills: {spilled[:3]}"
            count = sum(map(is_multiplication, body))
            assert count >= rows * width, f"{tile.name} multiplies {count} times in its loop"
