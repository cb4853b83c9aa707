"""Dropout: random numbers, a comparison, a product; in memory and in the cache."""

from __future__ import annotations

from typing import Any

from bench.case import Case, Step


def pydp_dropout(x: Any) -> Step:
    import pydp

    x = pydp.tensor(x)
    return lambda: pydp.dropout(x, 0.5).shape


def torch_dropout(x: Any) -> Step:
    import torch

    x = torch.from_numpy(x)
    return lambda: tuple(torch.nn.functional.dropout(x, 0.5).shape)


def case(n: int, name: str) -> Case:
    """Shapes are compared, since every peer draws its own numbers."""
    return Case(name, {"pydp": pydp_dropout, "torch": torch_dropout}, ((n,),), bytes=8.0 * n)


CASES = [case(8_000_000, "8 10^6"), case(100_000, "100,000")]
