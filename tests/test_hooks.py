"""Hooks on tensors and modules: what they see, what they may change, and how they end."""

import copy

import numpy as np
import pytest

import pydp
from harness import torch
from pydp import nn


def leaf(*values):
    return pydp.tensor(list(values), requires_grad=True)


# ---- tensors -------------------------------------------------------------------------------------


def test_hooks_run_in_order_each_on_what_the_last_one_left():
    x = leaf(1.0)
    y = x * 3.0
    y.register_hook(lambda g: g + 1.0)
    y.register_hook(lambda g: g * 10.0)
    y.backward()
    assert x.grad.item() == 60


def test_a_handle_removes_its_own_hook_once():
    x, seen = leaf(1.0), []
    first = x.register_hook(seen.append)
    x.register_hook(seen.append)
    first.remove()
    first.remove()
    (x * 1.0).backward()
    assert len(seen) == 1
    with x.register_hook(seen.append):
        (x * 1.0).backward()
    assert len(seen) == 3
    (x * 1.0).backward()
    assert len(seen) == 4


def test_a_hook_may_remove_itself_while_it_runs():
    x, seen = leaf(1.0), []

    def once(g):
        seen.append(g)
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(lambda g: g * 2.0)
    for _ in range(3):
        (x * 1.0).backward()
    assert len(seen) == 1
    assert x.grad.item() == 6


def test_a_hook_of_a_leaf_sees_the_whole_sum_once():
    x, seen = leaf(1.0), []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2.0 + x * 3.0).backward()
    assert seen == [5]


@pytest.mark.parametrize("wrong", ["text", 1.0, pydp.ones(3), pydp.ones(2, dtype="float64")])
def test_what_a_hook_returns_must_fit(wrong):
    x = leaf(1.0, 2.0)
    y = x * 3.0
    y.register_hook(lambda g: wrong)
    message = r"a hook must return None or a tensor of shape \(2,\) and float32, got"
    with pytest.raises(TypeError, match=message):
        y.sum().backward()
    assert x.grad is None
    with pytest.raises(TypeError, match="hook must be callable, got 3"):
        y.register_hook(3)
    with pytest.raises(RuntimeError, match="does not require grad"):
        pydp.ones(1).register_hook(print)


def test_a_hook_may_call_backward_on_the_same_leaf():
    x = leaf(1.0)
    y = x * 3.0

    def hook(g):
        with pydp.enable_grad():
            (x * 5.0).backward()

    y.register_hook(hook)
    y.backward()
    assert x.grad.item() == 8


def test_hooks_are_part_of_gradients_of_gradients():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    y.backward(create_graph=True)  # 2x · x
    first, x.grad = x.grad, None
    first.backward()
    assert first.item() == 8
    assert x.grad.item() == 8  # d(2x²) = 4x


def test_retained_gradients_are_those_after_the_hooks_and_only_of_whole_walks():
    x = leaf(1.0)
    y = x * 3.0
    y.retain_grad()
    handle = y.register_hook(lambda g: g * 2.0)
    y.sum().backward(retain_graph=True)
    assert y.grad.item() == 2
    handle.remove()
    x.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    assert y.grad.item() == 2


# ---- modules -------------------------------------------------------------------------------------


def test_forward_hooks_see_and_change_arguments_and_results():
    net, seen = nn.Linear(2, 1, bias=False), []
    with pydp.no_grad():
        net.weight[...] = pydp.tensor([[1.0, 10.0]])
    x = pydp.tensor([[1.0, 2.0]])
    handles = [
        net.register_forward_pre_hook(lambda m, args: seen.append((m is net, args[0] is x))),
        net.register_forward_pre_hook(lambda m, args: (args[0] * 2.0,)),
        net.register_forward_pre_hook(lambda m, args: args[0] + 1.0),
        net.register_forward_hook(lambda m, args, y: seen.append((args[0].tolist(), y.item()))),
        net.register_forward_hook(lambda m, args, y: -y),
    ]
    assert net(x).item() == -53
    assert seen == [(True, True), ([[3, 5]], 53)]
    for handle in handles:
        handle.remove()
    assert net(x).item() == 21
    assert len(seen) == 2


def test_a_forward_hook_that_raises_says_where():
    net = nn.Sequential(nn.ReLU(), nn.Tanh())
    net[1].register_forward_hook(lambda m, args, y: [][0])
    with pytest.raises(IndexError, match=r"Sequential/1: Tanh: list index out of range"):
        net(pydp.ones(1))


