"""A module as text: the tree, how many parameters hang on each branch, and the types.

    Sequential()         101,770 parameters  any[..., 28, 28] -> real[..., 10]
      0: Flatten(-2)                         any[..., h, w] -> any[..., h*w]
      1: Linear(784, 128)  100,480           real[..., 784] -> real[..., 128]
      2: ReLU()                              real[...] -> real[...]
      3: Linear(128, 10)     1,290           real[..., 128] -> real[..., 10]

Equal neighbours share a line (`0-11: 12 × TransformerBlock`; the lines below it show one of them).
A module or parameter that stands in several places is counted at the first.
"""

from __future__ import annotations

from typing import Any

from pydp.nn._where import join

Line = tuple[str, int, str]  # text, number of parameters, type


def tree(module: Any) -> str:
    lines = _branch(module, "", {}, set())
    if len(lines) == 1:  # a box alone says its type by its arguments
        lines = [(lines[0][0], lines[0][1], "")]
    width = max(len(text) for text, _, _ in lines)
    total = lines[0][1]
    digits = len(f"{total:,}")
    counts = [f"{n:{digits},}" if n else "" for _, n, _ in lines]
    if total:
        counts[0] += " parameter" if total == 1 else " parameters"
    counted = len(counts[0])
    return "\n".join(
        [
            f"{text:{width}}  {count:{counted}}  {type_}".rstrip()
            for (text, _, type_), count in zip(lines, counts, strict=True)
        ]
    )


def _type(module: Any) -> str:
    """The type, if it says something."""
    try:
        found = str(module.signature)
    except ValueError:  # an edit is under way, and what is there does not fit
        return ""
    return "" if found == "any -> any" else found


def box(module: Any) -> str:
    """A module on one line, without what is in it: for messages."""
    return f"{type(module).__name__}({module.extra_repr()})"


def _branch(module: Any, path: str, first: dict[int, str], counted: set[int]) -> list[Line]:
    """The lines of a module and all below it. `first` has the path of each module seen so far,
    `counted` the parameters."""
    if id(module) in first:
        return [(f"the same as {first[id(module)] or 'the top'}", 0, "")]
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

    out = [(box(module), total, _type(module))]
    for names, ((head, n, type_), *below) in runs:
        if len(names) > 1:
            label = f"{names[0]}-{names[-1]}: {len(names)} × {head}"
            out.append((f"  {label}", n * len(names), type_))
        else:
            out.append((f"  {names[0]}: {head}", n, type_))
        out += [(f"  {text}", count, inner) for text, count, inner in below]
    return out
