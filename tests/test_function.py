"""User-defined operations, and check_gradients, which examines them."""

import gc
import weakref

import numpy as np
import pytest

import pydp
from pydp import Function, check_gradients


def real(*shape, seed=0):
    return pydp.tensor(np.random.default_rng([seed, *shape]).uniform(0.3, 1.5, shape))


class Cube(Function):
    @staticmethod
    def forward(x):
        return pydp.tensor(x.numpy() ** 3), (x,)

    @staticmethod
    def backward(saved, dy):
        (x,) = saved
        return dy * 3.0 * x * x


class Exp(Function):
    """Saves its result."""

    @staticmethod
    def forward(x):
        y = pydp.tensor(np.exp(x.numpy()))
        return y, (y,)

    @staticmethod
    def backward(saved, dy):
        return dy * saved[0]


class Polar(Function):
    """Two results, and an argument that is no tensor."""

    @staticmethod
    def forward(x, y, turn):
        r = pydp.sqrt(x * x + y * y)
        return (r, pydp.tensor(np.arctan2(y.numpy(), x.numpy()) + turn)), (x, y, r, "kept")

    @staticmethod
    def backward(saved, dys):
        x, y, r, word = saved
        assert word == "kept"
        dr, dphi = dys
        return (
            dr * x / r - dphi * y / (r * r),
            dr * y / r + dphi * x / (r * r),
            None,
        )


class Reverse(Function):
    """The identity whose gradient is turned round; saves its argument, which is its result."""

    @staticmethod
    def forward(x):
        return x, (x,)

    @staticmethod
    def backward(saved, dy):
        return -dy * saved[0]


@pytest.mark.parametrize("f", [Cube.apply, Exp.apply, lambda x: Cube.apply(Exp.apply(x))])
def test_gradients_of_every_order(f):
    check_gradients(f, real(3, 2), order=3)


def test_several_results_and_arguments():
    x, y = real(4), real(4, seed=1)
    check_gradients(lambda x, y: Polar.apply(x, y, 0.5), x, y)
    check_gradients(lambda x, y: Polar.apply(x, y, 0.5)[1], x, y)
    a, b = x.detach().requires_grad_(), y.detach()
    r, _ = Polar.apply(a, b, 0)
    r.sum().backward()
    assert b.grad is None


def test_an_argument_may_be_the_result():
    x = pydp.tensor([3.0], requires_grad=True)
    y = Reverse.apply(x)
    y.sum().backward(create_graph=True)
    assert x.grad.item() == -3
    g, x.grad = x.grad, None
    g.sum().backward()
    assert x.grad.item() == -1  # d(-x)/dx: what was saved is x and not the result
    with pytest.raises(RuntimeError, match="is a view of another one"):
        y += 1.0


def test_nothing_is_recorded_where_nothing_is_wanted():
    assert not Cube.apply(pydp.ones(2)).requires_grad
    with pydp.no_grad():
        assert not Cube.apply(pydp.ones(2).requires_grad_()).requires_grad


def test_integer_results_want_no_gradient():
    class Order(Function):
        @staticmethod
        def forward(x):
            order = np.argsort(x.numpy())
            return (pydp.tensor(x.numpy()[order]), pydp.tensor(order)), (order,)

        @staticmethod
        def backward(saved, dys):
            return dys[0][np.argsort(saved[0])]  # the saved NumPy array is one still

    x = pydp.tensor([3.0, 1.0, 2.0], dtype="float64", requires_grad=True)
    _, order = Order.apply(x)
    assert not order.requires_grad
    assert order.tolist() == [1, 2, 0]
    check_gradients(lambda x: Order.apply(x)[0], x.detach())


def test_what_cannot_be_differentiated_again_says_so():
    class Intermediate(Function):
        @staticmethod
        def forward(x):
            t = pydp.tanh(x)
            return pydp.square(t), (t,)

        @staticmethod
        def backward(saved, dy):
            (t,) = saved
            return dy * 2.0 * t * (1.0 - t * t)

    class Cut(Function):
        @staticmethod
        def forward(x):
            return x * 2.0, None

        @staticmethod
        def backward(saved, dy):
            return pydp.tensor(2 * dy.numpy())

    check_gradients(Intermediate.apply, real(2), order=1)
    with pytest.raises(NotImplementedError, match=r"Intermediate: .* neither an argument nor a"):
        check_gradients(Intermediate.apply, real(2))
    check_gradients(Cut.apply, real(2), order=1)
    with pytest.raises(NotImplementedError, match=r"Cut: .* that of argument 0 does not follow dy"):
        check_gradients(Cut.apply, real(2))


