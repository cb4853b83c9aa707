"""The picture of a box, as it stands in a page.

The instance is that of the box's own example, unless OTHERS has one that shows more. Its colours
follow the page, which its reader may switch to dark, whatever the system is (draw._paint).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydp import nn
from pydp._by_name import model
from pydp.docs._contents import DocsError
from pydp.draw._paint import style

ROOM = 864.0  # the width of a page's text; see pydp.css


class Other(NamedTuple):
    """What is drawn of a box: a model, or that of the example; a type; sizes."""

    text: str = ""
    type: str | None = None
    sizes: Mapping[str, int] = {}


STEPS = Other(sizes={"t": 3, "s": 4})
OTHERS = {
    "AlexNet": Other("nn.AlexNet()", sizes={"h": 224, "w": 224}),
    "LogSoftmax": Other(type="real[n, c] -> real[n, c]"),
    "Identity": Other(type="real[...] -> real[...]"),
    "Sequential": Other("nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))"),
    "SequenceRNN": Other(sizes={"t": 3}),
    "BahdanauDecoder": STEPS,
    "LuongDecoder": STEPS,
    "SequenceToSequence": STEPS,
}

# Why some have no picture.
VALUES = "looks at the values of its arguments, of which there are none yet"
WITHOUT = {
    "Module": "the base of all boxes",
    "SequenceModel": "the base of recurrent layers and transformers",
    "Decoder": "the base of decoders",
    "ModuleList": "has no forward",
    "ModuleDict": "has no forward",
    "CTCLoss": VALUES,
    "NLLLoss": VALUES,
    "CosineEmbeddingLoss": VALUES,
    "GaussianNLLLoss": VALUES,
    "HingeEmbeddingLoss": VALUES,
    "MarginRankingLoss": VALUES,
}


def svg(name: str, text: str, made: Any) -> tuple[str, str]:
    """What is drawn of this box (as text), and its picture; DocsError where that fails."""
    other = OTHERS.get(name, Other())
    if other.text:
        text, made = other.text, model(other.text)
    return text, picture(made, name, other.type, **other.sizes)


def picture(module: nn.Module, name: str, type: str | None = None, **sizes: int) -> str:
    """A module's SVG, without its style sheet: a page has that once for all."""
    try:
        svg = module.diagram(theme="auto", type=type, **sizes).svg
    except (ValueError, TypeError) as error:
        raise DocsError(f"{name}: cannot be drawn: {error}") from None
    return re.sub(r"<style>.*?</style>\n", "", svg, count=1, flags=re.S)


def is_wide(svg: str) -> bool:
    """Whether a picture is wider than a page's text, and so is made smaller there."""
    found = re.search(r'width="([\d.]+)"', svg)
    return found is not None and float(found[1]) > ROOM


def alone(svg: str) -> str:
    """The picture as a file of its own, with its colours."""
    return re.sub(r">\n", f">\n<style>\n{style()}\n</style>\n", svg, count=1)
