"""SVG and HTML: valid, closed in themselves, texts within their boxes; golden copies.

Golden copies are renewed with

    PYDP_RENEW=1 python -m pytest tests/draw/test_svg.py

Look at the new pictures before they are committed.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drawn_models import GOLDEN, Block, Residual, WordModel, alexnet

from pydp import nn
from pydp.draw import Diagram
from pydp.draw._box import Box, opened
from pydp.draw._html import MOST, _states, _turning
from pydp.draw._paint import PAINT
from pydp.draw._sheet import page_of
from pydp.draw._svg import Picture
from pydp.draw._text import width

GOLD = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


def diagram_of(name):
    model, sizes = GOLDEN[name]
    return model().diagram(theme="light", **sizes)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    path, found = GOLD / f"{name}.svg", diagram_of(name).svg
    if os.environ.get("PYDP_RENEW"):
        path.write_text(found)
    assert found == path.read_text(), "if the new picture is better, renew the copy (see above)"


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
@pytest.mark.parametrize("name", GOLDEN)
def test_the_picture_is_valid_and_closed_in_itself(name, theme):
    model, sizes = GOLDEN[name]
    text = model().diagram(theme=theme, **sizes).svg
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert not re.search(r"href|url\(|@import|<script|<image", text)
    classes = {e.get("class") for e in root.iter() if e.get("class") and e is not root}
    assert classes <= {f"pydp-{kind}" for kind in PAINT}
    assert ("light-dark(" in text) == (theme == "auto")
    _, _, wide, high = map(float, root.get("viewBox").split())
    for rect in root.iter(f"{SVG}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert x >= 0 and y >= 0
        assert x + float(rect.get("width")) <= wide and y + float(rect.get("height")) <= high


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("text", ["name", "small", "type"])
@pytest.mark.parametrize("ground", ["card", "open", "within", "plain", "learned", "op"])
def test_texts_are_readable(ground, text, dark):
    """The contrast that WCAG asks for: 4.5 to 1."""
    a, b = sorted(luminance(PAINT[kind]["fill"][dark]) for kind in (ground, text))
    assert (b + 0.05) / (a + 0.05) >= 4.5


def texts_of(group):
    """(left, right) of every text that is directly in a group of a box."""
    for text in group.findall(f"{SVG}text"):
        x, size = float(text.get("x")), float(text.get("font-size"))
        bold = text.get("font-weight") == "bold"
        spans = text.findall(f"{SVG}tspan")
        if spans:
            wide = sum(
                width(s.text, float(s.get("font-size", size)), bold and not s.get("font-weight"))
                + float(s.get("dx", 0))
                for s in spans
            )
        else:
            wide = width(text.text or "", size, bold)
        anchor = text.get("text-anchor", "start")
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        yield left, left + wide


@pytest.mark.parametrize(
    "model", [Residual(), Block(), WordModel(), nn.GPT(d=16, num_layers=2, num_heads=2)]
)
def test_no_text_leaves_its_box(model):
    root = ElementTree.fromstring(model.diagram(depth=9).svg)
    groups = list(root.iter(f"{SVG}g"))
    assert groups
    for group in groups:
        rect = group.findall(f"{SVG}rect")[-1]
        left = float(rect.get("x"))
        right = left + float(rect.get("width"))
        texts = list(texts_of(group))
        for a, b in texts:
            assert left <= a and b <= right
        if not group.findall(f"{SVG}path"):  # closed: name and counts stand on one line
            assert len(texts) < 2 or texts[0][1] <= max(texts[1][0], texts[0][1])


def test_names_are_escaped():
    class Odd(nn.Module):
        type = "real[..., a] -> real[..., a]"

        def extra_repr(self):
            return "'<&>\"\x00\x1b'"

        def forward(self, x):
            return x * 2.0

    Odd.__name__ = "A<b>&"
    text = Odd().diagram().svg
    assert "A<b>&" in "".join(ElementTree.fromstring(text).itertext())
    assert "A<b>&" in nn.Sequential(Odd()).diagram().html.replace("&lt;", "<").replace(
        "&gt;", ">"
    ).replace("&amp;", "&")


def test_repeated_boxes_are_a_deck():
    text = (nn.FeedForward(8, 8) ** 12).diagram().svg
    assert "FeedForward × 12" in text and text.count('class="pydp-learned"') == 3


def test_a_box_without_a_type_is_dashed():
    net = nn.Linear(2, 2) >> nn.Identity()
    assert net.diagram().svg.count("stroke-dasharray") == 1


def test_depth_says_how_many_levels_are_open():
    block = Block()
    shown = [block.diagram(depth=n).svg.count("<g ") for n in range(4)]
    assert shown[0] == 1 and shown[0] < shown[1] < shown[2] == shown[3]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="theme must be one of auto, light, dark"):
        Block().diagram(theme="pink")
    with pytest.raises(ValueError, match="depth must be at least 0"):
        Block().diagram(depth=-1)
    with pytest.raises(ValueError, match=r"must end with \.svg or \.html"):
        Block().diagram().save("x.png")


# ---- the page ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Scenes, their states, and what can be clicked in each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scenes: dict[str, dict[str, list[set[str]]]] = {}
        self.shown: list[tuple[str, str]] = []
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if tag == "section":
            self.scene = self.scenes[known["data-number"]] = {}
            self.number, self.is_hidden = known["data-number"], "hidden" in known
        elif tag == "div" and "data-state" in known:
            self.boxes = self.scene[known["data-state"]] = []
            if "hidden" not in known and not self.is_hidden:
                self.shown.append((self.number, known["data-state"]))
        elif tag == "g":
            if "data-box" in known:
                self.boxes.append(known["data-box"])
            if "data-scene" in known:
                self.links.add(known["data-scene"])


@pytest.mark.parametrize("model", [Block(), nn.GPT(d=16, num_layers=2, num_heads=2)])
def test_every_click_leads_to_a_picture(model):
    page = Page(model.diagram().html)
    assert len(page.shown) == 1
    assert page.links <= page.scenes.keys()
    for states in page.scenes.values():
        assert 0 < len(states) <= MOST
        for state, boxes in states.items():
            now = set(map(int, state.split()))
            for box in map(int, boxes):
                if box not in now:
                    assert " ".join(map(str, sorted({*now, box}))) in states


def test_many_boxes_become_scenes():
    ends = [nn.ReLU, nn.Tanh]
    parts = [nn.Sequential(nn.Linear(4, 4), ends[i % 2]()) for i in range(12)]
    page = Page(nn.Sequential(*parts).diagram().html)
    assert page.links and page.links <= page.scenes.keys()
    assert len(page.scenes) == 3  # equal boxes share theirs
    assert all(len(states) <= MOST for states in page.scenes.values())


def test_states_are_what_can_be_open():
    leaf = lambda: Box("leaf", children=[Box("a", is_op=True), Box("b", is_op=True)])  # noqa: E731
    inner = Box("inner", children=[leaf(), leaf()])
    outer = Box("outer", children=[inner, leaf()])
    turning = _turning(outer)
    assert len(turning) == 4
    assert len(list(_states(outer, turning))) == (1 + 2 * 2) * 2


def test_the_page_needs_nothing_from_elsewhere():
    text = Block().diagram().html
    assert not re.search(r"src=|https?://(?!www\.w3\.org/2000/svg)|@import|<link", text)
    assert Block().diagram()._repr_html_() in text


def test_it_is_saved(tmp_path):
    diagram = Block().diagram()
    for name, text in (("a.svg", diagram.svg), ("a.html", diagram.html)):
        diagram.save(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_the_same_model_gives_the_same_text():
    assert Block().diagram().svg == Block().diagram().svg


def test_alexnet_is_readable_on_a_slide():
    diagram = alexnet().diagram(h=224, w=224)
    assert isinstance(diagram, Diagram)
    picture = Picture(page_of(diagram.box, opened(diagram.box, diagram.depth)))
    assert min(1280 / picture.width, 720 / picture.height) > 0.8  # 11 points are more than 8
