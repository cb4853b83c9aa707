"""What pages hold, and that a fault of any part of a page stops the build and is named."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from pydp import nn
from pydp.docs import DocsError, _contents, _drawn, _site, _source
from pydp.docs._contents import Page
from pydp.docs._links import Links
from pydp.docs._pages import Writer
from pydp.docs._parts import call

NOTHING = object()


@pytest.fixture(scope="module")
def written():
    """Every page and picture by its path, made once."""
    found = dict(_site.pages())
    assert not [text for text in found.values() if isinstance(text, DocsError)]
    return found


@pytest.fixture
def writer():
    names = _contents.public()
    return Writer(names, Links(_contents.contents(), names))


def test_every_public_name_has_a_page_with_an_example(written):
    parts = _contents.contents()
    links = Links(parts, _contents.public())
    for page in [page for part in parts for page in part.pages]:
        text = written[f"{page.path}.md"]
        assert ">>> " in text, page.path
        for name in page.names:
            assert f"({links.label(name)})=" in text, name


def test_every_page_is_in_a_table_of_contents(written):
    listed = [re.findall(r"^/([\w/]+)$", text, re.MULTILINE) for text in written.values()]
    paths = {f"{path}.md" for paths in listed for path in paths} | {"index.md"}
    assert paths == {path for path in written if path.endswith(".md")}


def test_no_table_has_a_column_without_anything_in_it(written):
    tables = re.findall(
        r"^\|.*\n\|(?:---\|)+\n(?:\|.*\n)+", "\n".join(written.values()), re.MULTILINE
    )
    assert len(tables) > 20
    for table in tables:
        _, _, *rows = table.splitlines()
        columns = zip(*[re.split(r"(?<!\\)\|", row[1:-1]) for row in rows], strict=True)
        assert all(any(cell.strip() for cell in column) for column in columns), table


def test_links_lead_somewhere(written):
    text = "\n".join(written.values())
    targets = set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= targets


def test_pictures_are_xml_and_every_box_has_one(written):
    for name, value in _contents.public().items():
        short = name.removeprefix("nn.")
        text = written.get(f"nn/{short}.md", "")
        for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
            ElementTree.fromstring(svg)
        if isinstance(value, type) and issubclass(value, nn.Module) and text:
            assert ("<svg" in text) == (short not in _drawn.WITHOUT), name
    for path, svg in written.items():
        if path.endswith(".svg"):
            assert "color-scheme: light dark" in svg and "light-dark(" in svg
            ElementTree.fromstring(svg)


def test_what_is_said_of_pictures_is_of_boxes():
    assert all(hasattr(nn, name) for name in [*_drawn.OTHERS, *_drawn.WITHOUT])


def test_a_box(written):
    text = written["nn/Linear.md"]
    order = [
        "# Linear", "nn.Linear(in_features, out_features, bias=True)", "y = x Wᵀ + b",
        "Every output is", "## Type", "real[..., in_features] -> real[..., out_features]",
        "Of `nn.Linear(3, 2)`", "real[..., 3] -> real[..., 2]", "## Diagram", "<svg",
        "## Parameters", "`weight`\n: \\[out", "## What differs", "## Example",
        ">>> layer = pydp.nn.Linear(3, 2)", "(1, 2)", "## Code", "pydp/nn/_linear.py",
        "return ops.linear(x, self.weight, self.bias)", "The whole class",
    ]  # fmt: skip
    places = [text.find(part) for part in order]
    assert -1 not in places and places == sorted(places), dict(zip(order, places, strict=True))


def test_a_model_shows_how_it_is_made(written):
    text = written["nn/AlexNet.md"]
    assert "61.1 M" in text and "## Source in the literature" in text
    assert '"conv1": Conv(3, c1, 11, stride=4, padding=2, activation="relu"),' in text


def test_the_formula_and_the_source_of_the_function_behind_a_box(written):
    assert "h' = σ(o) tanh(c')" in written["nn/LSTM.md"]
    source = "## Source in the literature\n\n"
    assert f"{source}Hochreiter and Schmidhuber" in written["nn/LSTM.md"]
    assert f"{source}Hendrycks and Gimpel" in written["nn/GELU.md"]  # inside a paragraph there
    assert f"{source}Vaswani et al" in written["nn/Attention.md"]


def test_second_names_are_on_the_page(written):
    assert written["nn/Conv2d.md"].startswith("(pydp-nn-conv2d)=\n\n(pydp-nn-conv)=")
    assert "# Embedding or EmbedToken" in written["nn/Embedding.md"]


def test_functions(written):
    assert 'EXP = _unary("exp", np.exp, "y", lambda dy, y: dy * y)' in written["ops/math.md"]
    conv = written["ops/conv2d.md"]
    assert "(real[n, c, h, w], real[o, c/groups, kh, kw], real[o]?) -> real[n, o, oh, ow]" in conv
    assert "def reference(" in conv and "def backward(" in conv


def test_constants_and_methods(written):
    assert ">>> pydp.pi\n3.14" in written["api/dtypes.md"]
    assert "`numpy()`\n: The elements" in written["api/tensor.md"]
    assert "`generate(" in written["nn/LanguageModel.md"]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (nn.Linear, "f(in_features, out_features, bias=True)"),
        (nn.ReLU, "f()"),
        (nn.LSTM, "f(input_size, hidden_size, num_layers=1, bias=True, dropout=0.0, bidir"),
        (nn.BERT, "f(size='base', d=None, "),
        (lambda *xs, axis=0: xs, "f(*xs, axis=0)"),
        (lambda x, *, y=NOTHING: x, "f(x, *, y=…)"),
    ],
)
def test_calls(function, text):
    assert call("f", function).startswith(text)
    assert max(map(len, call("f", function).split("\n"))) < 90


def test_code_is_without_docstring_and_whole():
    code = _source.code(nn.Linear)
    assert "weighted sum" not in code
    assert "bias: Parameter | None" in code and "extra_repr" in code


# ---- faults --------------------------------------------------------------------------------------

LINEAR = Page("nn/Linear", "Linear", ("nn.Linear",))


class Gadget(nn.Module):
    """y = x.

    >>> import pydp
    >>> pydp.nn.ReLU()
    ReLU()
    """

    def forward(self, x):
        return x


def test_a_box_whose_example_makes_none(writer):
    writer.names["nn.Linear"] = Gadget
    with pytest.raises(DocsError, match=r"^pydp\.nn\.Linear: its example makes none"):
        writer.page(LINEAR)


def test_a_box_without_example(writer):
    writer.names["nn.Linear"] = type("Linear", (nn.Module,), {"__doc__": "A box."})
    with pytest.raises(DocsError, match=r"^pydp\.nn\.Linear: its docstring has no example"):
        writer.page(LINEAR)


def test_a_box_that_cannot_be_drawn(monkeypatch, writer):
    monkeypatch.delitem(_drawn.OTHERS, "Identity")
    with pytest.raises(DocsError, match=r"^Identity: cannot be drawn: .*declares no type"):
        writer.page(Page("nn/Identity", "Identity", ("nn.Identity",)))


def test_a_function_without_example_among_others(writer):
    def exp(x):
        """e to the power x."""

    writer.names["pydp.exp"] = exp
    with pytest.raises(DocsError, match=r"^pydp\.exp: its docstring has no example"):
        writer.page(Page("ops/math", "Math", ("pydp.abs", "pydp.exp")))


def test_all_faults_are_named_at_once(monkeypatch, tmp_path):
    faults = [("A.md", DocsError("A: one")), ("B.md", "# B"), ("C.md", DocsError("C: two"))]
    monkeypatch.setattr(_site, "pages", lambda: iter(faults))
    with pytest.raises(DocsError, match=r"^A: one\nC: two$"):
        _site.write(tmp_path)


def test_a_picture_of_a_page_by_hand(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- diagram: nn.Linear(2, 3) >> nn.ReLU() -->\n")
    assert "<svg" in _site.by_hand(page)
    page.write_text("<!-- diagram: nn.Gadget(2) -->\n")
    with pytest.raises(DocsError, match=r"^page\.md: there is no box Gadget"):
        _site.by_hand(page)
