"""grad, vjp, jvp, hvp, jacobian, hessian: operators on functions, on trees, and on each other."""

from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest

import pydp
from harness import torch
from pydp import nn

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is the oracle")


def real(*shape, seed=0):
    return pydp.tensor(np.random.default_rng([seed, *shape]).uniform(0.3, 1.5, shape))


def close(got, want, bound=1e-10):
    np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=bound, atol=bound)


class Pair(NamedTuple):
    a: pydp.Tensor
    b: pydp.Tensor


# ---- grad and value_and_grad ---------------------------------------------------------------------


def test_value_and_grad_of_several_arguments():
    value, (da, db) = pydp.value_and_grad(lambda a, b: (a * b).sum(), argnums=(0, -1))(
        pydp.tensor([1.0, 2.0]), pydp.tensor([3.0, 4.0])
    )
    assert value.item() == 11
    assert not value.requires_grad
    np.testing.assert_array_equal(da.numpy(), [3, 4])
    np.testing.assert_array_equal(db.numpy(), [1, 2])


def test_gradients_have_the_form_of_trees():
    tree = {"w": real(2), "layers": [Pair(real(2, seed=1), real(2, seed=2)), None], "more": ()}
    got = pydp.grad(lambda t: (t["w"] * t["layers"][0].a).sum())(tree)
    assert type(got["layers"][0]) is Pair
    assert got["layers"][1] is None
    assert got["more"] == ()
    close(got["w"], tree["layers"][0].a)
    close(got["layers"][0].a, tree["w"])
    close(got["layers"][0].b, [0, 0])
    ordered = pydp.grad(lambda d: (d["x"] * d["x"]).sum())(OrderedDict(x=real(2)))
    assert type(ordered) is OrderedDict


def test_numbers_and_arrays_are_arguments_too():
    assert pydp.grad(lambda x: x * x)(3.0).item() == 6
    close(pydp.grad(lambda x: (x * x).sum())(np.array([1.0, 2.0])), [2, 4])


def test_has_aux():
    def f(x):
        return (x * x).sum(), {"double": 2.0 * x, "name": "f"}

    x = pydp.tensor([1.0, 2.0])
    gradient, aux = pydp.grad(f, has_aux=True)(x)
    np.testing.assert_array_equal(gradient.numpy(), [2, 4])
    np.testing.assert_array_equal(aux["double"].numpy(), [2, 4])
    assert not aux["double"].requires_grad
    assert aux["name"] == "f"
    (value, aux), gradient = pydp.value_and_grad(f, has_aux=True)(x)
    assert value.item() == 5


def test_what_does_not_matter_has_gradient_zero_even_where_it_is_not_finite():
    x = pydp.tensor([np.inf, np.nan])
    got = pydp.grad(lambda a, b: b.sum())(x, pydp.ones(2))
    np.testing.assert_array_equal(got.numpy(), [0, 0])


def test_no_leaf_collects_anything():
    w, x = pydp.tensor([5.0], requires_grad=True), pydp.tensor([3.0], requires_grad=True)
    got = pydp.grad(lambda a: (a * a * w).sum())(x)
    np.testing.assert_array_equal(got.numpy(), [30])
    assert w.grad is None
    assert x.grad is None


def test_a_tensor_that_the_function_merely_sees_can_be_differentiated_by():
    """d/dw of d/dx (x² w) at x = 3 is 6, though w is no argument of the inner function."""
    x = pydp.tensor(3.0)
    assert pydp.grad(lambda w: pydp.grad(lambda x: x * x * w)(x))(pydp.tensor(5.0)).item() == 6
    w = pydp.tensor(5.0, requires_grad=True)
    pydp.grad(lambda x: x * x * w)(x).backward()
    assert w.grad.item() == 6


