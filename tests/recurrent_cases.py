"""The cases of lstm, gru and rnn, which take the same arguments, and what all three are asked."""

from typing import Any, NamedTuple

import numpy as np

import pydp
from harness import (
    ISAS,
    Case,
    assert_bits,
    assert_close,
    examine_against_torch,
    examine_gradients,
    real,
    setting,
    torch,
)
from pydp._graph import wrap
from pydp._op import registry


class Question(NamedTuple):
    """One call. x is [*batch, t, d]; lengths is None for whole sequences."""

    why: str
    batch: tuple[int, ...]
    t: int
    d: int
    h: int
    bias: bool = True
    state: bool = True
    lengths: Any = None
    reverse: bool = False


QUESTIONS = [
    Question("everything", (3,), 5, 3, 4),
    Question("plain", (3,), 5, 3, 4, bias=False, state=False),
    Question("reverse", (3,), 5, 3, 4, reverse=True),
    Question("padded", (4,), 5, 3, 4, lengths=[2, 5, 0, 1]),
    Question("padded, reverse", (4,), 5, 3, 4, lengths=[2, 5, 0, 1], reverse=True),
    Question("all shorter than t", (2,), 6, 2, 3, bias=False, lengths=[3, 4]),
    Question("one of each", (1,), 1, 1, 1),
    Question("two steps, not packed", (5,), 2, 2, 3, reverse=True),
    Question("one sequence, no batch axis", (), 4, 2, 3),
    Question("one padded sequence", (), 4, 2, 3, lengths=2),
    Question("two batch axes", (2, 2), 3, 2, 3, lengths=[[3, 1], [2, 3]]),
    Question("rows as tasks", (17,), 4, 2, 3, lengths=[i % 5 for i in range(17)]),
    Question("units as tasks, a ragged panel", (2,), 3, 2, 70),
    Question("no rows", (0,), 3, 2, 4),
]
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def inputs_of(name: str, q: Question) -> list[np.ndarray]:
    """x, weights, biases, states, lengths."""
    rows = GATES[name] * q.h
    small = {"low": -(q.h**-0.5), "high": q.h**-0.5}
    arrays = [real(*q.batch, q.t, q.d), real(rows, q.d, low=-1, high=1), real(rows, q.h, **small)]
    if q.bias:
        arrays += [real(rows, seed=i, low=-1, high=1) for i in range(2)]
    if q.state:
        arrays += [real(*q.batch, q.h, seed=i) for i in range(2 if name == "lstm" else 1)]
    return arrays if q.lengths is None else [*arrays, np.asarray(q.lengths)]


def taken_apart(name: str, q: Question, tensors: Any) -> tuple[Any, ...]:
    """x, weights, biases or None, state or None, lengths or None."""
    x, weight_ih, weight_hh, *rest = tensors
    biases = [rest.pop(0), rest.pop(0)] if q.bias else [None, None]
    state = rest.pop(0) if q.state else None
    if q.state and name == "lstm":
        state = (state, rest.pop(0))
    return x, weight_ih, weight_hh, *biases, state, rest.pop(0) if rest else None


def ours(name: str, q: Question, tensors: Any, **options: Any) -> list[Any]:
    """y and the parts of the final state."""
    y, final = getattr(pydp, name)(*taken_apart(name, q, tensors), q.reverse, **options)
    return [y, *final] if name == "lstm" else [y, final]


def theirs(name: str, q: Question, tensors: Any, nonlinearity: str = "tanh") -> list[Any]:
    """The same by PyTorch, for whole sequences of one batch axis."""
    x, weight_ih, weight_hh, bias_ih, bias_hh, state, _ = taken_apart(name, q, tensors)
    if state is None:
        state = x.new_zeros(len(x), q.h)
        state = (state, state) if name == "lstm" else state
    start = tuple([s[None] for s in state]) if name == "lstm" else state[None]
    weights = [w for w in (weight_ih, weight_hh, bias_ih, bias_hh) if w is not None]
    function = getattr(torch._VF, f"rnn_{nonlinearity}" if name == "rnn" else name)
    x = x.flip(1) if q.reverse else x
    y, *final = function(x, start, weights, q.bias, 1, 0.0, False, False, True)
    return [y.flip(1) if q.reverse else y, *[s[0] for s in final]]


def cases(name: str, **options: Any) -> list[Case]:
    """Of y: every question."""
    made = []
    for q in QUESTIONS:
        peer = None
        if q.lengths is None and len(q.batch) == 1 and q.batch != (0,):
            peer = lambda *ts, q=q: theirs(name, q, ts, **options)[0]  # noqa: E731
        made.append(
            Case(
                name,
                lambda *ts, q=q: ours(name, q, ts, **options)[0],
                inputs_of(name, q),
                " ".join([q.why, *options.values()]),
                peer,
                bound=5e-6,
                layouts="bound",
                order2=q.h < 10,
            )
        )
    return made


