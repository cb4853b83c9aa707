"""The whole of it: the command, what it refuses, and HTML that needs nothing from elsewhere."""

import importlib.util
import re

import pytest

from pydp import docs
from pydp.cli import main
from pydp.docs import DocsError, _site

MISSING = [name for name in _site.NEEDS if importlib.util.find_spec(name) is None]
needs_sphinx = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def test_without_sphinx_the_command_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(_site, "NEEDS", ("no_such_package",))
    assert main(["docs", "-o", str(tmp_path / "html")]) == 1
    assert capsys.readouterr().err == (
        "pydp: docs needs Sphinx, MyST and furo: pip install 'pydp-tensor[docs]'\n"
    )
    assert not (tmp_path / "html").exists()


@pytest.fixture
def pages(monkeypatch):
    """Pages to build in place of the real ones."""
    found = []
    monkeypatch.setattr(_site, "NEEDS", ())
    monkeypatch.setattr(_site, "pages", lambda: iter(found))
    return found


def test_a_folder_with_something_else_is_left_alone(pages, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DocsError, match="is not empty, and no documentation"):
        docs.build(tmp_path)
    with pytest.raises(DocsError, match="is no folder"):
        docs.build(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("option", ["--check", "-o"])
def test_a_fault_is_the_exit_code_and_leaves_no_pages(pages, capsys, tmp_path, option):
    pages.append(("a.md", DocsError("nn.A: no example")))
    folder = [str(tmp_path / "html")] if option == "-o" else []
    assert main(["docs", option, *folder]) == 1
    assert capsys.readouterr().err == "pydp: nn.A: no example\n"
    assert not (tmp_path / "html").exists()


def test_check_builds_nothing(pages, capsys):
    pages += [("a.md", "# A"), ("b.svg", "<svg/>")]
    assert main(["docs", "--check"]) == 0
    assert capsys.readouterr().out == "1 pages, their examples run\n"


@needs_sphinx
@pytest.mark.parametrize("variable", ["CI", "FORCE_COLOR", "NO_COLOR"])
def test_a_warning_of_sphinx_is_an_error(pages, tmp_path, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    pages.append(("index.md", "# Title\n\n[x](#nowhere)\n"))
    with pytest.raises(DocsError, match=r"^Sphinx: index\.md:3: WARNING: .*nowhere"):
        docs.build(tmp_path / "html")
    assert not (tmp_path / "html").exists()


@needs_sphinx
def test_a_build_goes_over_the_one_before(pages, tmp_path):
    pages.append(("index.md", "# Title\n"))
    assert docs.build(tmp_path) == 1
    pages[0] = ("index.md", "# Another title\n")
    assert docs.build(tmp_path) == 1
    assert "Another title" in (tmp_path / "index.html").read_text()


@pytest.mark.slow
@needs_sphinx
def test_the_whole_build(tmp_path, capsys):
    assert main(["docs", "-o", str(tmp_path)]) == 0
    assert re.fullmatch(r"2\d\d pages: .*index\.html\n", capsys.readouterr().out)
    linear = (tmp_path / "nn" / "Linear.html").read_text()
    assert "pydp-diagram" in linear and "Every output is a weighted sum" in linear
    for path in tmp_path.rglob("*.html"):
        used = re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"(\w+:[^\"]*)", path.read_text())
        assert not used, f"{path.name} needs {used}"