def test_hooks_of_a_copy_are_its_own():
    net, seen = nn.ReLU(), []
    net.register_forward_hook(lambda *a: seen.append(1))
    twin = copy.deepcopy(net)
    twin._hooks.after.clear()
    net(pydp.ones(1))
    twin(pydp.ones(1))
    assert seen == [1]


def build(library, seen):
    """A net with full backward hooks on two layers: pydp's or PyTorch's, the same calls."""
    modules = nn if library is pydp else torch.nn
    net = modules.Sequential(modules.Linear(3, 2), modules.Tanh(), modules.Linear(2, 1))

    def hook(name):
        def note(module, dx, dy):
            seen.append((name, [None if g is None else np.array(g.tolist()) for g in (*dx, *dy)]))
            return None if name == "first" else tuple(g * 2.0 for g in dx)

        return note

    net[0].register_full_backward_hook(hook("first"))
    net[2].register_full_backward_hook(hook("last"))
    return net


@pytest.mark.skipif(torch is None, reason="PyTorch is the oracle")
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("wants", [True, False])
def test_full_backward_hooks_against_torch(wants):
    ours, theirs = [], []
    net, peer = build(pydp, ours), build(torch, theirs)
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in net.state_dict().items()})
    data = np.arange(6, dtype=np.float32).reshape(2, 3) / 6
    x, tx = pydp.tensor(data, requires_grad=wants), torch.tensor(data, requires_grad=wants)
    net(x).sum().backward()
    peer(tx).sum().backward()
    assert [name for name, _ in ours] == ["last", "first"]
    for (_, got), (_, want) in zip(ours, theirs, strict=True):
        for a, b in zip(got, want, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for (name, p), q in zip(net.named_parameters(), peer.parameters(), strict=True):
        np.testing.assert_allclose(
            p.grad.numpy(), q.grad.numpy(), rtol=1e-5, atol=1e-6, err_msg=name
        )


def test_full_backward_hooks_of_trees():
    class Swap(nn.Module):
        def forward(self, pair, scale):
            a, b = pair
            return {"b": b * scale, "a": (a * scale, None)}

    net, seen = Swap(), []
    net.register_full_backward_hook(lambda m, dx, dy: seen.append((dx, dy)))
    a, b = leaf(1.0), leaf(2.0)
    net((a, b), 3.0)["b"].sum().backward()
    ((dx, dy),) = seen
    assert dx[0] is None  # the tuple's first leaf, which nothing used
    assert dx[1].item() == 3
    assert dx[2] is None  # a number
    assert [None if g is None else g.item() for g in dy] == [1, None]
    assert b.grad.item() == 3
    assert a.grad is None


def test_a_module_called_twice_has_a_hook_call_for_each():
    net, seen = nn.Tanh(), []
    net.register_full_backward_hook(lambda m, dx, dy: seen.append(dy[0].item()))
    x = leaf(0.0)
    (net(net(x)) * 3.0 + net(x) * 5.0).backward()
    assert sorted(seen) == [3, 3, 5]
    assert x.grad.item() == 8


def test_full_backward_hooks_in_every_mode():
    net, seen = nn.Tanh(), []
    net.register_full_backward_hook(lambda m, dx, dy: seen.append(1))
    with pydp.no_grad():
        net(leaf(1.0))
    net(pydp.ones(1))
    assert seen == []
    y = net(leaf(1.0))
    y.backward(retain_graph=True)
    y.backward()
    assert len(seen) == 2
    pydp.check_gradients(net, pydp.tensor([0.3, 0.4], dtype="float64"))


@pytest.mark.parametrize(
    "wrong",
    [lambda dx, dy: (), lambda dx, dy: 3, lambda dx, dy: (dx[0].sum(),), lambda dx, dy: (None,)],
)
def test_what_a_full_backward_hook_returns_must_fit(wrong):
    net = nn.Tanh()
    net.register_full_backward_hook(lambda m, dx, dy: wrong(dx, dy))
    x = leaf(1.0, 2.0)
    message = r"Tanh: a full backward hook must return None or a tuple of gradients \(\(2,\) float"
    with pytest.raises(TypeError, match=message):
        net(x).sum().backward()
    assert x.grad is None
    with pytest.raises(TypeError, match=r"Tanh.register_forward_hook: hook must be callable"):
        net.register_forward_hook(None)
