"""The examination that every op gets: one Case in, the whole list of questions out.

A Case names a registered op, a call on tensors, and inputs. `examine` then asks:

  value       against the op's NumPy reference in float64; against PyTorch where it is installed
  gradient    central differences in float64; order 2 along random directions; PyTorch's
  layouts     transposed, sliced, reversed, broadcast, read-only: bit for bit, or within the bound
  types       float64 within 1e-11, float32 within the case's bound
  threads     1 thread = 2 threads, bit for bit
  ISAs        all of the above on every ISA that this processor has
  exactness   small integers give the exact answer, where the case says so
  poison      outputs are NaN before the kernel runs, so an unwritten element shows
  type        the declared signature gives the result's shape

The oracle never calls pydp: a reference is NumPy in float64.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

import pydp
import pydp.nn
from pydp import _graph, _kernels
from pydp import _signature as signature
from pydp._op import registry

try:
    import torch
except ImportError:  # the peer is optional: the other oracles stay
    torch = None

ISAS = _kernels.usable_isas()
# Rules come when they are asked for: ask, so that the registry is whole.
for _part in (pydp.ops, pydp.nn):
    inspect.getmembers(_part)
TYPES = (np.float32, np.float64)


@dataclass(frozen=True)
class Case:
    """One question to one op.

    op        its name in the registry
    call      tensors -> tensor; what a user would write
    inputs    arrays: float64 ones are converted to each type and get gradients (if `grad`),
              others (indices, masks) are passed as they are
    why       what this case is for
    torch     the same in PyTorch, torch tensors -> torch tensor
    bound     float32: |got - want| <= bound · (1 + |want|)
    exact     inputs are small integers and the float32 result must be exact
    layouts   "bits" where strides must not change a bit, "bound" for sums and products
    grad      whether gradients are examined
    order2    whether second derivatives are
    """

    op: str
    call: Callable[..., Any]
    inputs: Sequence[np.ndarray]
    why: str = ""
    torch: Callable[..., Any] | None = None
    bound: float = 2e-6
    exact: bool = False
    layouts: str = "bits"
    grad: bool = True
    order2: bool = True

    def __str__(self) -> str:
        shapes = "x".join(str(a.shape).replace(" ", "") for a in self.inputs)
        return f"{self.op}{shapes}{'-' + self.why.replace(' ', '_') if self.why else ''}"


def real(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Uniform float64 values, the same at each run."""
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape)


def integers(*shape: int, low: int = -4, high: int = 5, seed: int = 0) -> np.ndarray:
    """Small integers as float64: sums and products of them are exact in float32."""
    return np.random.default_rng([seed, *shape]).integers(low, high, shape).astype(np.float64)


def indices(*shape: int, below: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).integers(0, below, shape)


# ---- settings ----------------------------------------------------------------------------------


@contextmanager
def setting(isa: str | None = None, threads: int | None = None) -> Iterator[None]:
    """Run with this ISA and number of threads, outputs poisoned."""
    before = _kernels.selected_isa(), _kernels.get_threads()
    try:
        _kernels.poison(True)
        if isa:
            assert _kernels.select_isa(isa)
        if threads:
            _kernels.set_threads(threads)
        yield
    finally:
        _kernels.poison(False)
        _kernels.select_isa(before[0])
        _kernels.set_threads(before[1])


@contextmanager
def watched(names: set[str]) -> Iterator[set[str]]:
    """The set of those ops that run inside the block."""
    seen: set[str] = set()
    before = {name: registry[name].forward for name in names}

    def spy(name: str) -> Any:
        def forward(*args: Any) -> Any:
            seen.add(name)
            return before[name](*args)

        return staticmethod(forward)

    own = {name: registry[name].__dict__.get("forward") for name in names}
    try:
        for name in names:
            registry[name].forward = spy(name)
        yield seen
    finally:
        for name in names:
            if own[name] is None:
                del registry[name].forward
            else:
                registry[name].forward = own[name]


def is_real(a: np.ndarray) -> bool:
    return a.dtype == np.float64


def tensors(arrays: Sequence[np.ndarray], grad: bool = False) -> list[pydp.Tensor]:
    """Tensors over exactly these arrays (strides kept)."""
    made = []
    for a in arrays:
        wants = grad and a.dtype.kind == "f"
        made.append(_graph.wrap(a, _graph.Leaf(a) if wants else None))
    return made


