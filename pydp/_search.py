"""Searches of a graph, by loops. All they know of nodes is that each has `parents` and an `age`,
and is younger than its parents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def captured(roots: Iterable[Any], age: int) -> list[Any]:
    """The nodes older than `age` from which these roots were computed, nearest only."""
    seen: set[Any] = set()
    older: list[Any] = []
    stack = [node for node in roots if node is not None]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.age < age:
            older.append(node)
        else:
            stack.extend([parent for parent in node.parents if parent is not None])
    return sorted(older, key=lambda node: node.age)


def leading_to(wanted: set[Any], roots: Iterable[Any]) -> set[Any]:
    """The nodes on paths from the roots to the wanted ones. Parents are older than children, so
    what is older than all the wanted is no such node, and one pass by age finds the others."""
    oldest = min([node.age for node in wanted], default=0)
    seen: set[Any] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node is not None and node not in seen and node.age >= oldest:
            seen.add(node)
            if node not in wanted:
                stack.extend(node.parents)
    useful = wanted & seen
    for node in sorted(seen - wanted, key=lambda node: node.age):
        if any(parent in useful for parent in node.parents):
            useful.add(node)
    return useful