def returning(y=lambda x: (x * 2.0, None), dx=lambda dy: dy):
    """A Function whose parts return this."""
    return type("Odd", (Function,), {
        "forward": staticmethod(lambda x: y(x)),
        "backward": staticmethod(lambda saved, dy: dx(dy)),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("odd", "error", "message"),
    [
        (returning(y=lambda x: x), TypeError, r"forward must return \(y, saved\)"),
        (returning(y=lambda x: (x, x)), TypeError, r"forward must return \(y, saved\)"),
        (returning(y=lambda x: (x.numpy(), None)), TypeError, "must give a tensor .* got ndarray"),
        (returning(y=lambda x: (x.__iadd__(1.0), None)), RuntimeError, "must not change an argum"),
        (returning(dx=lambda dy: (dy, dy)), TypeError, "must return 1 gradients, .* got 2"),
        (returning(dx=lambda dy: [dy]), TypeError, "argument 0 a tensor or None, got list"),
        (returning(dx=lambda dy: 1.0), TypeError, "argument 0 a tensor or None, got float"),
        (returning(dx=lambda dy: dy.sum()), ValueError, r"of shape \(2,\) and float64, got \(\)"),
        (returning(dx=lambda dy: dy.astype("float32")), ValueError, "got .* and float32"),
    ],
)
def test_errors(odd, error, message):
    x = real(2).requires_grad_()
    with pytest.raises(error, match=f"Odd: .*{message}"):
        odd.apply(x).sum().backward()
    assert x.grad is None


def test_misuse():
    with pytest.raises(TypeError, match=r"Cube: functions are not instantiated; call Cube.apply"):
        Cube()
    with pytest.raises(TypeError, match="Function: apply is called on a subclass"):
        Function.apply(pydp.ones(1))
    with pytest.raises(NotImplementedError, match="forward is not defined"):
        type("Empty", (Function,), {}).apply(pydp.ones(1))


def test_a_changed_argument_is_noticed():
    x, w = pydp.ones(2), real(2).requires_grad_()

    class Product(Function):
        @staticmethod
        def forward(x, w):
            return x * w.astype("float32"), (x, w)

        @staticmethod
        def backward(saved, dy):
            return None, (dy * saved[0]).astype("float64")

    y = Product.apply(x, w)
    x[0] = 3.0
    with pytest.raises(RuntimeError, match=r"Product: a tensor saved for backward.* index assign"):
        y.sum().backward()


def test_arguments_are_released_with_the_graph():
    gc.disable()
    try:
        x = real(2).requires_grad_()
        y = x * 1.0
        watch = weakref.ref(y)
        z = Cube.apply(y)
        del y
        z.sum().backward()
        assert watch() is None
    finally:
        gc.enable()


# ---- check_gradients -----------------------------------------------------------------------------


class Wrong(Function):
    """The second element's gradient is 1 % off."""

    @staticmethod
    def forward(x):
        return pydp.square(x), (x,)

    @staticmethod
    def backward(saved, dy):
        return dy * 2.0 * saved[0] * pydp.tensor([1.0, 1.01, 1.0], dtype="float64")


def test_a_wrong_gradient_is_found_and_placed():
    message = r"the gradient of f for argument 0\['w'\]\[1\] at \[1\] is .* by its rule, .* by diff"
    with pytest.raises(AssertionError, match=message):
        check_gradients(lambda t: Wrong.apply(t["w"][1]), {"w": [real(1), real(3)]})


def test_a_wrong_second_gradient_is_found():
    class Constant(Function):
        @staticmethod
        def forward(x):
            return pydp.square(x), (x, x.numpy().copy())

        @staticmethod
        def backward(saved, dy):
            return dy * (2.0 * pydp.tensor(saved[1])) + 0.0 * saved[0]

    check_gradients(Constant.apply, real(2), order=1)
    with pytest.raises(AssertionError, match="the gradient of the gradient of f for argument 0"):
        check_gradients(Constant.apply, real(2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_gradients(pydp.exp, pydp.ones(2)), TypeError,
         "argument 0 must be float64, got float32; use astype"),
        (lambda: check_gradients(lambda x, t: x, real(1), [real(1), 3]), TypeError,
         r"argument 1\[1\] must be float64, got int"),
        (lambda: check_gradients(pydp.exp, 3), TypeError, "no argument is a tensor"),
        (lambda: check_gradients(lambda x: 3.0, real(2)), TypeError, "must return tensors"),
        (lambda: check_gradients(lambda x: pydp.dropout(x, 0.5), real(9)), AssertionError,
         "f gives two values for one argument"),
        (lambda: check_gradients(pydp.exp, real(2), order=0), ValueError, "order must be at least"),
    ],
)  # fmt: skip
def test_check_gradients_errors(call, error, message):
    with pytest.raises(error, match=f"check_gradients: .*{message}"):
        call()


def test_only_some_elements_of_large_arrays_are_looked_at():
    calls = []
    check_gradients(lambda x: calls.append(1) or x * x, real(2000), order=1)
    assert len(calls) == 2 + 1 + 4 * 512
