"""Every public name has a place in the documentation, and the tables hold nothing else."""

import inspect

import pytest

import pydp
from pydp import nn
from pydp.docs import DocsError, _contents


def test_every_public_name_is_on_one_page():
    placed = [name for part in _contents.contents() for page in part.pages for name in page.names]
    assert len(placed) == len(set(placed))
    assert set(placed) == set(_contents.public())


def test_public_are_all_names_that_people_see():
    names = _contents.public()
    for module, start in ((pydp, "pydp"), (nn, "nn"), (pydp.optim, "optim"), (pydp.draw, "draw")):
        seen = [n for n in dir(module) if n[0] != "_" and not inspect.ismodule(getattr(module, n))]
        assert {f"{start}.{name}" for name in seen} <= set(names)
    assert "nn.init.zeros_" in names and "nn.init.number" not in names  # what init imports


def test_a_name_that_is_nowhere_is_named(monkeypatch):
    monkeypatch.setattr(nn, "Gadget", nn.Linear, raising=False)
    with pytest.raises(DocsError, match=r"^pydp\.nn\.Gadget: a public name in no part of the doc"):
        _contents.contents()


def test_a_function_whose_file_is_nowhere_is_named(monkeypatch):
    def gadget():
        """Nothing."""

    gadget.__module__ = "pydp.ops._gadget"
    monkeypatch.setattr(pydp, "gadget", gadget, raising=False)
    with pytest.raises(DocsError, match=r"^pydp\.gadget: a public name in no part"):
        _contents.contents()


@pytest.mark.parametrize(
    ("boxes", "message"),
    [("Gadget", "nn.Gadget: is in .* but no public name"), ("ReLU", "nn.ReLU: stands twice")],
)
def test_a_name_too_many_is_named(monkeypatch, boxes, message):
    monkeypatch.setitem(_contents.BOXES, "more", ("More", boxes))
    with pytest.raises(DocsError, match=message):
        _contents.contents()