def typed(case: Case, dtype: type) -> list[np.ndarray]:
    return [a.astype(dtype) if is_real(a) else a for a in case.inputs]


def value(case: Case, arrays: Sequence[np.ndarray]) -> np.ndarray:
    with pydp.no_grad():
        return case.call(*tensors(arrays))._array


def rule_call(case: Case, arrays: Sequence[np.ndarray]) -> tuple[Any, tuple[Any, ...], Any]:
    """(rule, its arrays and arguments, its result), read off the call as it is made."""
    seen: list[tuple[Any, tuple[Any, ...], Any]] = []
    rule = registry[case.op]
    original = rule.forward

    def spy(needs: Any, *args: Any) -> Any:
        y, saved = original(needs, *args)
        seen.append((rule, args, y))
        return y, saved

    had = "forward" in rule.__dict__
    before = rule.__dict__.get("forward")
    rule.forward = staticmethod(spy)
    try:
        value(case, arrays)
    finally:
        if had:
            rule.forward = before
        else:
            del rule.forward
    assert seen, f"the case's call never reached the op {case.op!r}"
    return seen[-1]


def reference(case: Case) -> np.ndarray:
    """The rule's NumPy definition on the float64 inputs, with the arguments of the call."""
    rule, args, _ = rule_call(case, case.inputs)
    with np.errstate(all="ignore"):
        want = rule.reference(*args)
    if type(want) is tuple:
        want = want[0]
    # the public function may have flattened leading axes for the rule
    return np.asarray(want).reshape(value(case, case.inputs).shape)


KINDS = {"f": "real", "i": "token", "u": "token", "b": "bool"}


def inputs_of(rule: Any, args: tuple[Any, ...]) -> int:
    """How many of forward's arguments are inputs."""
    if rule.variadic:
        return next((i for i, a in enumerate(args) if not isinstance(a, np.ndarray)), len(args))
    return len(signature.parse(rule.type).function.arguments)


def symbolic(given: Sequence[Any]) -> list[Any]:
    """The types of these arrays with a symbol for each size but 1, which may broadcast."""
    numbers = itertools.count()
    return [
        None if a is None else signature.array(
            a[0], *[n if n == 1 else signature.symbol(f"s{next(numbers)}") for n in a[1]]
        )
        for a in given
    ]  # fmt: skip


def examine_type(case: Case) -> None:
    """The rule's declared signature, given the arguments' shapes, says the result's shape.

    It is asked for the sizes of this call, and once more for symbols, which then take these sizes.
    A rule may say `any` of symbols (what a mask selects, a slice of an unknown length), and refuse
    sizes that leave nothing.
    """
    rule, args, y = rule_call(case, case.inputs)
    arity = inputs_of(rule, args)
    arrays, arguments = args[:arity], args[arity:]
    given = [None if a is None else (KINDS[a.dtype.kind], a.shape) for a in arrays]
    exact = [None if a is None else signature.array(a[0], *a[1]) for a in given]
    fixed = rule.broadcasts_before
    if fixed is not None and len({a.shape[: a.ndim - fixed] for a in arrays}) > 1:
        return  # the language has no broadcasting: what is broadcast has no common type
    results = y if type(y) is tuple else (y,)
    for types in (exact, symbolic(given)):
        declared = rule.type_at(types, *arguments)
        if isinstance(signature.parse(declared).function.result, signature.Anything):
            assert types is not exact or rule.type == "any -> any", f"{case}: {declared}"
            continue  # says nothing about sizes
        try:
            found = signature.match(declared, given, case.op)
        except signature.SignatureError as error:  # of symbols: what is computed leaves something
            assert types is not exact and str(error).endswith(" = 0 leaves nothing"), case
            assert any(part is not None and 0 in part.shape for part in results), case
            continue
        for (kind, shape), part in zip(found, results, strict=True):
            if part is not None:
                assert kind in ("any", KINDS[part.dtype.kind]), f"{case}: {declared}"
                assert shape == part.shape, (
                    f"{case}: {declared} promises {kind}{list(shape)}, the result is {part.shape}"
                )


