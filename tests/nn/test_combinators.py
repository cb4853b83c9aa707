"""Sequential, ModuleList, ModuleDict, Identity: order, paths, types that must fit."""

from itertools import pairwise

import pytest

import pydp
from pydp import nn


def boxes(*sizes):
    return [nn.Linear(a, b) for a, b in pairwise(sizes)]


def paths(module):
    return [name for name, _ in module.named_children()]


def test_sequential_applies_in_order():
    a, b = boxes(2, 3, 4)
    x = pydp.tensor([[1.0, -2.0]])
    assert nn.Sequential(a, nn.ReLU(), b)(x).tolist() == b(pydp.relu(a(x))).tolist()
    assert nn.Sequential()(x) is x
    assert nn.Identity(1, two=3)(x) is x


def test_sequential_of_names():
    net = nn.Sequential({"body": nn.Linear(2, 3), "head": nn.Linear(3, 1)})
    assert list(net.state_dict()) == ["body.weight", "body.bias", "head.weight", "head.bias"]
    assert net.head is net[1] and net(pydp.zeros((4, 2))).shape == (4, 1)


def test_a_list_is_edited():
    a, b, c = boxes(1, 1, 1, 1)
    for kind in (nn.Sequential, nn.ModuleList):
        net = kind(a) if kind is nn.Sequential else kind([a])
        assert net.append(c) is net
        assert net.insert(1, b) is net and list(net) == [a, b, c] and paths(net) == ["0", "1", "2"]
        del net[0]
        assert list(net) == [b, c] and paths(net) == ["0", "1"]
        net[-1] = a
        net.extend([c, nn.ReLU()])
        assert list(net)[:3] == [b, a, c] and len(net) == 4
        assert type(net[1:3]) is kind and list(net[1:3]) == [a, c] and net[-2] is c
        del net[1:]
        assert list(net) == [b]
        for index in (1, -2):
            with pytest.raises(IndexError, match=r"index .* is out of range for 1 modules"):
                net[index]
        with pytest.raises(TypeError, match="an index must be an int, got '0'"):
            net["0"]


def test_many_keep_their_order():
    net = nn.ModuleList(nn.Linear(1, 1) for _ in range(12))
    net.insert(0, nn.ReLU())
    assert paths(net) == [str(i) for i in range(13)]


def test_a_dict_is_edited():
    heads = nn.ModuleDict({"a": nn.ReLU()})
    heads["b"] = b = nn.Tanh()
    heads.update({"a": nn.Sigmoid()})
    assert list(heads) == heads.keys() == ["a", "b"] and len(heads) == 2 and "b" in heads
    assert heads.values()[1] is b and heads.items()[1] == ("b", b) and heads["b"] is b
    del heads["a"]
    assert "a" not in heads
    for use in (lambda: heads["a"], lambda: heads.__delitem__("forward")):
        with pytest.raises(KeyError, match="ModuleDict: no module is named"):
            use()


@pytest.mark.parametrize("name", ["", "a.b", "keys", "forward", "training"])
def test_names_that_cannot_be(name):
    for kind in (nn.ModuleDict, nn.Sequential):
        if name == "keys" and kind is nn.Sequential:
            continue
        with pytest.raises(ValueError, match="a module's name must have no dot and hide no attr"):
            kind({name: nn.ReLU()})
    with pytest.raises(TypeError, match="a module's name must be a str, got 1"):
        nn.ModuleDict({1: nn.ReLU()})


def test_only_modules():
    with pytest.raises(TypeError, match=r"Sequential: ReLU is a class; write ReLU\(…\)"):
        nn.Sequential(nn.ReLU)
    with pytest.raises(TypeError, match="ModuleList: expected a module, got function"):
        nn.ModuleList([pydp.relu])
    with pytest.raises(TypeError, match="ModuleDict: expected a module, got int"):
        nn.ModuleDict({"a": 1})


def test_a_failed_edit_changes_nothing():
    a, b = boxes(2, 3, 4)
    net = nn.Sequential(a)
    with pytest.raises(TypeError):
        net.extend([nn.ReLU(), nn.ReLU])
    assert list(net) == [a] and net.append(b)[1] is b


# ---- types ---------------------------------------------------------------------------------------


def test_types_are_composed():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(-3))
    assert str(net.signature).startswith(
        "real[..., 3, h, w] -> any[..., 8*(h // 2 - 1)*(w // 2 - 1)]"
    )
    net.append(nn.Linear(8 * 3 * 3, 10))
    assert str(net.signature.check(h=8, w=8)) == "real[..., 3, 8, 8] -> real[..., 10]"
    with pytest.raises(ValueError, match=r"288 == 72 is false|do not fit|is false"):
        net.signature.check(h=14, w=14)
    assert str(nn.Sequential().signature) == "any -> any"


def test_an_impossible_wiring_is_an_error_at_construction():
    with pytest.raises(ValueError) as caught:
        nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(32, 8))
    message = str(caught.value)
    assert message.startswith("Sequential: 0-1 >> 2: Linear(32, 8)")
    assert message.endswith("repair: Linear(in_features=64, …)")
    assert "real[..., 3] -> real[..., 64]" in message and "real[..., 32] -> real[..., 8]" in message
    assert "64" in message.splitlines()[-2] and "32" in message.splitlines()[-2]
    with pytest.raises(TypeError):
        nn.Sequential(nn.Linear(3, 64), nn.Embedding(10, 3))


def test_an_edit_may_pass_through_what_does_not_fit():
    net = nn.Sequential(*boxes(2, 3, 4))
    net[0] = nn.Linear(2, 5)
    with pytest.raises(ValueError, match="Sequential: 0: Linear"):
        net.signature  # noqa: B018
    net[1] = nn.Linear(5, 4)
    assert str(net.signature) == "real[..., 2] -> real[..., 4]"


def test_one_after_the_other():
    a, b, c = boxes(2, 3, 4, 5)
    for net in ((a >> b) >> c, a >> (b >> c)):
        assert list(net) == [a, b, c] and str(net.signature) == "real[..., 2] -> real[..., 5]"
    named = nn.Sequential({"a": a, "b": b})
    assert list(named >> c) == [named, c]
    with pytest.raises(ValueError, match=r"Sequential: 0: Linear.* >> 1: Linear"):
        a >> c
    with pytest.raises(TypeError, match="unsupported operand"):
        a >> 3


def test_a_module_without_a_type_fits_anywhere():
    class Any(nn.Module):
        def forward(self, x):
            return x

    nn.Sequential(nn.Linear(3, 64), Any(), nn.Linear(32, 8))


def test_a_declared_type_is_checked():
    class Half(nn.Module):
        type = "real[..., 2*d] -> real[..., d]"

        def forward(self, x):
            return x[..., ::2]

    assert str(nn.Sequential(Half(), Half()).signature) == "real[..., 4*d] -> real[..., d]"
    with pytest.raises(ValueError, match="Sequential: 0: Linear"):
        nn.Sequential(nn.Linear(3, 5), Half())