def test_inside_no_grad_gradients_are_not_recorded():
    w = pydp.tensor(5.0, requires_grad=True)
    with pydp.no_grad():
        value, gradient = pydp.value_and_grad(lambda x: x * x * w)(pydp.tensor(3.0))
    assert gradient.item() == 30
    assert not gradient.requires_grad
    assert not value.requires_grad
    assert not pydp.grad(lambda x: x * x)(pydp.tensor(3.0)).requires_grad


def test_orders_up_to_five():
    f = pydp.sin
    for order, want in enumerate([np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin,
                                  np.cos]):  # fmt: skip
        f = pydp.grad(f)
        close(f(pydp.tensor(0.7, dtype="float64")), want(0.7), 1e-12), order


def test_a_function_may_not_write_its_argument():
    def f(x):
        x *= 2.0
        return x.sum()

    x = real(2)
    before = x.numpy().copy()
    for g in (pydp.grad(f), lambda x: pydp.grad(f)(x * 1.0), pydp.grad(pydp.grad(f))):
        with pytest.raises(RuntimeError, match=r"\*=: "):
            g(x)
    np.testing.assert_array_equal(x.numpy(), before)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.grad(lambda a: a)(pydp.ones(2)), TypeError,
         r"grad: the function must return a tensor of one element, got \(2,\)"),
        (lambda: pydp.grad(lambda a: 3.0)(pydp.ones(1)), TypeError, "must return tensors, got f"),
        (lambda: pydp.grad(lambda a: {"y": 3})(pydp.ones(1)), TypeError, r"int at \['y'\]"),
        (lambda: pydp.grad(lambda a: a > 0)(pydp.ones(1)), TypeError, "return a float, got bool"),
        (lambda: pydp.grad(lambda a: a, argnums=1)(pydp.ones(1)), IndexError,
         "grad: argnums 1 is out of range for 1 arguments"),
        (lambda: pydp.grad(lambda a: a, argnums=(0, -1))(pydp.ones(1)), ValueError, "twice"),
        (lambda: pydp.grad(lambda a: a, argnums=True)(pydp.ones(1)), TypeError, "must be an int"),
        (lambda: pydp.grad(lambda a: a)({"w": [pydp.ones(1), pydp.tensor([1])]}), TypeError,
         r"grad: argument 0\['w'\]\[1\] must be float32 or float64, got int64"),
        (lambda: pydp.grad(lambda a: a, has_aux=True)(pydp.ones(1)), TypeError,
         r"must return \(value, aux\), got Tensor"),
        (lambda: pydp.grad(3), TypeError, "grad: the function must be callable, got 3"),
        (lambda: pydp.jvp(lambda a: a, (pydp.ones(2),), (pydp.ones(3),)), ValueError,
         r"jvp: tangents\[0\] must have shape \(2,\) and float32, got \(3,\)"),
        (lambda: pydp.jvp(lambda a: a, (pydp.ones(2),), ()), TypeError, "in the form of"),
        (lambda: pydp.jvp(lambda a: a, pydp.ones(2), pydp.ones(2)), TypeError,
         "jvp: primals must be a tuple"),
        (lambda: pydp.hvp(lambda a: a, (pydp.ones(2),), (pydp.ones(2),)), TypeError,
         "hvp: the function must return a tensor of one element"),
        (lambda: pydp.vjp(lambda a: a, pydp.ones(2))[1](pydp.ones(3)), ValueError,
         r"vjp: v must have shape \(2,\)"),
        (lambda: pydp.vjp(lambda a: [a, a], pydp.ones(2))[1](pydp.ones(2)), TypeError,
         "v must be tensors in the form"),
        (lambda: pydp.jacobian(None), TypeError, "jacobian: the function must be callable"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- products ------------------------------------------------------------------------------------


def model(x, w):
    """A function of two arguments with many kinds of ops in it."""
    h = pydp.tanh(x @ w) * x.sum(axis=1, keepdims=True)
    return pydp.softmax(h, axis=-1) / pydp.sqrt(w).sum() + pydp.max(x, axis=0).sum()


def test_vjp_rows_and_jvp_columns_are_one_jacobian():
    x, w = real(3, 2), real(2, 4, seed=1)
    dx, dw = pydp.jacobian(model, argnums=(0, 1))(x, w)
    assert dx.shape == (3, 4, 3, 2)
    assert dw.shape == (3, 4, 2, 4)
    v, u = real(3, 4, seed=2), (real(3, 2, seed=3), real(2, 4, seed=4))
    y, pullback = pydp.vjp(model, x, w)
    close(y, model(x, w))
    for _ in range(2):  # as often as wanted
        gx, gw = pullback(v)
        close(gx, np.tensordot(v, dx, 2))
        close(gw, np.tensordot(v, dw, 2))
    y, tangent = pydp.jvp(model, (x, w), u)
    close(y, model(x, w))
    close(tangent, np.tensordot(dx, u[0], 2) + np.tensordot(dw, u[1], 2))


@needs_torch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_products_against_torch():
    def theirs(x, w):
        h = torch.tanh(x @ w) * x.sum(dim=1, keepdim=True)
        return torch.softmax(h, -1) / torch.sqrt(w).sum() + torch.amax(x, dim=0).sum()

    arrays = [real(3, 2), real(2, 4, seed=1), real(3, 2, seed=3), real(2, 4, seed=4)]
    x, w, dx, dw = arrays
    tx, tw, tdx, tdw = [torch.tensor(a.numpy()) for a in arrays]
    _, got = pydp.jvp(model, (x, w), (dx, dw))
    close(got, torch.func.jvp(theirs, (tx, tw), (tdx, tdw))[1])
    for got, want in zip(
        pydp.jacobian(model, (0, 1))(x, w), torch.func.jacrev(theirs, (0, 1))(tx, tw), strict=True
    ):
        close(got, want)
    square = lambda f: lambda *a: (f(*a) ** 2).sum()  # noqa: E731
    got = pydp.hessian(square(model), (0, 1))(x, w)
    want = torch.func.hessian(square(theirs), (0, 1))(tx, tw)
    for i in (0, 1):
        for j in (0, 1):
            close(got[i][j], want[i][j])
    value, product = pydp.hvp(square(model), (x, w), (dx, dw))
    _, wanted = torch.autograd.functional.hvp(square(theirs), (tx, tw), (tdx, tdw))
    close(value, square(theirs)(tx, tw))
    for a, b in zip(product, wanted, strict=True):
        close(a, b)


def test_jacobian_by_columns_where_they_are_fewer(monkeypatch):
    """Three arguments and 300 results take three walks, not 300."""
    from pydp import _graph

    walks = []
    original = _graph.walk
    monkeypatch.setattr(_graph, "walk", lambda *a, **k: walks.append(1) or original(*a, **k))
    t = pydp.tensor(np.linspace(0, 1, 300))
    p = pydp.tensor([1.0, 2.0, 3.0], dtype="float64")
    got = pydp.jacobian(lambda p: p[0] * pydp.exp(p[1] * t) + p[2])(p)
    assert len(walks) == 1 + 3
    e = np.exp(2 * t.numpy())
    close(got, np.stack([e, t.numpy() * e, np.ones(300)], axis=1))


@pytest.mark.parametrize("rows", [1, 5])
def test_jacobian_of_trees(rows):
    """Both ways, by rows and by columns, with an integer and an independent result."""
    p = {"a": real(2), "b": (real(1, seed=1),)}

    def f(p):
        a = pydp.stack([p["a"] * p["b"][0]] * rows)
        return {"y": a, "constant": pydp.ones(2, dtype="float64"), "n": pydp.tensor([1, 2])}

    got = pydp.jacobian(f)(p)
    close(got["y"]["a"], np.stack([np.eye(2) * p["b"][0].item()] * rows))
    close(got["y"]["b"][0], np.stack([p["a"].numpy()[:, None]] * rows))
    for name in ("constant", "n"):
        close(got[name]["a"], np.zeros((2, 2)))
        close(got[name]["b"][0], np.zeros((2, 1)))


def test_jacobian_of_empty_arrays():
    assert pydp.jacobian(lambda x: x * 2.0)(pydp.ones((0, 3))).shape == (0, 3, 0, 3)
    assert pydp.jacobian(lambda x: x[:0])(pydp.ones(3)).shape == (0, 3)
    assert pydp.jacobian(lambda x: pydp.ones(2) * x.sum())(pydp.ones(0)).shape == (2, 0)


def test_jacobian_with_aux():
    got, aux = pydp.jacobian(lambda x: (x * x, "aux"), has_aux=True)(pydp.ones(2))
    np.testing.assert_array_equal(got.numpy(), [[2, 0], [0, 2]])
    assert aux == "aux"


def test_everything_composes():
    """Operators on operators agree: the third derivative by several roads."""

    def f(x):
        return (pydp.exp(x) * pydp.sin(x)).sum()

    x, v = real(3), real(3, seed=1)
    third = 2 * np.exp(x.numpy()) * (np.cos(x.numpy()) - np.sin(x.numpy()))
    close(np.einsum("iii->i", pydp.jacobian(pydp.hessian(f))(x).numpy()), third)
    close(pydp.grad(lambda x: (pydp.hvp(f, (x,), (v,))[1][0]).sum())(x), third * v.numpy())
    close(pydp.jvp(lambda x: pydp.hvp(f, (x,), (v,))[1][0], (x,), (v,))[1], third * v.numpy() ** 2)
    close(pydp.grad(lambda x: pydp.jvp(pydp.grad(f), (x,), (v,))[1].sum())(x), third * v.numpy())
    inner = lambda x: pydp.vjp(pydp.grad(f), x)[1](v)[0].sum()  # noqa: E731
    close(pydp.grad(inner)(x), third * v.numpy())
    by_column = lambda x: pydp.jacobian(lambda s: pydp.exp(s * x))(x.sum() * 0.0).sum()  # noqa: E731
    close(pydp.grad(by_column)(x), np.ones(3))


def test_results_follow_tangents_too():
    """jvp is linear in the tangent, and the tangent is an argument like others."""
    x, v = real(2), real(2, seed=1)
    got = pydp.grad(lambda v: pydp.jvp(lambda x: x * x, (x,), (v,))[1].sum())(v)
    close(got, 2 * x.numpy())
    got = pydp.grad(lambda v: pydp.vjp(lambda x: x * x, x)[1](v)[0].sum())(v)
    close(got, 2 * x.numpy())


def test_walks_go_only_where_a_gradient_is_wanted():
    """The gradient for x computes none for the weights that f sees."""
    seen = []
    w = pydp.tensor(np.ones((2, 2)), requires_grad=True)
    w.register_hook(lambda g: seen.append(g))
    v = w * 1.0
    v.register_hook(lambda g: seen.append(g))
    got = pydp.grad(lambda x: (pydp.tanh(x @ v) @ w).sum())(real(3, 2))
    assert got.shape == (3, 2)
    assert seen == []


# ---- functions of a module's parameters ----------------------------------------------------------


def test_grad_over_the_parameters_of_a_module():
    pydp.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).astype("float64")
    x = real(5, 3)

    def loss(params):
        return (pydp.functional_call(net, params, x) ** 2).mean()

    state = net.state_dict()
    value, gradients = pydp.value_and_grad(loss)(state)
    assert all(p.grad is None for p in net.parameters())
    (net(x) ** 2).mean().backward()
    assert gradients.keys() == state.keys()
    for name, p in net.named_parameters():
        close(gradients[name], p.grad)
    assert not value.requires_grad
    pydp.check_gradients(loss, state)
    hessian = pydp.hessian(loss)(state)
    close(hessian["0.weight"]["2.bias"], np.moveaxis(hessian["2.bias"]["0.weight"].numpy(), 0, -1))
