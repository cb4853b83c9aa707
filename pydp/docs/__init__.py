"""The documentation: pages by hand beside this file, and a page per box made of the code."""

from pydp.docs._blocks import blocks as blocks
from pydp.docs._blocks import printed as printed
from pydp.docs._contents import DocsError as DocsError
from pydp.docs._site import build as build
from pydp.docs._site import check as check
