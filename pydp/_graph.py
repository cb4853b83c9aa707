"""The autodiff graph: what was computed from what, and the walk back.

    x ──┐
        ├─ Node(multiply) ── Node(sum) ── loss          forward builds, left to right
    w ──┘                                               backward walks, right to left

A Node is one recorded operation. It knows its parents (the nodes of its inputs; a Leaf where an
input is a parameter), what its rule saved, and its age. Ages only grow, and a node is younger than
all its parents.

This is the graph's table of contents, and where the value type registers itself:

    _node.py      values and nodes, what is saved for backward
    _record.py    apply: an op is run forward, and recorded
    _walk.py      walk and accumulate: gradients, from the roots to the leaves
    _search.py    searches by loops
    _context.py   what holds in a thread or task: recording, watchers
    _inplace.py   writes in place are counted

None of them names an operation: an op is any object with a `name`, `forward` and `backward` (see
_op.py). The first three are compiled as they stand (setup.py), since all that pydp does goes
through them: they make a small training step a third faster.
"""

from __future__ import annotations

from typing import Any

from pydp import _node
from pydp._context import enable_grad as enable_grad
from pydp._context import is_recording as is_recording
from pydp._context import no_grad as no_grad
from pydp._inplace import last_change as last_change
from pydp._inplace import note_view as note_view
from pydp._node import INPUTS as INPUTS
from pydp._node import OUTPUT as OUTPUT
from pydp._node import Leaf as Leaf
from pydp._node import Node as Node
from pydp._node import Pick as Pick
from pydp._node import Place as Place
from pydp._node import Traced as Traced
from pydp._node import next_age as next_age
from pydp._node import wrap as wrap
from pydp._record import alike as alike
from pydp._record import apply as apply
from pydp._record import changed as changed
from pydp._record import move as move
from pydp._record import record as record
from pydp._search import captured as captured
from pydp._walk import accumulate as accumulate
from pydp._walk import forget_gradients as forget_gradients
from pydp._walk import gradients_of as gradients_of
from pydp._walk import walk as walk

Value: Any = None  # the Tensor class


def register(value_type: type) -> type:
    """Tell the graph which class its values have: one made of Traced."""
    global Value
    Value = _node.Value = value_type
    return value_type
