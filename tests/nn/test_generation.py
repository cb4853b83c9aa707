"""Beam search: against all sequences there are, against itself written slowly, and at its edges."""

import itertools
import math

import numpy as np
import pytest

import pydp
from pydp import nn
from sequence_peer import filled

V, D = 3, 4
PROMPT = np.array([[1, 0], [2, 2], [0, 1]])


def make(seed, v=V):
    model = filled(nn.LanguageModel(nn.EmbedToken(v, D), nn.GRU(D, D)), low=-1.5, high=1.5)
    with pydp.no_grad():
        model.embed.weight[...] = np.random.default_rng(seed).normal(size=(v, D))
    return model


def log_probabilities(model, tokens):
    """Of every next token after these, all computed again."""
    with pydp.no_grad():
        return pydp.log_softmax(model(pydp.tensor([tokens])))[0, -1].numpy()


def penalised(total, n, alpha):
    return total / ((5 + n) / 6) ** alpha


def exhaustive(model, prompt, length, alpha, end):
    """The best of all sequences that end, or that have this length."""
    found = {}
    for n in range(1, length + 1):
        for tokens in itertools.product(range(V), repeat=n):
            if end in tokens[:-1] or (n < length and tokens[-1] != end):
                continue
            total = sum(
                log_probabilities(model, [*prompt, *tokens[:i]])[tokens[i]] for i in range(n)
            )
            found[tokens] = penalised(total, n, alpha)
    return max(found, key=found.get)


def slow(model, prompt, length, k, alpha, end):
    """Beam search with lists: every sequence read from its beginning, at each step."""
    beams, done = [((), 0.0)], []
    for n in range(1, length + 1):
        longer = [
            ((*tokens, token), total + more)
            for tokens, total in beams
            for token, more in enumerate(log_probabilities(model, [*prompt, *tokens]))
        ]
        longer.sort(key=lambda pair: -pair[1])
        beams = []
        for tokens, total in longer[: k - len(done)]:
            if tokens[-1] == end or n == length:
                done.append((tokens, penalised(total, n, alpha)))
            else:
                beams.append((tokens, total))
        if not beams:
            break
    return max(done, key=lambda pair: pair[1])[0]


def without_end(said, end):
    """A row of the result, to its first end."""
    row = said.tolist()
    return tuple(row[: row.index(end) + 1] if end in row else row)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("end", [None, 0, 2])
def test_with_room_for_all_it_finds_the_best(seed, alpha, end):
    model, length = make(seed), 4
    said = model.generate(PROMPT, length, beams=V**length, length_penalty=alpha, end=end).numpy()
    for prompt, row in zip(PROMPT, said, strict=True):
        assert without_end(row, end) == exhaustive(model, prompt, length, alpha, end)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_against_itself_written_slowly(seed, k, alpha):
    model, length, end = make(seed, 7), 6, 3
    said = model.generate(PROMPT, length, beams=k, length_penalty=alpha, end=end).numpy()
    for prompt, row in zip(PROMPT, said, strict=True):
        assert without_end(row, end) == slow(model, prompt, length, k, alpha, end)


@pytest.mark.parametrize("end", [None, 0, 1, 2])
def test_one_beam_is_greedy(end):
    model = make(0)
    greedy = model.generate(PROMPT, 6, end=end).numpy()
    beam = model.generate(PROMPT, 6, beams=1, end=end).numpy()
    for a, b in zip(greedy, beam, strict=True):
        assert without_end(a, end) == without_end(b, end)


def test_more_than_greedy():
    """A first token that is a little worse may lead to a sequence that is much better."""
    found = []
    for seed in range(10):
        model = make(seed)
        for prompt in PROMPT:
            scores = []
            for k in (1, 9):
                row = model.generate(prompt, 5, beams=k).tolist()
                scores.append(
                    sum(log_probabilities(model, [*prompt, *row[:i]])[row[i]] for i in range(5))
                )
            assert scores[1] >= scores[0] - 1e-9
            found.append(scores[1] - scores[0])
    assert max(found) > 0.05


def test_rows_of_a_batch_are_searched_by_themselves():
    model = make(1)
    together = model.generate(PROMPT, 5, beams=4, length_penalty=0.7, end=1).numpy()
    for prompt, row in zip(PROMPT, together, strict=True):
        alone = model.generate(prompt, 5, beams=4, length_penalty=0.7, end=1).numpy()
        assert without_end(row, 1) == without_end(alone, 1)
        assert (row[len(without_end(row, 1)) :] == 1).all()


def test_the_penalty_favours_longer_sequences():
    lengths = []
    for alpha in (0.0, 3.0):
        said = [make(s).generate(PROMPT, 8, beams=9, length_penalty=alpha, end=1) for s in range(6)]
        lengths.append(sum(len(without_end(row, 1)) for part in said for row in part.numpy()))
    assert lengths[1] > lengths[0]
    assert math.isclose(penalised(-3.0, 7, 1.0), -1.5)
