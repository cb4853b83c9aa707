"""Every model of the catalogue is drawn without overlaps, by the geometry of its SVG; and a
recurrent state goes back."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from drawn_geometry import SVG, faults
from drawn_models import CATALOGUE, GOLDEN

from pydp import nn
from pydp.draw import Diagram
from pydp.draw._paint import style
from pydp.draw._trace import trace


@pytest.mark.parametrize("name", CATALOGUE)
def test_nothing_overlaps(name):
    """As it is shown first, and with all boxes open."""
    make, sizes = CATALOGUE[name]
    diagram = make().diagram(**sizes)
    for depth in (diagram.depth, 9):
        assert faults(Diagram(diagram.box, depth).svg) == []


@pytest.fixture(scope="module")
def picture():
    make, sizes = GOLDEN["attention"]
    return make().diagram(**sizes).svg


@pytest.mark.parametrize(
    ("kind", "attribute", "by", "fault"),
    [
        ("type", "x", -8.0, "a wire through text"),
        ("type", "y", 12.0, "on text"),
        ("name", "x", -40.0, "leaves its box"),
        ("learned", "y", 60.0, "on box"),
        ("wire", "d", 25.0, "a wire through"),
    ],
)
def test_what_is_moved_is_found(picture, kind, attribute, by, fault):
    """The examination sees a label on a wire, labels or boxes on each other, and so on."""
    assert faults(picture) == []
    found = []
    root = ElementTree.fromstring(picture)
    for element in [e for e in root.iter() if e.get("class") == f"pydp-{kind}"]:
        before = element.get(attribute)
        if attribute == "d":  # every other number is an x
            parts = re.split(r"(-?[\d.]+)", before)
            parts[1::4] = [str(float(x) + by) for x in parts[1::4]]
            element.set(attribute, "".join(parts))
        else:
            element.set(attribute, str(float(before) + by))
        found += faults(ElementTree.tostring(root, encoding="unicode"))
        element.set(attribute, before)
    assert any(fault in f for f in found)


# ---- states


@pytest.mark.parametrize(
    ("module", "sizes", "said"),
    [
        (nn.LSTM(3, 8), {}, ["2 × real[..., 8]"]),
        (nn.GRU(3, 8, num_layers=2), {}, ["real[..., 8]", "real[..., 8]"]),
        (nn.RNN(3, 8) >> nn.Linear(8, 2), {}, ["real[..., 8]"]),
        (nn.SequenceRNN(nn.LSTMCell(3, 8)), {"t": 4}, ["2 × real[..., 8]"]),
        (nn.SequenceRNN(nn.RNNCell(3, 8)), {"t": 4}, ["real[..., 8]"]),
        (nn.BahdanauDecoder(8, 8, 6), {"t": 3}, ["real[..., 8]"]),
        (nn.LuongDecoder(8, 8, 6), {"t": 3}, ["3 × real[..., 8]"]),
        (nn.RNNCell(3, 8), {}, []),
        (nn.Transformer(8, 2, num_layers=2), {}, []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_state_goes_back_into_its_step(module, sizes, said):
    """A wire out of a box and into it, with the state's type to its right."""
    root = ElementTree.fromstring(module.diagram(1, **sizes).svg)
    back = []
    for path in root.iter(f"{SVG}path"):
        points = re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d"))
        (x, top), (last, bottom) = [tuple(map(float, p)) for p in (points[0], points[-1])]
        if path.get("class") == "pydp-wire" and x == last and top < bottom:
            far = max(float(x) for x, _ in points)
            back.append((far, top, bottom))
    types = []
    for far, top, bottom in back:
        for text in root.iter(f"{SVG}text"):
            beside = 0 < float(text.get("x")) - far < 8
            if beside and top - 14 < float(text.get("y")) < bottom + 14:
                types.append(text.text)
    assert sorted(types) == said and len(back) == len(said)


def test_a_step_that_is_one_module_has_no_frame():
    box = trace(nn.SequenceRNN(nn.GRUCell(3, 8)), t=6).box
    (cell,) = box.children
    assert (cell.name, cell.path, cell.times, cell.is_loop) == ("GRUCell", "cell", 6, True)
    assert [(loop.type, loop.output, loop.input) for loop in cell.loops] == [("real[..., 8]", 0, 1)]
    assert box.outputs == cell.outputs == ["real[..., 6, 8]"]


def test_a_step_of_several_boxes_has_its_state_as_ports():
    box = trace(nn.BahdanauDecoder(8, 8, 6), t=3).box
    step = next(c for c in box.children if c.is_loop)
    (loop,) = step.loops
    assert step.inputs[loop.input] == loop.type == "real[..., 8]"
    into = [w.target for w in step.wires if w.source == (None, loop.input)]
    assert {step.children[end.child].name for end in into} == {"BahdanauAttention", "GRUCell"}
    initial = [w.source.child for w in box.wires if w.target == (box.children.index(step), 3)]
    assert [box.children[i].path for i in initial] == ["begin"]


def test_a_loop_may_begin_with_an_op():
    """x and the y before are put together first."""
    box = trace(nn.LuongDecoder(8, 8, 6), t=4).box
    step = next(c for c in box.children if c.is_loop)
    assert (step.times, len(step.loops)) == (4, 3)
    assert [c.name for c in step.children] == [
        "concat", "LSTMCell", "LuongAttention", "concat", "FeedForward",
    ]  # fmt: skip
    assert not any(c.name == "LSTMCell" for c in box.children)


def test_directions_are_told_apart():
    names = [c.name for c in trace(nn.GRU(3, 8, bidirectional=True)).box.children]
    assert names == ["gru", "← gru", "concat"]


def test_one_box_under_two_names():
    make, sizes = GOLDEN["sequence_to_sequence"]
    labels = [c.label for c in trace(make(), **sizes).box.children if c.name == "Embedding"]
    assert labels == ["embed_source = embed_target"] * 2


# ---- on a page


def test_two_pictures_on_a_page_do_not_disturb_each_other(picture):
    """There is nothing to refer to, and every rule is about classes that no page has."""
    assert not re.search(r'\bid="|url\(#|href', picture)
    rules = re.findall(r"^([^@{}\n]+)\{", style(), flags=re.M)
    assert rules
    around, ours = r"(\[data-[\w-]+=\"\w+\"\] )?", r"\.pydp-(diagram|auto)(:root)?( \.pydp-\w+)?"
    for selector in ",".join(rules).split(","):
        assert re.fullmatch(around + ours, selector.strip()), selector


def test_a_picture_that_is_told_its_theme_keeps_it():
    model = nn.FeedForward(4, 4)
    for theme in ("light", "dark"):
        text = model.diagram(theme=theme).svg
        assert "pydp-auto" not in text and "light-dark" not in text
    assert "pydp-auto" in model.diagram().svg


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_it_has_a_size_and_a_file_fills_its_window(theme):
    text = nn.FeedForward(4, 4).diagram(theme=theme).svg
    root = ElementTree.fromstring(text)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert ".pydp-diagram:root { width: 100%; height: 100%;" in text
