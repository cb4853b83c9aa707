"""The trace: a module's boxes and wires, from the same run on types that `check` makes.

_tracer    watches the run: calls, ops, values
_wiring    makes ports, wires, types and counts of what was seen
_box       the result, in which equal neighbours are one

The run is on a few small numbers, whatever the sizes asked for: AlexNet at 224 x 224 is drawn from
two images of 89 x 105. What it shows is general, and 224 is put in afterwards; only where forward
needs a size as a number (a loop over range(t)) is the run at that size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from pydp import _graph, _tree
from pydp import _signature as language
from pydp._condition import Condition
from pydp._context import watching
from pydp._example import FIRST, OTHER, Numbers
from pydp._proof import Case
from pydp.draw._box import Box
from pydp.draw._fold import folded
from pydp.draw._tracer import Run, Tracer
from pydp.draw._wiring import Types, Wiring

SCALES = (1, 4, 16)  # of an example's numbers


# ---- the run -------------------------------------------------------------------------------------


class Traced(NamedTuple):
    """A module's boxes, and its type."""

    box: Box
    type: language.Signature


def trace(module: Any, type: str | None = None, **sizes: Any) -> Traced:
    """The boxes of a module of this type (by default the one that it declares), with these sizes.

    Equal neighbours stand once, with `times`. SignatureError where the module declares nothing,
    where forward fails on its own type, or where it needs a size as a number.
    """
    general = module.signature if type is None else language.parse(type)
    name = module.__class__.__name__
    if general == language.UNDECLARED:
        raise language.SignatureError(
            f"{name}: it declares no type, so there is no example to run it on; give it one, "
            f'such as type="real[n, 3, h, w] -> any"'
        )
    if not sizes:
        return _traced(name, module, general, {})
    declared = general.specialise(**sizes)
    try:
        return Traced(_traced(name, module, general, sizes).box, declared)
    except language.SignatureError:  # it needs a size as a number
        return _traced(name, module, declared, {})


def _traced(
    name: str, module: Any, declared: language.Signature, sizes: Mapping[str, Any]
) -> Traced:
    """From runs on small examples, for any sizes; the given ones are put in afterwards."""
    case = Case(name, module, declared, ("n",) if declared.dots else ())
    first, second = _two_runs(module, case)
    if first.ops != second.ops or len(first.tensors) != len(second.tensors):
        names = ", ".join(f"{n}=…" for n in declared.names)
        raise language.SignatureError(
            f"{name}: forward does other steps for other sizes, as in a loop over range(t); give "
            f"the size a number: {names}"
        )
    given = {f"_{n}": language.size(value) for n, value in sizes.items()}
    if not all(_holds(guard.condition, given) for guard in first.guards):
        raise language.SignatureError(f"{name}: forward goes another way for these sizes")
    types = Types(case, (first, second), given)
    return Traced(folded(Wiring(types).box(first.root)), declared)


def _holds(condition: Condition, given: Mapping[str, language.Size]) -> bool:
    """Whether what was so in the example is so with these sizes."""
    return not condition.names & given.keys() or condition.substitute(given).verdict is True


def _two_runs(module: Any, case: Any) -> tuple[Run, Run]:
    """On small examples, or on larger ones where windows do not fit into those."""
    if not case.inner.names:
        first = _run(module, case, FIRST)
        return first, first
    failures = []
    for factor in SCALES:
        try:
            first = _run(module, case, FIRST.times(factor))
            return first, _run(module, case, OTHER.times(factor))
        except language.SignatureError as error:
            failures.append(error)
    raise failures[0]


def _run(module: Any, case: Any, numbers: Numbers) -> Run:
    tracer, example = Tracer(module), case.example(numbers)
    with watching(tracer), _told_apart(module):
        found = case.run(example)
    assert tracer.root is not None
    return Run(example, tracer.root, tracer.tensors, tracer.ops, found.guards)


@contextmanager
def _told_apart(module: Any) -> Iterator[None]:
    """A module that gives its argument back gives a tensor of the same memory instead: else the
    way through the box and the way around it would look the same."""

    def apart(_: Any, args: Any, y: Any) -> Any:
        given = {id(x) for _, x in _tree.leaves(args)}

        def renewed(x: Any) -> Any:
            if id(x) not in given or not isinstance(x, _graph.Value):
                return x
            view = _graph.wrap(x._array)
            view._version, view._node = x._version, x._node
            return view

        return _tree.mapped(renewed, y) if isinstance(y, (tuple, list, dict)) else renewed(y)

    modules = list(module.modules())
    before = [m._hooks for m in modules]
    handles = [m.register_forward_hook(apart) for m in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for m, hooks in zip(modules, before, strict=True):
            object.__setattr__(m, "_hooks", hooks)
