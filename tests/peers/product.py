"""Products that sum: matrices, Einstein's sums."""

import string

import torch

import pydp
from peers.row import Draw, Drawn, Row


def matrices(d: Draw) -> Drawn:
    """Matrices, batches of them that broadcast, or vectors."""
    m, k, n = (d.integer(0, 5) for _ in "mkn")
    batch = d.shape(high=2, most=3)
    a = (*d.broadcast(batch), m, k) if d.integer(0, 4) else (k,)
    b = (*batch, k, n) if d.integer(0, 4) else (k,)
    return [d.real(a), d.real(b)], {}


def layer(d: Draw) -> Drawn:
    x = d.real(d.shape(low=1, high=3))
    weight = d.real((d.integer(0, 4), x.shape[-1]))
    return [x, weight, *([d.real(weight.shape[:1])] if d.flag() else [])], {}


def letters(d: Draw) -> Drawn:
    """Up to three operands of up to three letters each, and some of the letters as the result's."""
    used = string.ascii_lowercase[: d.integer(1, 4)]
    size = {letter: d.integer(0, 4) for letter in used}
    terms = []
    for _ in range(d.integer(1, 3)):
        terms.append(
            "".join(used[i] for i in d.order(len(used))[: d.integer(0, min(3, len(used)))])
        )
    present = sorted(set("".join(terms)))
    result = "".join(present[i] for i in d.order(len(present))[: d.integer(0, len(present))])
    arrays = [d.real(tuple([size[letter] for letter in term])) for term in terms]
    return arrays, {"subscripts": f"{','.join(terms)}->{result}"}


def contracted(d: Draw) -> Drawn:
    shared = d.shape(high=2, most=4)
    a = d.real((*d.shape(high=2, most=3), *shared))
    return [a, d.real((*shared, *d.shape(high=2, most=3)))], {"axes": len(shared)}


def vectors(d: Draw) -> Drawn:
    shape = d.shape(low=1)
    return [d.real(shape), d.real((*d.broadcast(shape[:-1]), shape[-1]))], {}


# fmt: off
ROWS = [
    Row("matmul", matrices, pydp.matmul, torch.matmul),
    Row("linear", layer, pydp.linear, torch.nn.functional.linear, "linear_backward"),
    Row("einsum", letters, lambda *xs, subscripts: pydp.einsum(subscripts, *xs),
        lambda *xs, subscripts: torch.einsum(subscripts, *xs)),
    Row("tensordot", contracted, pydp.tensordot, lambda a, b, axes: torch.tensordot(a, b, axes)),
    Row("vecdot", vectors, pydp.vecdot, torch.linalg.vecdot),
    Row("outer", lambda d: ([d.real(d.shape(1, 1)), d.real(d.shape(1, 1))], {}), pydp.outer,
        torch.outer),
]
# fmt: on
