"""`**` makes boxes anew, `nn.share` says that one box is meant in several places."""

import copy

import pytest

import pydp
from pydp import nn


class Own(nn.Module):
    """Parameters, and no method that draws them."""

    type = "real[..., 2] -> real[..., 2]"

    def __init__(self, part=None):
        self.weight = nn.Parameter([1.0, 2.0])
        self.part = part

    def forward(self, x):
        return x * self.weight


def test_a_power_has_parameters_of_its_own():
    f = nn.FeedForward(4, 4, hidden=8)
    f(pydp.zeros((1, 4))).sum().backward()
    net = f**3
    assert [str(box.signature) for box in net] == ["real[..., 4] -> real[..., 4]"] * 3
    first = [box.linear1.weight.tolist() for box in [f, *net]]
    assert all(first[i] != first[j] for i in range(4) for j in range(i))
    assert all(p.grad is None for p in net.parameters())
    assert len(list(net.parameters())) == 12
    assert len(list(((nn.Identity() >> nn.ReLU()) ** 2).modules())) == 7
    assert len(list((Own() ** 3).parameters())) == 3


def test_a_power_keeps_modes():
    f = nn.Linear(2, 2).eval().requires_grad_(False)
    for box in f**2:
        assert not box.training and not any(p.requires_grad for p in box.parameters())


def test_a_power_of_boxes_in_boxes():
    f = nn.AddNorm(nn.Linear(3, 3) >> nn.ReLU())
    net = f**2
    assert len(list(net.parameters())) == 8 and len({id(p) for p in net.parameters()}) == 8
    assert net[0].f[0] is not f.f[0] and str(net.signature) == "real[..., 3] -> real[..., 3]"
    beside = nn.Parallel(*[nn.Linear(3, 3) for _ in range(2)], join="add") ** 2
    assert len(list(beside.parameters())) == 8


def test_what_cannot_be_made_again():
    changed = Own()
    with pydp.no_grad():
        changed.weight[0] = 5.0
    with pytest.raises(TypeError, match=r"Own \*\*: weight was changed since it was made"):
        changed**2
    loaded = nn.Linear(2, 2)
    loaded.load_state_dict(nn.Linear(2, 2).state_dict())
    with pytest.raises(TypeError, match=r"Linear \*\*: weight was changed"):
        loaded**2
    edited = nn.Sequential(nn.ReLU())
    edited.append(nn.Tanh())
    with pytest.raises(TypeError, match=r"Sequential \*\*: it has other modules than its constr"):
        edited**2
    with pytest.raises(TypeError, match=r"Linear \*\*: weight was changed"):
        nn.Linear(2, 2).astype("float64") ** 2
    with pytest.raises(ValueError, match=r"ReLU \*\*: .* must be at least 1, got 0"):
        nn.ReLU() ** 0
    with pytest.raises(ValueError, match="Sequential: 0: Linear"):
        nn.Linear(2, 3) ** 2


def test_an_optimizer_changes_what_was_made():
    f = nn.Linear(2, 2)
    f(pydp.ones((1, 2))).sum().backward()
    pydp.optim.SGD(f.parameters(), 0.1).step()
    with pytest.raises(TypeError, match="weight was changed"):
        f**2


def test_one_box_in_two_places_is_said():
    f = nn.Linear(4, 4)
    with pytest.raises(ValueError, match=r"Sequential: 0 and 2 are one Linear.*nn\.share\(0\)"):
        f >> nn.ReLU() >> f
    with pytest.raises(ValueError, match=r"0\.0 and 1\.f\.0 are one Linear"):
        nn.Sequential(nn.Sequential(f), nn.Residual(nn.Sequential(f)))
    with pytest.raises(ValueError, match="Parallel: 0 and 1 are one Linear"):
        nn.Parallel(f, f)
    relu = nn.ReLU()
    assert len(nn.Linear(4, 4) >> relu >> nn.Linear(4, 4) >> relu) == 4

    assert nn.share(f) is f
    net = f >> nn.ReLU() >> f
    assert len(list(net.parameters())) == 2 and list(net.state_dict())[2] == "2.weight"


def test_a_power_keeps_what_is_shared():
    f = nn.share(nn.Linear(4, 4))
    net = nn.Residual(nn.Linear(4, 4) >> f) ** 3
    assert len(list(net.parameters())) == 2 + 3 * 2
    assert all(box.f[1] is f for box in net)
    other = copy.deepcopy(net)
    assert other[0].f[1] is other[2].f[1] is not f and len(list(other.parameters())) == 8
