"""The graph: what backward must and must not do (faults of autodiff)."""

import gc
import threading
import weakref

import numpy as np
import pytest

import pydp


def leaf(*values):
    return pydp.tensor(list(values), requires_grad=True)


def test_a_parameter_used_many_times_collects_one_sum():
    x = leaf(1.0, 2.0)
    ((x * x + x) * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [3 + 2, 12 + 4])
    x.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [6, 17])


def test_two_leaves_never_share_a_gradient():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).backward(pydp.ones(2))
    a.grad *= 2.0
    np.testing.assert_array_equal(b.grad.numpy(), [1, 1])


def test_the_given_gradient_is_not_kept():
    a, given = leaf(1.0, 2.0), pydp.ones(2)
    (a + 0.0).backward(given)
    given[0] = 9.0
    np.testing.assert_array_equal(a.grad.numpy(), [1, 1])


def test_second_backward_needs_retain_graph():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [8])
    with pytest.raises(RuntimeError, match=r"multiply: backward goes through .* second time"):
        y.backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: (x * x).backward(), RuntimeError, r"give a gradient of shape \(2,\)"),
        (lambda x: pydp.ones(1).backward(), RuntimeError, "does not require grad"),
        (lambda x: x.sum().backward(1.0), TypeError, "gradient must be a tensor, got float"),
        (lambda x: x.backward(pydp.ones(3)), ValueError, r"gradient must have shape \(2,\)"),
        (lambda x: x.backward(pydp.ones(2, dtype="float64")), ValueError, "and float64"),
        (lambda x: (x * 2).requires_grad_(False), RuntimeError, "only leaves"),
        (lambda x: pydp.tensor([1]).requires_grad_(), TypeError, "float32 or float64, got int64"),
        (lambda x: setattr(x, "grad", pydp.ones(3)), ValueError, r"expected shape \(2,\)"),
        (lambda x: setattr(x, "grad", 1.0), TypeError, "expected a tensor or None"),
        (lambda x: setattr(x * 2, "grad", None), RuntimeError, "only a leaf"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(leaf(1.0, 2.0))


def test_changing_what_was_saved_is_an_error():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    z = y * y
    y += 1.0
    with pytest.raises(RuntimeError, match=r"multiply: .* modified .* version 1, expected 0"):
        z.sum().backward()
    assert x.grad is None


def test_changing_what_was_saved_through_a_view_is_an_error():
    x, memory = leaf(1.0, 2.0), pydp.ones(2)
    z = x * memory
    memory.reshape(2, 1)[0] = 5.0
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        z.sum().backward()


def test_a_leaf_is_not_changed_in_place_while_recording():
    x = leaf(1.0)
    for change in (lambda: x.__iadd__(1.0), lambda: x.__setitem__(0, 2.0)):
        with pytest.raises(RuntimeError, match="a leaf that requires grad cannot be changed"):
            change()
    with pydp.no_grad():
        x += 1.0
    np.testing.assert_array_equal(x.numpy(), [2])
    assert x.is_leaf
    assert x.requires_grad


def test_a_view_in_the_graph_is_not_changed_in_place():
    y = leaf(1.0, 2.0) * 1.0
    part = y[0]
    with pytest.raises(RuntimeError, match="is a view of another one"):
        part *= 2.0


def test_in_place_operators_keep_memory_and_graph():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    same = y
    y *= 3.0
    assert same is y
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3, 3])


def test_in_place_does_not_broadcast_or_convert():
    x = pydp.ones(2)
    with pytest.raises(ValueError, match=r"\+=: the result has shape \(3, 2\)"):
        x += pydp.ones((3, 2))
    n = pydp.tensor([1, 2])
    with pytest.raises(ValueError, match="float32"):
        n += 0.5
    np.testing.assert_array_equal(n.numpy(), [1, 2])


def test_numpy_view_is_read_only():
    x = pydp.ones(2)
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 5


def test_no_grad_nests_and_ends_with_an_exception():
    x = leaf(1.0)
    with pydp.no_grad():
        with pydp.enable_grad():
            assert (x * 1.0).requires_grad
        assert not (x * 1.0).requires_grad
        with pytest.raises(ZeroDivisionError), pydp.no_grad():
            raise ZeroDivisionError
        assert not (x * 1.0).requires_grad
    assert (x * 1.0).requires_grad

    @pydp.no_grad()
    def quiet():
        return x * 1.0

    assert not quiet().requires_grad
    assert (x * 1.0).requires_grad


