"""remat: nothing changes but what is kept, in every order, with every surrounding.

Gradients are compared within a few roundings: those of a tensor that is used inside and outside are
added in another order.
"""

import gc
import weakref

import numpy as np
import pytest

import pydp
from pydp import _context, nn, optim


def real(*shape, seed=0):
    return pydp.tensor(np.random.default_rng([seed, *shape]).uniform(-1, 1, shape))


def gradients(f, *tensors):
    """f's gradients for fresh leaves, as arrays."""
    leaves = [t.detach().requires_grad_() for t in tensors]
    f(*leaves).sum().backward()
    return [None if x.grad is None else x.grad.numpy() for x in leaves]


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


def block(x, w):
    return pydp.tanh(x @ w) * pydp.exp(x).sum(axis=1, keepdims=True)


def test_gradients_are_the_same():
    x, w = real(5, 3), real(3, 3, seed=1)
    assert_same(gradients(lambda x, w: pydp.remat(block, x, w), x, w), gradients(block, x, w))
    assert_same(
        gradients(lambda x, w: pydp.remat(block, pydp.remat(block, x, w), w=w) * x, x, w),
        gradients(lambda x, w: block(block(x, w), w) * x, x, w),
    )
    nested = lambda x, w: pydp.remat(lambda y: pydp.remat(block, y, w) + y, x)  # noqa: E731
    assert_same(gradients(nested, x, w), gradients(lambda x, w: block(x, w) + x, x, w))


def test_gradients_of_gradients():
    x, w = real(2, 2), real(2, 2, seed=1)
    f = lambda x, w: (pydp.remat(block, x, w) ** 2).sum()  # noqa: E731
    g = lambda x, w: (block(x, w) ** 2).sum()  # noqa: E731
    for order in (
        pydp.grad,
        pydp.hessian,
        lambda f: pydp.grad(lambda x, w: pydp.grad(f)(x, w).sum()),
    ):
        assert_same([order(f)(x, w).numpy()], [order(g)(x, w).numpy()])
    pydp.check_gradients(f, x, w)
    leaf = x.detach().requires_grad_()
    f(leaf, w).backward(create_graph=True)
    first, leaf.grad = leaf.grad, None
    first.sum().backward()
    assert_same([leaf.grad.numpy()], [pydp.hessian(g)(x, w).numpy().sum((0, 1))])


def test_random_numbers_are_those_of_the_first_run():
    own = pydp.Generator(3)

    def noisy(x):
        return pydp.dropout(x, 0.5) * pydp.dropout(x, 0.25, generator=own) * pydp.rand(5, 3)

    x, results = real(5, 3), []
    for f in (noisy, lambda x: pydp.remat(noisy, x), lambda x: pydp.remat(pydp.remat, noisy, x)):
        pydp.manual_seed(1)
        own.seed(3)
        results.append((*gradients(lambda x, f=f: f(x) * f(x), x), pydp.rand(2).numpy()))
        assert own.get_state()[1] == 2
    assert_same(results[1], results[0])
    assert_same(results[2], results[0])


def test_trees_and_what_is_no_tensor_pass_through():
    def f(tree, scale, *, shift):
        return {"y": tree["x"] * scale + shift, "x": tree["x"], "n": 3, "no": pydp.ones(1)}, None

    x, shift = (real(2).requires_grad_() for _ in range(2))
    out, nothing = pydp.remat(f, {"x": x}, 2.0, shift=shift)
    assert nothing is None
    assert out["x"] is x
    assert out["n"] == 3
    assert not out["no"].requires_grad
    out["y"].sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 2])
    np.testing.assert_array_equal(shift.grad.numpy(), [1, 1])


def test_one_of_several_results_may_be_used():
    x = real(3).requires_grad_()
    a, b = pydp.remat(lambda x: (pydp.exp(x), pydp.sin(x)), x)
    b.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), pydp.cos(x).numpy())
    assert a.requires_grad


def test_nothing_between_is_kept():
    watched = []

    def f(x):
        for _ in range(5):
            x = pydp.exp(x)
            watched.append(weakref.ref(x))
        return x * 2.0

    gc.disable()
    try:
        y = pydp.remat(f, real(3).requires_grad_())
        assert all(ref() is None for ref in watched)
        y.sum().backward()
        assert len(watched) == 10
        assert all(ref() is None for ref in watched)
    finally:
        gc.enable()


def test_the_parameters_of_a_module():
    pydp.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    x, results = pydp.randn(4, 3), []
    for f in (net, lambda x: pydp.remat(net, x)):
        pydp.manual_seed(5)
        net.zero_grad()
        (f(x) ** 2).sum().backward()
        results.append([p.grad.numpy() for p in net.parameters()])
    assert_same(results[1], results[0])
    again = pydp.remat(net, x)
    again.sum().backward(retain_graph=True)
    again.sum().backward()
    with pytest.raises(RuntimeError, match="remat: backward goes through this graph a second time"):
        again.sum().backward()


