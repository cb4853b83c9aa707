"""A module as text: the tree, and how many parameters hang on each branch.

    Sequential()                                             101,770 parameters
      0: Flatten()
      1: Linear(in_features=784, out_features=128, bias=True)  100,480
      2: ReLU()
      3: Linear(in_features=128, out_features=10, bias=True)     1,290

Equal neighbours share a line (`0-11: 12 × TransformerBlock`; the lines below it show one of them).
A module or parameter that stands in several places is counted at the first.
"""

from __future__ import annotations

from typing import Any

from pydp.nn._where import join

Line = tuple[str, int]  # text, number of parameters


def tree(module: Any) -> str:
    lines = _branch(module, "", {}, set())
    width = max(len(text) for text, _ in lines)
    digits = len(f"{lines[0][1]:,}")
    shown = [f"{text:{width}}  {n:{digits},}" if n else text for text, n in lines]
    if lines[0][1]:
        shown[0] += " parameter" if lines[0][1] == 1 else " parameters"
    return "\n".join(shown)


def _branch(module: Any, path: str, first: dict[int, str], counted: set[int]) -> list[Line]:
    """The lines of a module and all below it. `first` has the path of each module seen so far,
    `counted` the parameters."""
    if id(module) in first:
        return [(f"the same as {first[id(module)] or 'the top'}", 0)]
    first[id(module)] = path
    total = 0
    for _, parameter in module._own_parameters():
        if id(parameter) not in counted:
            counted.add(id(parameter))
            total += parameter.size

    runs: list[tuple[list[str], list[Line]]] = []
    for name, child in module._own_modules():
        lines = _branch(child, join(path, name), first, counted)
        total += lines[0][1]
        if runs and runs[-1][1] == lines and not lines[0][0].startswith("the same as"):
            runs[-1][0].append(name)
        else:
            runs.append(([name], lines))

    out = [(f"{type(module).__name__}({module.extra_repr()})", total)]
    for names, ((head, n), *below) in runs:
        if len(names) > 1:
            label = f"{names[0]}-{names[-1]}: {len(names)} × {head}"
            out.append((f"  {label}", n * len(names)))
        else:
            out.append((f"  {names[0]}: {head}", n))
        out += [(f"  {text}", count) for text, count in below]
    return out