def test_no_grad_belongs_to_its_thread():
    x, seen = leaf(1.0), []
    with pydp.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 1.0).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_threads_sum_into_shared_leaves():
    x = leaf(1.0)
    threads = [
        threading.Thread(target=lambda: [(x * 2.0).backward() for _ in range(200)])
        for _ in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    np.testing.assert_array_equal(x.grad.numpy(), [1600])


def test_hooks():
    x, seen = leaf(1.0, 2.0), []
    y = x * 3.0
    handle = y.register_hook(lambda g: seen.append(g.numpy().copy()))
    y.register_hook(lambda g: g * 10.0)
    x.register_hook(lambda g: seen.append(g.numpy().copy()))
    y.sum().backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad.numpy(), [30, 30])
    np.testing.assert_array_equal(seen, [[1, 1], [30, 30]])
    handle.remove()
    handle.remove()
    y.register_hook(lambda g: "no")
    with pytest.raises(TypeError, match="a hook must return None or a tensor of shape"):
        y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [30, 30])


def test_a_hook_may_call_backward():
    x, w = leaf(1.0), leaf(2.0)
    y = x * 3.0

    def hook(g):
        with pydp.enable_grad():
            (w * w).backward()

    y.register_hook(hook)
    y.backward()
    np.testing.assert_array_equal(w.grad.numpy(), [4])
    np.testing.assert_array_equal(x.grad.numpy(), [3])


def test_retain_grad_keeps_intermediate_gradients():
    x = leaf(1.0)
    y = x * 3.0
    y.retain_grad()
    (y * y).backward()
    np.testing.assert_array_equal(y.grad.numpy(), [6])


def test_the_graph_goes_without_the_collector():
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = pydp.exp(x * x)
        watch = weakref.ref(y)
        z = y.sum()
        z.backward()
        del y, z
        assert watch() is None
    finally:
        gc.enable()


def test_detach_shares_memory_and_version():
    x = leaf(1.0)
    y = x * 1.0
    d = y.detach()
    assert not d.requires_grad
    d[0] = 7.0
    assert y.item() == 7
    assert y._version[0] == 1


def test_gradients_of_gradients():
    x = pydp.tensor(2.0, requires_grad=True)
    y = x * x * x
    y.backward(create_graph=True)
    g = x.grad
    x.grad = None
    g.backward()
    assert x.grad.item() == 12

    def f(x):
        return pydp.tanh(x) * x

    third = pydp.grad(pydp.grad(pydp.grad(f)))(pydp.tensor(0.3, dtype="float64"))
    t = np.tanh(0.3)
    s = 1 - t * t
    want = -6 * t * s + 0.3 * (4 * t * t * s - 2 * s * s)
    assert abs(third.item() - want) < 1e-12


def test_grad_and_value_and_grad():
    value, (da, db) = pydp.value_and_grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(
        pydp.tensor([1.0, 2.0]), pydp.tensor([3.0, 4.0])
    )
    assert value.item() == 11
    assert not value.requires_grad
    np.testing.assert_array_equal(da.numpy(), [3, 4])
    np.testing.assert_array_equal(db.numpy(), [1, 2])
    unused = pydp.grad(lambda a, b: b.sum())(pydp.ones(2), pydp.ones(2))
    np.testing.assert_array_equal(unused.numpy(), [0, 0])
    w = leaf(5.0)
    inner = pydp.grad(lambda a: (a * a * w).sum())(pydp.tensor([3.0], requires_grad=True))
    np.testing.assert_array_equal(inner.numpy(), [30])
    assert w.grad is None
    with pytest.raises(TypeError, match="one element"):
        pydp.grad(lambda a: a)(pydp.ones(2))
    with pytest.raises(IndexError, match="argnums 1 is out of range for 1 arguments"):
        pydp.grad(lambda a: a, argnums=1)(pydp.ones(1))


def test_an_exception_in_backward_changes_no_gradient():
    x = leaf(1.0)
    y = x * 2.0
    y.register_hook(lambda g: 1 / 0)
    z = (y + x * 1.0).sum()
    with pytest.raises(ZeroDivisionError):
        z.backward()
    assert x.grad is None