def test_inside_functional_call():
    """The second run happens after the call, and has its tensors nevertheless."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    x, own = pydp.ones((1, 2)), net[0].weight

    class Saving(nn.Module):
        def __init__(self):
            self.net = net

        def forward(self, x):
            return pydp.remat(self.net, x)

    w = pydp.tensor([[1.0, 2.0], [3.0, 4.0]])
    got, want = [
        pydp.grad(lambda w, m=m, k=k: pydp.functional_call(m, {k: w}, x).sum())(w)
        for m, k in ((Saving(), "net.0.weight"), (net, "0.weight"))
    ]
    np.testing.assert_array_equal(got.numpy(), want.numpy())
    assert net[0].weight is own


def test_modules_can_tell_that_they_are_run_again():
    seen = []

    def f(x):
        seen.append(_context.is_recomputing())
        return x * x

    pydp.remat(f, real(2).requires_grad_()).sum().backward()
    assert seen == [False, True]
    assert not _context.is_recomputing()


def test_running_statistics_count_a_batch_once():
    results = []
    for recompute in (False, True):
        norm = nn.BatchNorm1d(3)
        x = real(5, 3).astype("float32").requires_grad_()
        y = pydp.remat(norm, x) if recompute else norm(x)
        pydp.sum(y * y * x).backward()
        results.append([*[b.numpy() for b in norm.buffers()], x.grad.numpy()])
    assert_same(results[1], results[0])


def test_it_is_a_plain_call_where_nothing_is_recorded():
    calls = []
    f = lambda x: calls.append(1) or x * 2.0  # noqa: E731
    assert not pydp.remat(f, real(2)).requires_grad
    with pydp.no_grad():
        assert not pydp.remat(f, real(2).requires_grad_()).requires_grad
    assert len(calls) == 2


def test_changes_between_the_runs_are_an_error():
    w = pydp.ones(2).requires_grad_()
    x = pydp.ones(2)
    y = pydp.remat(lambda: pydp.exp(x + w))  # add saves nothing, and yet x matters
    x[0] = 5.0
    message = r"remat: a tensor that the function uses was changed .* version 1, expected 0"
    with pytest.raises(RuntimeError, match=message + ".*index assignment at .*test_remat.py:"):
        y.sum().backward()
    assert w.grad is None
    sgd = optim.SGD([w], lr=0.1)
    y = pydp.remat(lambda: w * w)
    w.sum().backward()
    sgd.step()
    with pytest.raises(RuntimeError, match=r"changed by SGD.step at .*test_remat.py:"):
        y.sum().backward()


def test_a_second_run_that_differs_is_an_error():
    a, b = real(2).requires_grad_(), real(2, seed=1).requires_grad_()
    turns = iter([a, b])
    y = pydp.remat(lambda: pydp.exp(next(turns)))
    with pytest.raises(RuntimeError, match="other tensors in its second run than in its first"):
        y.sum().backward()
    count = iter([1, 2])
    y = pydp.remat(
        lambda: a * pydp.rand(2) if next(count) == 1 else a * pydp.rand(2) * pydp.rand(2)
    )
    with pytest.raises(RuntimeError, match="draws more random numbers"):
        y.sum().backward()

    def writes(x):
        x += 1.0
        return x * a

    with pytest.raises(RuntimeError, match="remat: the function changes an argument in place"):
        pydp.remat(writes, pydp.ones(2))
    with pytest.raises(TypeError, match="remat: the function must be callable"):
        pydp.remat(a)


def test_an_error_in_the_second_run_leaves_everything_as_it_was():
    x, runs = real(2).requires_grad_(), []

    def f(x):
        runs.append(1)
        if len(runs) == 2:
            raise KeyError("second")
        return pydp.dropout(x, 0.5)

    y = pydp.remat(f, x)
    with pytest.raises(KeyError, match="second"):
        y.sum().backward()
    assert x.grad is None
    assert not _context.is_recomputing()
    stream = pydp._random.default_generator.get_state()[1]
    pydp.rand(1)
    assert pydp._random.default_generator.get_state()[1] == stream + 1


def test_an_op_that_fails_in_the_second_run_gives_no_number_back(monkeypatch):
    """dropout gives its number back when it fails; here it drew none."""
    x = real(2).requires_grad_()
    y = pydp.remat(lambda x: pydp.dropout(x, 0.5), x)
    state = pydp._random.default_generator.get_state()

    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr(pydp._op.registry["dropout"], "forward", no_memory)
    with pytest.raises(MemoryError):
        y.sum().backward()
    np.testing.assert_array_equal(pydp._random.default_generator.get_state(), state)


def test_a_recorded_step_replays_with_fresh_numbers():
    """The second run deals the keys that the replayed first run has drawn."""
    from pydp import _kernels

    def training():
        pydp.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.Linear(16, 3))
        sgd = optim.SGD(net.parameters(), lr=0.1)
        x = pydp.tensor(np.random.default_rng(0).standard_normal((8, 4)), dtype="float32")
        target = pydp.tensor(np.arange(8) % 3)

        def step():
            sgd.zero_grad()
            pydp.cross_entropy(pydp.remat(net, x), target).backward()
            sgd.step()

        return net, step

    eager, step = training()
    for _ in range(6):
        step()
    replayed, step = training()
    calls = _kernels.record()
    step()
    _kernels.stop_recording()
    for _ in range(5):
        _kernels.replay(calls)
    for a, b in zip(eager.parameters(), replayed.parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