# ---- comparing ---------------------------------------------------------------------------------


def assert_close(got: np.ndarray, want: np.ndarray, bound: float, what: str) -> None:
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    with np.errstate(invalid="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        error = np.where(same, 0, np.abs(got - want) / (1 + np.abs(want)))
    worst = np.max(error, initial=0.0)
    assert worst <= bound, f"{what}: error {worst:.3g} is above {bound:.3g}"


def assert_bits(got: np.ndarray, want: np.ndarray, what: str) -> None:
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    assert got.dtype == want.dtype, f"{what}: dtype {got.dtype}, expected {want.dtype}"
    same = (got == want) | ((got != got) & (want != want))
    assert np.all(same), f"{what}: bits differ at {np.argwhere(~same)[:3].tolist()}"


def layouts_of(a: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The same values in other memory."""
    frozen = a.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen
    if a.ndim:
        yield "Fortran order", np.asfortranarray(a)
        yield "reversed", np.ascontiguousarray(a[::-1])[::-1]
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        wide[..., ::2] = a
        yield "every second element", wide[..., ::2]
        flipped = np.ascontiguousarray(np.flip(a))
        yield "all axes reversed", np.flip(flipped)
        inner = np.zeros([n + 2 for n in a.shape], a.dtype)
        window = tuple([slice(1, n + 1) for n in a.shape])
        inner[window] = a
        yield "a window of a larger array", inner[window]
    if a.ndim >= 2:
        last_first = np.ascontiguousarray(np.moveaxis(a, -1, 0))
        yield "last axis outermost", np.moveaxis(last_first, 0, -1)
        second_last = np.ascontiguousarray(np.moveaxis(a, 1, -1))
        yield "second axis innermost", np.moveaxis(second_last, -1, 1)


# ---- the questions -----------------------------------------------------------------------------


def examine(case: Case) -> None:
    """Ask everything; the first wrong answer is an AssertionError that names the question."""
    want = reference(case)
    examine_type(case)
    for isa in ISAS:
        with setting(isa, threads=2):
            examine_values(case, want, isa)
            if case.grad:
                examine_gradients(case, isa)
    if case.torch is not None and torch is not None:
        examine_against_torch(case)


def examine_values(case: Case, want: np.ndarray, isa: str) -> None:
    for dtype in TYPES:
        where = f"{case} on {isa}, {np.dtype(dtype)}"
        arrays = typed(case, dtype)
        before = [a.copy() for a in arrays]
        got = value(case, arrays)
        bound = case.bound if dtype is np.float32 else 1e-11
        assert_close(got, want, bound, f"{where}: value")
        if want.dtype == np.float64:
            assert got.dtype == dtype, f"{where}: result is {got.dtype}"
        if case.exact:
            assert_bits(got, want.astype(dtype), f"{where}: exact value")
        for a, b in zip(arrays, before, strict=True):
            assert_bits(a, b, f"{where}: an input was changed")
        with setting(isa, threads=1):
            assert_bits(value(case, arrays), got, f"{where}: 1 thread against 2")
        for i, a in enumerate(arrays):
            for name, b in layouts_of(a):
                changed = [*arrays[:i], b, *arrays[i + 1 :]]
                again = value(case, changed)
                if case.layouts == "bits":
                    assert_bits(again, got, f"{where}: input {i} {name}")
                else:
                    assert_close(again, want, bound, f"{where}: input {i} {name}")


def weights(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """A fixed direction to contract a result with, so that gradients are not all ones."""
    return np.random.default_rng([seed, *shape]).uniform(0.5, 1.5, shape)


def gradients(case: Case, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """d (w · y) / d input, for the real inputs."""
    inputs = tensors(arrays, grad=True)
    y = case.call(*inputs)
    if y.size == 0 or y._node is None:
        return [np.zeros_like(a) for a in arrays if a.dtype.kind == "f"]
    y.backward(pydp.tensor(weights(y.shape, 7).astype(y.dtype)))
    found = []
    for x in inputs:
        if x.dtype.kind == "f":
            g = x.grad
            assert g is None or g.shape == x.shape, f"{case}: gradient {g.shape} of {x.shape}"
            assert g is None or g.dtype == x.dtype
            found.append(np.zeros(x.shape, x.dtype) if g is None else np.array(g._array))
    return found


def examine_gradients(case: Case, isa: str) -> None:
    where = f"{case} on {isa}"
    arrays = typed(case, np.float64)
    got = gradients(case, arrays)
    reals = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]

    def loss(changed: Sequence[np.ndarray]) -> float:
        y = value(case, changed)
        return float(np.sum(weights(y.shape, 7) * y))

    rng = np.random.default_rng(1)
    for k, i in enumerate(reals):
        for _ in range(2):
            direction = rng.standard_normal(arrays[i].shape)
            want = directional(loss, arrays, i, direction)
            have = float(np.sum(got[k] * direction))
            scale = 1 + float(np.sum(np.abs(got[k] * direction)))
            assert abs(have - want) <= 2e-7 * scale, (
                f"{where}: gradient of input {i}: {have} by the rule, {want} by differences"
            )
    with setting(isa, threads=1):
        for one, two in zip(gradients(case, arrays), got, strict=True):
            assert_bits(one, two, f"{where}: gradient, 1 thread against 2")
    for g32, g64 in zip(gradients(case, typed(case, np.float32)), got, strict=True):
        assert_close(g32, g64, 10 * case.bound, f"{where}: float32 gradient")
    if case.order2:
        examine_second(case, arrays, reals, where)


def directional(
    loss: Callable[..., float], arrays: Sequence[np.ndarray], i: int, direction: np.ndarray
) -> float:
    """Central difference of order 4 along a direction of input i."""
    h = 2e-5  # small, so that few kinks (relu, max) lie within reach
    total = 0.0
    for step, factor in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
        moved = [*arrays]
        moved[i] = np.asarray(arrays[i] + step * h * direction)
        total += factor * loss(moved)
    return total / (12 * h)


def examine_second(
    case: Case, arrays: Sequence[np.ndarray], reals: Sequence[int], where: str
) -> None:
    """The gradient of (v · gradient) by the graph, against differences of v · gradient."""
    rng = np.random.default_rng(2)
    directions = [rng.standard_normal(arrays[i].shape) for i in reals]

    def slope(changed: Sequence[np.ndarray]) -> float:
        parts = gradients(case, changed)
        return float(sum(np.sum(g * v) for g, v in zip(parts, directions, strict=True)))

    inputs = tensors(arrays, grad=True)
    y = case.call(*inputs)
    if y.size == 0 or y._node is None:
        return
    nodes = [inputs[i]._node for i in reals]
    w = pydp.tensor(weights(y.shape, 7))
    _, first = _graph.walk([(y._node, w)], create_graph=True, retain_graph=True, wanted=nodes)
    roots = [
        (first[node]._node, pydp.tensor(v))
        for node, v in zip(nodes, directions, strict=True)
        if node in first and first[node]._node is not None
    ]
    _, second = _graph.walk(roots, wanted=nodes) if roots else ({}, {})
    for i, node in zip(reals, nodes, strict=True):
        direction = rng.standard_normal(arrays[i].shape)
        got = second[node]._array if node in second else np.zeros(arrays[i].shape)
        have = float(np.sum(got * direction))
        want = directional(slope, arrays, i, direction)
        scale = 1 + float(np.sum(np.abs(got * direction)))
        assert abs(have - want) <= 1e-6 * scale, (
            f"{where}: second derivative, input {i}: {have} by the graph, {want} by differences"
        )


def examine_against_torch(case: Case) -> None:
    inputs = [torch.from_numpy(np.array(a)) for a in case.inputs]
    for x in inputs:
        x.requires_grad_(x.is_floating_point() and case.grad)
    y = case.torch(*inputs)
    got = value(case, case.inputs)
    assert_close(got, y.detach().numpy(), 1e-10, f"{case}: value against PyTorch")
    if case.grad and y.numel():
        y.backward(torch.from_numpy(weights(tuple(y.shape), 7)))
        theirs = [
            np.zeros(x.shape) if x.grad is None else x.grad.numpy()
            for x in inputs
            if x.is_floating_point()
        ]
        for i, (a, b) in enumerate(zip(gradients(case, case.inputs), theirs, strict=True)):
            assert_close(a, b, 1e-8, f"{case}: gradient {i} against PyTorch")
