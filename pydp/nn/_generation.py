"""Generation: from scores of the next token to sequences of tokens.

    step(token, state) -> (scores [b, v], state)         one token a step, whatever the model

    continued   token ── step ── choose ──┐              greedy, or sampled
                  └───────────────────────┘
    searched    the k best so far ── step ── k · v longer ones ── the k best …       beam search

A row that has said `end` is over. The score of a finished sequence of n tokens is
log p / ((5 + n) / 6)^α (Wu et al., "Google's neural machine translation system", 2016, eq. 14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydp import ops
from pydp._arguments import integer, number
from pydp._arrays import INT64
from pydp._context import no_grad
from pydp._creation import arange, full, zeros
from pydp._random import Generator
from pydp._tensor import tensor
from pydp.nn._arguments import number_within

MINUS_INFINITY = -float("inf")
LEAST_TEMPERATURE = 1e-6  # scores are divided by it, in float32
Step = Callable[[Any, Any], tuple[Any, Any]]
Choose = Callable[[Any], Any]


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Nothing is recorded and nothing drops; afterwards the modules train as before."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with no_grad():
            yield
    finally:
        for part, training in before:
            part.training = training


def generated(
    step: Step,
    reorder: Callable[[Any, Any], Any],
    token: Any,
    state: Any,
    length: int,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    beams: int | None = None,
    length_penalty: float = 0.0,
    end: int | None = None,
    generator: Generator | None = None,
) -> Any:
    """What follows the tokens [b]: tokens [b, at most length]. `reorder(state, rows)` gives the
    state of other rows. The words are those of `LanguageModel.generate`."""
    length = integer(length, "generate", "length", least=1)
    last = -1 if end is None else integer(end, "generate", "end", least=0)  # -1 is never said
    choose = chooser(temperature, top_k, top_p, generator)
    alpha = number_within(length_penalty, "generate", "length_penalty", 0.0, 10.0)

    def scored(token: Any, state: Any) -> tuple[Any, Any]:
        scores, state = step(token, state)
        if last >= scores.shape[-1]:
            raise ValueError(f"generate: end must be below {scores.shape[-1]}, got {last}")
        return scores, state

    if beams is None:
        if alpha:
            raise ValueError("generate: length_penalty is for beams, and there are none")
        return continued(scored, token, state, length, last, choose)
    if temperature:
        raise ValueError(f"generate: with beams nothing is drawn: no temperature {temperature}")
    beams = integer(beams, "generate", "beams", least=1)
    return searched(scored, reorder, token, state, length, last, beams, alpha)


# ---- one sequence --------------------------------------------------------------------------------


def continued(step: Step, token: Any, state: Any, length: int, end: int, choose: Choose) -> Any:
    """Each token chosen by its scores; all that follows `end` is `end`."""
    tokens = []
    over = zeros(token.shape, dtype="bool")
    for _ in range(length):
        scores, state = step(token, state)
        token = choose(scores)
        token = ops.where(over, end, token)
        tokens.append(token)
        over = token == end
        if bool(ops.all(over)):
            break
    return ops.stack(tokens, axis=-1)


def chooser(
    temperature: float, top_k: int | None, top_p: float | None, generator: Generator | None
) -> Choose:
    """How a token is chosen by scores [b, v]: the best with temperature 0, else drawn."""
    temperature = number(temperature, "generate", "temperature")
    if temperature and not LEAST_TEMPERATURE <= temperature < float("inf"):
        raise ValueError(
            f"generate: temperature must be 0 or at least {LEAST_TEMPERATURE}, got {temperature}"
        )
    if top_k is not None:
        top_k = integer(top_k, "generate", "top_k", least=1)
    if top_p is not None and not 0 < number(top_p, "generate", "top_p") <= 1:
        raise ValueError(f"generate: top_p must be above 0 and at most 1, got {top_p}")
    if temperature == 0:
        if top_k is not None or top_p is not None:
            raise ValueError("generate: with temperature 0 nothing is drawn: no top_k, no top_p")
        return lambda scores: ops.argmax(scores, axis=-1)

    def draw(scores: Any) -> Any:
        scores = scores / temperature
        if top_k is not None:
            scores = best_k(scores, top_k)
        if top_p is not None:
            scores = best_p(scores, top_p)
        return ops.multinomial(ops.softmax(scores), 1, True, generator)[..., 0]

    return draw


def best_k(scores: Any, k: int) -> Any:
    """The k highest scores (and those equal to the last), -inf for the others."""
    least = ops.topk(scores, min(k, scores.shape[-1]))[0][..., -1:]
    return ops.where(scores < least, MINUS_INFINITY, scores)


def best_p(scores: Any, p: float) -> Any:
    """The fewest of the highest scores that have probability p together, -inf for the others."""
    order = ops.argsort(scores, axis=-1, descending=True)
    sorted_ = ops.softmax(ops.take_along_axis(scores, order, axis=-1))
    before = ops.cumulative_sum(sorted_, axis=-1) - sorted_
    kept = ops.take_along_axis(before < p, ops.argsort(order, axis=-1), axis=-1)
    return ops.where(kept, scores, MINUS_INFINITY)


# ---- the k best sequences ------------------------------------------------------------------------


def searched(
    step: Step, reorder: Callable[[Any, Any], Any], token: Any, state: Any, length: int,
    end: int, beams: int, alpha: float,
) -> Any:  # fmt: skip
    """The best sequence that beam search finds for each row. A sequence that ends leaves its place
    empty, so that one beam is the greedy choice."""
    (b,), k = token.shape, beams
    first = ops.expand_dims(
        arange(b) * k, -1
    )  # row r of the batch has the places r k … r k + k - 1
    at = ops.repeat(arange(b), k)
    state, token = reorder(state, at), ops.take(token, at, axis=0)
    said = zeros((b * k, 0), dtype=INT64)
    total = ops.where(arange(k) > 0, MINUS_INFINITY, zeros((b, k)))  # one is there: the empty one
    best: list[tuple[float, list[int]]] = [(MINUS_INFINITY, [])] * b
    left = full((b, 1), k)

    for n in range(1, length + 1):
        scores, state = step(token, state)
        v = scores.shape[-1]
        longer = ops.expand_dims(total, -1) + ops.reshape(ops.log_softmax(scores), (b, k, v))
        total, places = ops.topk(ops.reshape(longer, (b, k * v)), k)
        total = ops.where(arange(k) < left, total, MINUS_INFINITY)
        at, token = ops.reshape(first + places // v, (-1,)), ops.reshape(places % v, (-1,))
        state = reorder(state, at)
        said = ops.concat([ops.take(said, at, axis=0), ops.expand_dims(token, -1)], axis=-1)
        over = ops.logical_and(
            ops.reshape(token == end, (b, k)) | (n == length), total > MINUS_INFINITY
        )
        for row, place in zip(*[found.tolist() for found in ops.nonzero(over)], strict=True):
            score = total[row, place].item() / ((5 + n) / 6) ** alpha
            if score > best[row][0]:
                best[row] = score, said[row * k + place].tolist()
        total = ops.where(over, MINUS_INFINITY, total)
        left = left - ops.sum(over, axis=-1, keepdims=True)
        if not bool(ops.any(total > MINUS_INFINITY)):
            break
    longest = max([len(tokens) for _, tokens in best], default=0)
    padded = [[*tokens, *[end] * (longest - len(tokens))] for _, tokens in best]
    return tensor(padded, dtype=INT64)
