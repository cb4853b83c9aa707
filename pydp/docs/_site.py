"""The site: pages by hand and of the code are written into a folder, of which Sphinx makes HTML.

    pydp/docs/*.md      index, three models, the language of types …, whose blocks are run
    _pages.py           a page per box
         │
         └── a temporary folder of Markdown ── Sphinx, MyST and furo; warnings are errors ── HTML

Nothing appears in the folder asked for unless all of it could be built.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydp
from pydp._by_name import UnknownError, model
from pydp.docs import _drawn
from pydp.docs._blocks import run_page
from pydp.docs._contents import DocsError, contents, public
from pydp.docs._links import Links
from pydp.docs._pages import Writer
from pydp.docs._parts import figure, joined
from pydp.draw._paint import style

HERE = Path(__file__).parent
ELSEWHERE = Path(pydp.__file__).parent / "FROM_PYTORCH_AND_NUMPY.md"
NEEDS = ("sphinx", "myst_parser", "furo")
# The pages by hand in reading order: index.md is the front page.
BY_HAND = ("three_models", "types", ELSEWHERE.stem.lower())
BOXES, FUNCTIONS, REST = "Boxes", "Functions", "Tensors, training, tools"
DRAWN = re.compile(r"^<!-- diagram: (.+?) -->$", re.MULTILINE)

CONF = f"""
project, author = "pydp", "the pydp authors"
release = version = "{pydp.__version__}"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
smartquotes = False
html_theme = "furo"
html_title = "pydp {pydp.__version__}"
html_static_path = ["_static"]
html_css_files = ["pydp.css"]
html_copy_source = html_show_sourcelink = html_show_sphinx = html_show_copyright = False
html_use_index = False
pygments_style, pygments_dark_style = "default", "github-dark"


def setup(app):
    app.connect("html-page-context", folded, priority=400)  # before the theme asks


def folded(app, page, template, context, doctree):
    '''The table of contents is open where the page stands: else every page has all of it.'''
    whole = context["toctree"]
    context["toctree"] = lambda **given: whole(**(given | dict(collapse=True)))
"""


def build(folder: str | os.PathLike[str]) -> int:
    """Build the documentation into a folder; how many pages it has. DocsError says what is at
    fault: a name without a page or an example, an example that is not so, a warning of Sphinx."""
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise DocsError("docs needs Sphinx, MyST and furo: pip install 'pydp-tensor[docs]'")
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise DocsError(f"{folder}: is no folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ".buildinfo").exists():
        raise DocsError(f"{folder}: is not empty, and no documentation; give another folder")
    with tempfile.TemporaryDirectory() as place:
        source, html = Path(place, "source"), Path(place, "html")
        pages = write(source)
        _sphinx(source, html)
        shutil.copytree(html, folder, dirs_exist_ok=True)
    return pages


def check() -> int:
    """Write all pages, with examples run and diagrams drawn, and throw them away; how many."""
    with tempfile.TemporaryDirectory() as place:
        return write(Path(place))


def write(folder: Path) -> int:
    """Write all pages, the style, and Sphinx's configuration into a folder; how many pages."""
    complaints, number = [], 0
    for name, text in pages():
        if isinstance(text, DocsError):
            complaints.append(str(text))
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        number += name.endswith(".md")
    if complaints:
        raise DocsError("\n".join(complaints))
    static = folder / "_static"
    static.mkdir(exist_ok=True)
    (static / "pydp.css").write_text((HERE / "pydp.css").read_text("utf-8") + style(), "utf-8")
    (folder / "conf.py").write_text(CONF, "utf-8")
    return number


def pages() -> Iterator[tuple[str, str | DocsError]]:
    """Every page and picture by its path, or what is wrong with it."""
    parts, names = contents(), public()
    writer = Writer(names, Links(parts, names))
    for part in parts:
        for page in part.pages:
            yield f"{page.path}.md", _tried(writer.page, page)
        yield f"{part.path}.md", writer.part(part)
    yield from writer.pictures.items()
    trees = {BOXES: "nn/", FUNCTIONS: "ops/", REST: "api/"}
    toctrees = [_toctree("", BY_HAND)]
    for title, start in trees.items():
        toctrees.append(_toctree(title, [p.path for p in parts if p.path.startswith(start)]))
    for name in ("index", *BY_HAND):
        path = ELSEWHERE if name == ELSEWHERE.stem.lower() else HERE / f"{name}.md"
        text = _tried(by_hand, path)
        if name == "index" and isinstance(text, str):
            text = joined([text, *toctrees])
        yield f"{name}.md", text


def _tried(make: Callable[[Any], str], of: Any) -> str | DocsError:
    """A page, or what is wrong with it: so that all faults are named at once."""
    try:
        return make(of)
    except DocsError as error:
        return error


def by_hand(path: Path) -> str:
    """A page by hand: its blocks are run, its diagrams drawn."""
    text = path.read_text("utf-8")
    run_page(text, path.name)

    def drawn(match: re.Match[str]) -> str:
        try:
            svg = _drawn.picture(model(match[1]), path.name)
        except UnknownError as error:
            raise DocsError(f"{path.name}: {error}") from None
        return "\n\n".join(figure(svg, match[1]))

    return DRAWN.sub(drawn, text)


def _toctree(caption: str, paths: tuple[str, ...] | list[str]) -> str:
    said = f":caption: {caption}\n" if caption else ""
    return f"```{{toctree}}\n:hidden:\n{said}\n" + "\n".join([f"/{p}" for p in paths]) + "\n```"


def _sphinx(source: Path, html: Path) -> None:
    """Run Sphinx; a warning is an error. Without colours (-N), which it would else put into what
    it says wherever a variable such as CI or FORCE_COLOR is set: it is quoted in ours."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-N", "-W", "--keep-going"]
    command += ["-d", str(html.parent / "doctrees"), str(source), str(html)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        said = (done.stderr or done.stdout).replace(f"{source}{os.sep}", "").strip()
        raise DocsError(f"Sphinx: {said}")
