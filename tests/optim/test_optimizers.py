"""Optimizers: PyTorch's numbers over twenty steps, the same bits everywhere, and bad arguments."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import pydp
from harness import ISAS, real, setting, torch
from pydp import _graph, nn
from pydp.ops._adadelta import adadelta_reference
from pydp.ops._adagrad import adagrad_reference
from pydp.ops._adam import adam_reference
from pydp.ops._adamax import adamax_reference
from pydp.ops._rmsprop import rmsprop_reference
from pydp.ops._sgd import sgd_reference
from pydp.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, RMSprop

SHAPES = [(40, 50), (7,), (3, 2, 5, 5), (20000,), ()]

RUNS = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "weight_decay": 0.01}),
    (SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    (Adam, {}),
    (Adam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    (AdamW, {}),
    (AdamW, {"lr": 0.1, "betas": (0.0, 0.5), "weight_decay": 0.3}),
    (Adam, {"lr": 0.1, "amsgrad": True, "betas": (0.8, 0.5)}),
    (AdamW, {"lr": 0.1, "amsgrad": True, "maximize": True, "betas": (0.8, 0.5)}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "maximize": True}),
    (Adadelta, {}),
    (Adadelta, {"lr": 0.5}),
    (Adadelta, {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    (Adadelta, {"lr": 0.5, "rho": 1.0, "eps": 0.1}),
    (RMSprop, {}),
    (RMSprop, {"lr": 0.1, "alpha": 0.5, "weight_decay": 0.1, "maximize": True}),
    (RMSprop, {"lr": 0.01, "momentum": 0.9}),
    (RMSprop, {"centered": True, "eps": 1e-2}),
    (RMSprop, {"centered": True, "alpha": 0.7, "eps": 1e-2, "momentum": 0.5, "weight_decay": 0.1}),
    (Adagrad, {}),
    (Adagrad, {"lr": 0.5, "lr_decay": 0.1, "weight_decay": 0.1, "maximize": True}),
    (Adagrad, {"lr": 0.5, "initial_accumulator_value": 2.0, "eps": 0.1}),
    (Adamax, {}),
    (Adamax, {"lr": 0.1, "betas": (0.5, 0.7), "weight_decay": 0.1, "eps": 0.1, "maximize": True}),
]
REFERENCES = {
    SGD: sgd_reference, Adam: adam_reference, AdamW: adam_reference, Adadelta: adadelta_reference,
    RMSprop: rmsprop_reference, Adagrad: adagrad_reference, Adamax: adamax_reference,
}  # fmt: skip
IDS = [f"{kind.name}-{i}" for i, (kind, _) in enumerate(RUNS)]


def parameters(dtype, shapes=SHAPES):
    """Leaves; the image is channels-last in memory."""
    made = []
    for i, shape in enumerate(shapes):
        a = real(*shape, seed=i).astype(dtype)
        if a.ndim == 4:
            a = np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        made.append(_graph.wrap(a, _graph.Leaf(a)))
    return made


def give_gradients(leaves, step):
    for i, p in enumerate(leaves):
        dp = np.empty_like(p._array)
        dp[...] = real(*p.shape, seed=100 * step + i)
        p._node.grad = _graph.wrap(dp)


def trained(kind, settings, dtype, steps=20):
    leaves = parameters(dtype)
    optimizer = kind(leaves, **{"lr": 1e-3, **settings})
    for step in range(steps):
        give_gradients(leaves, step)
        optimizer.step()
    return [p.numpy() for p in leaves]


@pytest.mark.skipif(torch is None, reason="compares with PyTorch")
@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 2e-6)])
@pytest.mark.parametrize(("kind", "settings"), RUNS, ids=IDS)
def test_twenty_steps_are_pytorchs(kind, settings, dtype, bound):
    theirs = [torch.from_numpy(p._array.copy()).requires_grad_() for p in parameters(dtype)]
    peer = getattr(torch.optim, kind.name)(theirs, **{"lr": 1e-3, **settings})
    for step in range(20):
        for i, p in enumerate(theirs):
            p.grad = torch.from_numpy(real(*p.shape, seed=100 * step + i).astype(dtype))
        peer.step()
    for got, want in zip(trained(kind, settings, dtype), theirs, strict=True):
        np.testing.assert_allclose(got, want.detach().numpy(), rtol=bound, atol=bound)


@pytest.mark.parametrize(("kind", "settings"), RUNS, ids=IDS)
def test_steps_follow_the_reference(kind, settings):
    leaves, steps = parameters(np.float64), 3
    optimizer = kind(leaves, **{"lr": 1e-3, **settings})
    (group,) = optimizer.param_groups
    want = [p._array.copy() for p in leaves]
    counters = [np.zeros(1) for _ in leaves]
    state = [
        [
            np.full_like(p, optimizer.initial(group)) if optimizer.uses(name, group) else None
            for name in kind.states
        ]
        for p in want
    ]
    reference = REFERENCES[kind]
    for step in range(steps):
        give_gradients(leaves, step)
        for p, counter, own, leaf in zip(want, counters, state, leaves, strict=True):
            reference(group.setting, counter, p, leaf.grad._array, *own)
    for got, p in zip(trained(kind, settings, np.float64, steps), want, strict=True):
        np.testing.assert_allclose(got, p, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kind", "settings"), RUNS, ids=IDS)
def test_same_bits_on_every_isa_and_for_every_number_of_threads(kind, settings, dtype):
    want = None
    for isa in ISAS:
        for threads in (1, 2):
            with setting(isa, threads):
                got = trained(kind, settings, dtype)
            want = want or got
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(a, b)


def test_parameters_without_a_gradient_are_left_alone():
    first, second = parameters(np.float32, [(3,), (3,)])
    before = second.numpy().copy()
    optimizer = Adam([first, second])
    give_gradients([first], 0)
    optimizer.step()
    np.testing.assert_array_equal(second.numpy(), before)
    assert list(optimizer.state) == [first]


def test_groups_have_their_own_settings_and_lr_is_of_all():
    first, second = parameters(np.float64, [(3,), (3,)])
    optimizer = SGD([{"params": [first]}, {"params": second, "lr": 0.0}], lr=1.0)
    before = first.numpy().copy(), second.numpy().copy()
    give_gradients([first, second], 0)
    optimizer.step()
    np.testing.assert_array_equal(first.numpy(), before[0] - first.grad.numpy())
    np.testing.assert_array_equal(second.numpy(), before[1])
    optimizer.lr = 2.0
    optimizer.step()
    np.testing.assert_array_equal(second.numpy(), before[1] - 2 * second.grad.numpy())
    optimizer.param_groups[1]["lr"] = 0.5
    assert optimizer.lr == 2.0
    with pytest.raises(ValueError, match=r"SGD: lr must be finite and at least 0, got -1\.0"):
        optimizer.lr = -1


def test_zero_grad():
    leaves = parameters(np.float32)
    give_gradients(leaves, 0)
    SGD(leaves, 0.1).zero_grad()
    assert all(p.grad is None for p in leaves)


def test_backward_after_a_step_is_an_error():
    w = pydp.tensor([1.0, 2.0], requires_grad=True)
    loss = pydp.sum(w * w)
    give_gradients([w], 0)
    SGD([w], 0.1).step()
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        loss.backward()


@pytest.mark.parametrize(("kind", "settings"), RUNS, ids=IDS)
def test_saved_and_continued_is_uninterrupted(kind, settings):
    want = trained(kind, settings, np.float32, 6)
    leaves = parameters(np.float32)
    optimizer = kind(leaves, **{"lr": 1e-3, **settings})
    for step in range(3):
        give_gradients(leaves, step)
        optimizer.step()
    saved = optimizer.state_dict()
    again = kind(leaves, lr=5.0)
    again.load_state_dict(saved)
    for step in range(3, 6):
        give_gradients(leaves, step)
        again.step()
    for a, b in zip(leaves, want, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)


def test_state_of_other_parameters_is_refused():
    leaves = parameters(np.float32, [(3,)])
    give_gradients(leaves, 0)
    optimizer = Adam(leaves)
    optimizer.step()
    other = Adam(parameters(np.float32, [(4,)]))
    with pytest.raises(ValueError, match="Adam: the state of parameter 0 must have shapes"):
        other.load_state_dict(optimizer.state_dict())
    assert not other.state
    with pytest.raises(ValueError, match=r"of groups of \[1\] parameters, these are \[2\]"):
        Adam(parameters(np.float32, [(4,), (3,)])).load_state_dict(optimizer.state_dict())


W = pydp.tensor([1.0], requires_grad=True)
ERRORS = [
    (lambda: SGD([], 0.1), ValueError, "SGD: params is empty"),
    (lambda: SGD(W, 0.1), TypeError, "SGD: params must be an iterable of tensors, got one tensor"),
    (lambda: SGD(nn.Tanh(), 0.1), TypeError,
     "SGD: params must be an iterable of tensors, got Tanh; write its parameters()"),
    (lambda: SGD([{"params": nn.Sequential(nn.Tanh())}], 0.1), TypeError,
     "SGD: params must be an iterable of tensors, got Sequential; write its parameters()"),
    (lambda: SGD(None, 0.1), TypeError, "SGD: params must be an iterable of tensors, got NoneType"),
    (lambda: SGD("w", 0.1), TypeError, "SGD: params must be an iterable of tensors, got str"),
    (lambda: SGD([W, W], 0.1), ValueError, "SGD: parameter 1, shape (1,), is given twice"),
    (lambda: SGD([{"params": W}, {"params": W}], 0.1), ValueError,
     "SGD: parameter 0, shape (1,), is given twice"),
    (lambda: SGD([W, pydp.tensor(np.zeros(1), requires_grad=True)], 0.1), TypeError,
     "SGD: parameters must have one dtype, got float32 and float64"),
    (lambda: SGD([W * 2], 0.1), ValueError,
     "SGD: parameter 0 is an operation's result, not a leaf"),
    (lambda: SGD([np.zeros(1)], 0.1), TypeError, "SGD: parameter 0 must be a tensor, got ndarray"),
    (lambda: SGD([pydp.tensor([1.0])], 0.1), ValueError, "SGD: no parameter requires a gradient"),
    (lambda: SGD([{"params": [W], "rate": 1}], 0.1), ValueError,
     "SGD: no setting 'rate'; there are lr, momentum, dampening, weight_decay, nesterov, "
     "maximize"),
    (lambda: SGD([W], -0.1), ValueError, "SGD: lr must be finite and at least 0, got -0.1"),
    (lambda: SGD([W], float("nan")), ValueError, "SGD: lr must be finite and at least 0, got nan"),
    (lambda: SGD([W], float("inf")), ValueError, "SGD: lr must be finite and at least 0, got inf"),
    (lambda: SGD([W], True), TypeError, "SGD: lr must be a number, got True"),
    (lambda: SGD([W], 0.1, momentum=-1), ValueError,
     "SGD: momentum must be finite and at least 0, got -1.0"),
    (lambda: SGD([W], 0.1, nesterov=True), ValueError,
     "SGD: nesterov needs a momentum above 0 and a dampening of 0"),
    (lambda: Adam([W], betas=(0.9, 1.0)), ValueError,
     "Adam: betas must be at least 0 and below 1, got 1.0"),
    (lambda: Adam([W], betas=0.9), ValueError, "Adam: betas must be two numbers, got 0.9"),
    (lambda: AdamW([W], eps=-1), ValueError, "AdamW: eps must be finite and at least 0, got -1.0"),
    (lambda: Adam([W], amsgrad=1), TypeError, "Adam: amsgrad must be a bool, got 1"),
    (lambda: Adadelta([W], maximize=None), TypeError,
     "Adadelta: maximize must be a bool, got None"),
    (lambda: Adadelta([W], rho=1.5), ValueError, "Adadelta: rho must be in 0 … 1, got 1.5"),
    (lambda: Adadelta([W], rho=float("nan")), ValueError,
     "Adadelta: rho must be in 0 … 1, got nan"),
    (lambda: RMSprop([W], alpha=-0.5), ValueError, "RMSprop: alpha must be in 0 … 1, got -0.5"),
    (lambda: RMSprop([W], centered="no"), TypeError,
     "RMSprop: centered must be a bool, got 'no'"),
    (lambda: Adagrad([W], initial_accumulator_value=-1), ValueError,
     "Adagrad: initial_accumulator_value must be finite and at least 0, got -1.0"),
    (lambda: Adamax([W], betas=(1, 0)), ValueError,
     "Adamax: betas must be at least 0 and below 1, got 1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), ERRORS)
def test_errors(make, error, message):
    with pytest.raises(error) as raised:
        make()
    assert str(raised.value) == message


def test_a_gradient_in_another_layout_is_refused():
    (w,) = parameters(np.float32, [(3, 4)])
    before = w.numpy().copy()
    w._node.grad = _graph.wrap(np.asfortranarray(np.ones((3, 4), np.float32)))
    with pytest.raises(
        ValueError, match="SGD: the gradient of a parameter must have its shape, dtype"
    ):
        SGD([w], 0.1).step()
    np.testing.assert_array_equal(w.numpy(), before)


def test_what_changes_between_steps_is_seen():
    """An exchanged state, a parameter whose memory is exchanged, a setting that wants a state."""
    leaves = parameters(np.float64, [(3,), (2, 2)])
    optimizer = SGD(leaves, 0.1)
    give_gradients(leaves, 0)
    optimizer.step()
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    first = leaves[0]
    optimizer.state[first]["momentum_buffer"] = momentum = np.ones(3)
    first._array = array = np.zeros(3)
    give_gradients(leaves, 1)
    optimizer.step()
    np.testing.assert_array_equal(momentum, 0.5 + first.grad.numpy())
    np.testing.assert_array_equal(array, -0.1 * momentum)
    del optimizer.state[first]["momentum_buffer"]
    optimizer.step()
    np.testing.assert_array_equal(optimizer.state[first]["momentum_buffer"], first.grad.numpy())
    assert {float(state["step"][0]) for state in optimizer.state.values()} == {4.0}


def test_a_dropped_optimizer_lets_its_parameters_go_at_once():
    w = pydp.nn.Parameter(pydp.tensor([1.0, 2.0]))
    optimizer = pydp.optim.Adam([w], lr=0.1)
    pydp.sum(w * w).backward()
    optimizer.step()
    gone = weakref.ref(w)
    gc.disable()
    try:
        del w, optimizer
        assert gone() is None
    finally:
        gc.enable()