def examine_final_state(name: str, **options: Any) -> None:
    """Values of the final state against the definition and PyTorch; gradients through y and state
    together by differences, to second order."""
    for q in QUESTIONS[:7]:
        arrays = inputs_of(name, q)

        def joined(parts: Any) -> Any:
            return parts[0].sum(1) + sum(i * part for i, part in enumerate(parts[1:], 2))

        case = Case(
            name,
            lambda *ts, q=q: joined(ours(name, q, ts, **options)),
            arrays,
            q.why,
            lambda *ts, q=q: joined(theirs(name, q, ts, **options)),
        )
        for isa in ISAS:
            with setting(isa, threads=2):
                got = ours(name, q, [wrap(a) for a in arrays], **options)
                spied = arguments_of(name, q, arrays, **options)
                for a, want in zip(got, registry[name].reference(*spied), strict=True):
                    assert_close(a.numpy(), want.reshape(a.shape), 1e-12, f"{case} on {isa}")
                examine_gradients(case, isa)
        if q.lengths is None and torch is not None:
            examine_against_torch(case)


def arguments_of(name: str, q: Question, arrays: Any, **options: Any) -> list[Any]:
    """What the rule's forward gets."""
    seen: list[Any] = []
    rule = registry[name]
    original = rule.forward
    rule.forward = staticmethod(lambda needs, *args: (seen.append(args), original(needs, *args))[1])
    try:
        ours(name, q, [wrap(a) for a in arrays], **options)
    finally:
        rule.forward = original
    return list(seen[0])


def examine_backward(name: str, **options: Any) -> None:
    """The backward kernel, and its composed form, against the derivative of the definition."""
    rule = registry[f"{name}_backward"]
    for q, absent in ((0, None), (1, 0), (2, 1), (3, None), (4, 0), (6, None)):
        q = QUESTIONS[q]
        arguments = arguments_of(name, q, inputs_of(name, q), **options)
        ends = 1 + len(options)
        arrays, rest = arguments[:-ends], arguments[-ends:]
        wants = (True, q.bias) if name == "gru" else (True,)
        want = None
        for isa in ISAS:
            with setting(isa, threads=2):
                ys, saved = registry[name].forward(arrays, *arrays, *rest)
                dys = [None if i == absent else real(*y.shape, seed=i) for i, y in enumerate(ys)]
                inputs = [*saved, *dys]
                if want is None:
                    want = rule.reference(*inputs, *rest, *wants)
                got, _ = rule.forward(None, *inputs, *rest, *wants)
                tensors = [None if a is None else wrap(a) for a in inputs]
                composed = rule.composed(*tensors, *rest, *wants)
                for i, (a, b, c) in enumerate(zip(got, want, composed, strict=True)):
                    where = f"{name}_backward, {q.why}, on {isa}: result {i}"
                    assert_close(a, b, 1e-11, where)
                    assert_close(c.numpy(), b, 1e-11, f"{where}, composed")


def examine_cut(name: str, **options: Any) -> None:
    """Large enough for several threads and both cuts: the same bits on any team, and whether or not
    what backward wants is kept; close to the composed form."""
    for batch, h, t in ((33, 40, 6), (5, 300, 4), (40, 160, 5)):
        q = Question("", (batch,), t, 7, h, lengths=[i % (t + 1) for i in range(batch)])
        arrays = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in inputs_of(name, q)]
        results = []
        for threads in (1, 2, 3):
            with setting(threads=threads):
                tensors = [pydp.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
                y, *final = ours(name, q, tensors, **options)
                (y.sum() + sum(part.sum() for part in final)).backward()
                found = [y, *final, *[x.grad for x in tensors if x.grad is not None]]
                with pydp.no_grad():
                    found += ours(name, q, tensors, **options)
                results.append([part.numpy() for part in found])
        for other in results[1:]:
            for a, b in zip(results[0], other, strict=True):
                assert_bits(a, b, f"{name} {q}: bits by threads")
        kept = results[0]
        states = len(final) + 1
        for a, b in zip(kept[:states], kept[-states:], strict=True):
            assert_bits(a, b, f"{name} {q}: with and without gradient")
        spied = arguments_of(name, q, arrays, **options)
        want = registry[name].composed(
            *[wrap(a) if isinstance(a, np.ndarray) else a for a in spied]
        )
        for a, b in zip(kept, want, strict=False):
            assert_close(a, b.numpy(), 1e-5, f"{name} {q}: composed")
