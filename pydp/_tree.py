"""Trees: tensors in tuples, lists and dicts, as arguments and results of functions.

    {"w": a, "layers": [b, (c, None)]}   leaves  a, b, c       paths  ['w'], ['layers'][0] …

A leaf is anything but a tuple, list, dict or None; None is a branch without leaves, so an absent
value may stand anywhere. Named tuples and subclasses of dict stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, leaf) for every leaf, from left to right."""
    if isinstance(tree, (tuple, list)):
        for i, part in enumerate(tree):
            yield from leaves(part, f"{path}[{i}]")
    elif isinstance(tree, dict):
        for key, part in tree.items():
            yield from leaves(part, f"{path}[{key!r}]")
    elif tree is not None:
        yield path, tree


def mapped(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """A tree of this form with function(leaf, leaves of the others at its place) for each leaf."""
    if isinstance(tree, dict):
        parts = {k: mapped(function, v, *[o[k] for o in others]) for k, v in tree.items()}
        return parts if type(tree) is dict else _made_like(tree, parts)
    if isinstance(tree, (tuple, list)):
        items = [mapped(function, v, *[o[i] for o in others]) for i, v in enumerate(tree)]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return None if tree is None else function(tree, *others)


def _made_like(tree: Any, parts: dict[Any, Any]) -> Any:
    """A dict of this class: a copy takes what its constructor would ask for."""
    copy = tree.copy()
    copy.update(parts)
    return copy


def own(tree: Any, where: str, function: Callable[[Any, str], Any]) -> Any:
    """The tree with function(leaf, where it stands) for each leaf; `where` begins the paths."""
    paths = iter([path for path, _ in leaves(tree, where)])
    return mapped(lambda leaf: function(leaf, next(paths)), tree)


def same_form(a: Any, b: Any) -> bool:
    """Whether two trees have the same branches, up to their leaves."""
    if isinstance(a, dict):
        return (
            isinstance(b, dict) and a.keys() == b.keys() and all(same_form(a[k], b[k]) for k in a)
        )
    if isinstance(a, (tuple, list)):
        return (
            isinstance(b, (tuple, list))
            and len(a) == len(b)
            and all(same_form(x, y) for x, y in zip(a, b, strict=True))
        )
    return (a is None) == (b is None) and not isinstance(b, (tuple, list, dict))
