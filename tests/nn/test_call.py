"""Call: functions among modules."""

import functools

import pytest

import pydp
from pydp import nn


def test_a_function_stands_in_a_chain():
    f, g = nn.Linear(2, 8), nn.Linear(8, 3)
    net = f >> pydp.tanh >> g
    x = pydp.tensor([[1.0, -2.0]])
    assert net(x).tolist() == g(pydp.tanh(f(x))).tolist()
    assert str(net.signature) == "real[..., 2] -> real[..., 3]" and repr(net[1]) == "Call(tanh)"
    assert (pydp.relu >> f)(x).tolist() == f(pydp.relu(x)).tolist()
    assert len(f >> pydp.tanh >> g >> pydp.relu) == 4 and len((f >> pydp.tanh) ** 1) == 1


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (pydp.relu, "real[..., 3, h, w] -> real[..., 8, h, w]"),
        (lambda x: pydp.mean(x, axis=(-1, -2)), "real[..., 3, h, w] -> real[..., 8]"),
        (lambda x: x[..., 1:], "real[..., 3, h, w] -> real[..., 8, h, w - 1]"),
        (functools.partial(pydp.sum, axis=-3), "real[..., 3, h, w] -> real[..., h, w]"),
        (pydp.matrix_transpose, "real[..., 3, h, w] -> real[..., 8, w, h]"),
    ],
)
def test_types_are_found(function, signature):
    assert str((nn.Conv2d(3, 8, 1) >> function).signature) == signature


def test_what_depends_on_sizes_has_no_type():
    def by_number(x):
        return pydp.concat([x[..., :1] for _ in range(x.shape[-1])], axis=-1)

    def at_most(x):
        return x if x.shape[-1] < 9 else x[..., :3]

    for function in (by_number, at_most, lambda x: x.reshape(-1)):
        found = (nn.Conv2d(3, 8, 1) >> function).signature
        assert str(found) == "real[..., 3, h, w] -> any"


def test_a_clash_behind_a_function_is_found():
    with pytest.raises(ValueError, match=r"16 .* against 9"):
        nn.Linear(4, 8) >> (lambda x: pydp.concat([x, x], -1)) >> nn.Linear(9, 2)
    typed = nn.Call(lambda x: x[..., ::2], "real[..., 2*d] -> real[..., d]")
    assert str((nn.Linear(4, 8) >> typed).signature) == "real[..., 4] -> real[..., 4]"
    with pytest.raises(ValueError, match="do not fit"):
        nn.Linear(4, 7) >> typed


SIZE = 2


def test_what_refers_to_constants_is_tried_once(monkeypatch):
    import pydp._proof

    tried = []
    monkeypatch.setattr(
        pydp._proof,
        "result_of",
        lambda f, given, real=pydp._proof.result_of: (tried.append(f), real(f, given))[1],
    )
    axis = -1
    functions = [
        lambda x: x.mean(axis=-1, keepdims=True) + x,
        lambda x: pydp.concat([x, x], axis)[..., :4],
        lambda x, n=4: x[..., :n] if n else x,
        lambda x: sum(y * SIZE for y in (x, x)),
        functools.partial(pydp.clip, min=0.0, max=1.0),
        lambda x: inner(x),
    ]

    def inner(x):
        return pydp.relu(x) if axis else inner(x)

    net = nn.Linear(4, 4)
    for function in functions:
        net = net >> function >> nn.Linear(4, 4)
    assert len(tried) == len(functions)
    assert str(net.signature) == "real[..., 4] -> real[..., 4]" and len(tried) == len(functions)


def test_what_may_change_is_tried_again():
    class Settings:
        n = 2

        def twice(self, x):
            return pydp.concat([x] * self.n, axis=-1)

    settings = Settings()
    nets = [
        nn.Linear(3, 4) >> (lambda x: pydp.concat([x] * Settings.n, axis=-1)),
        nn.Linear(3, 4) >> (lambda x: settings.twice(x)),
        nn.Linear(3, 4) >> settings.twice,
    ]
    assert [str(net.signature) for net in nets] == ["real[..., 3] -> real[..., 8]"] * 3
    Settings.n = 1
    assert [str(net.signature) for net in nets] == ["real[..., 3] -> real[..., 4]"] * 3
    state, layers = {"n": 2}, [nn.Linear(4, 6)]
    net = nn.Linear(3, 4) >> (lambda x: pydp.concat([x] * state["n"], axis=-1))
    layer = nn.Linear(3, 4) >> (lambda x: layers[0](x))
    assert str(net.signature) == "real[..., 3] -> real[..., 8]"
    assert str(layer.signature) == "real[..., 3] -> real[..., 6]"
    state["n"], layers[0] = 3, nn.Linear(4, 7)
    assert str(net.signature) == "real[..., 3] -> real[..., 12]"
    assert str(layer.signature) == "real[..., 3] -> real[..., 7]"


def test_a_name_that_is_bound_anew_is_seen(monkeypatch):
    k = 2
    net = nn.Linear(3, 4) >> (lambda x: pydp.concat([x] * k, axis=-1))
    other = nn.Linear(3, 4) >> (lambda x: pydp.concat([x] * SIZE, axis=-1))
    assert [str(m.signature)[-2] for m in (net, other)] == ["8", "8"]
    k = 1
    monkeypatch.setitem(globals(), "SIZE", 1)
    assert [str(m.signature)[-2] for m in (net, other)] == ["4", "4"]


def test_only_functions():
    with pytest.raises(TypeError, match="Call: function must be a function, got 3"):
        nn.Call(3)
    with pytest.raises(TypeError, match=r">>: ReLU is a class; write ReLU\(…\)"):
        nn.ReLU() >> nn.ReLU
    with pytest.raises(TypeError, match="unsupported operand"):
        nn.ReLU() >> int
    with pytest.raises(TypeError, match="tensor >> ReLU: >> composes modules"):
        pydp.ones(2) >> nn.ReLU()
    with pytest.raises(TypeError, match=r"unsupported operand|expected a tensor"):
        pydp.tensor([4]) >> pydp.relu
