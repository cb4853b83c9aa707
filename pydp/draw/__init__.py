"""Modules drawn as boxes, and listed with their types and what they cost."""

from pydp.draw._diagram import Diagram as Diagram
from pydp.draw._diagram import diagram as diagram
from pydp.draw._summary import summary as summary
