"""Module: the tree read off its attributes, state, modes, text, and errors that say where."""

import copy

import numpy as np
import pytest

import pydp
from pydp import nn


class Scale(nn.Module):
    """x · weight, with a counter as a buffer: what tests need, out of ops that are always there."""

    def __init__(self, d=2, start=1.0):
        super().__init__()
        self.weight = nn.Parameter(pydp.tensor([start] * d))
        self.register_buffer("count", pydp.tensor([0]))

    def forward(self, x):
        return x * self.weight


class Broken(nn.Module):
    def __init__(self, error):
        self.error = error

    def forward(self, x):
        raise self.error


class Net(nn.Module):
    def __init__(self):
        self.first = Scale(2, 2.0)
        self.rest = nn.ModuleList([Scale(2, 3.0), nn.ReLU()])
        self.gain = nn.Parameter(pydp.tensor([5.0]))

    def forward(self, x):
        x = self.first(x)
        for module in self.rest:
            x = module(x)
        return x * self.gain


def values(tensors):
    return [t.numpy().tolist() for t in tensors]


# ---- parameters ----------------------------------------------------------------------------------


def test_parameter_wants_a_gradient_and_is_a_tensor():
    w = nn.Parameter(pydp.tensor([1.0, 2.0]))
    (w * w).sum().backward() if hasattr(w, "sum") else pydp.sum(w * w).backward()
    assert isinstance(w, pydp.Tensor)
    assert w.grad.numpy().tolist() == [2.0, 4.0]
    assert type(w * w) is pydp.Tensor


def test_parameter_shares_a_tensor_and_copies_an_array():
    t = pydp.tensor([1.0])
    assert nn.Parameter(t)._array is t._array
    assert nn.Parameter(t)._version is t._version
    a = np.ones(2, np.float32)
    assert not np.shares_memory(nn.Parameter(a)._array, a)


@pytest.mark.parametrize("data", [[1, 2], np.array([True]), np.array(["a"]), np.array([1j])])
def test_parameter_must_be_real(data):
    with pytest.raises(TypeError, match="Parameter: "):
        nn.Parameter(data)


# ---- the tree ------------------------------------------------------------------------------------


def test_tree_in_the_order_of_assignment():
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    assert names == ["gain", "first.weight", "rest.0.weight"]
    assert values(net.parameters()) == [[5.0], [2.0, 2.0], [3.0, 3.0]]
    assert [name for name, _ in net.named_modules()] == ["", "first", "rest", "rest.0", "rest.1"]
    assert [name for name, _ in net.named_children()] == ["first", "rest"]
    assert [name for name, _ in net.named_buffers()] == ["first.count", "rest.0.count"]
    assert len(list(net.children())) == 2 and len(list(net.modules())) == 5
    assert len(list(net.buffers())) == 2
    assert next(net.named_parameters("net"))[0] == "net.gain"


def test_names_are_torchs():
    torch = pytest.importorskip("torch")
    ours = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())
    )
    shapes = {name: tuple(t.shape) for name, t in theirs.state_dict().items()}
    assert {name: t.shape for name, t in ours.state_dict().items()} == shapes
    assert list(ours.state_dict()) == list(shapes)
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]


def test_calls_forward():
    assert Net()(pydp.tensor([1.0, -1.0])).numpy().tolist() == [30.0, 0.0]


def test_attributes_come_and_go():
    net = Net()
    del net.first
    assert [name for name, _ in net.named_parameters()] == ["gain", "rest.0.weight"]
    net.gain = None
    assert [name for name, _ in net.named_parameters()] == ["rest.0.weight"]
    net.gain = nn.Parameter(pydp.tensor([1.0]))
    assert [name for name, _ in net.named_parameters()] == ["gain", "rest.0.weight"]
    del net.rest[0].count
    assert list(net.buffers()) == []


def test_super_init_may_come_late_or_never():
    class Late(nn.Module):
        def __init__(self):
            self.part = Scale()
            super().__init__()

    assert len(list(Late().parameters())) == 1


@pytest.mark.parametrize(
    "hidden",
    [[Scale()], (Scale(),), {"a": Scale()}, [nn.Parameter([1.0])]],
    ids=["list", "tuple", "dict", "parameters"],
)
def test_modules_in_a_plain_container_are_an_error(hidden):
    with pytest.raises(
        TypeError, match=r"Net: parts is a .* would be overlooked; use nn.ModuleList"
    ):
        Net().parts = hidden


def test_modules_put_into_a_list_later_are_an_error():
    net = Net()
    net.layers = []
    net.layers.append(Scale())
    for use in (net.state_dict, lambda: list(net.parameters()), lambda: repr(net)):
        with pytest.raises(TypeError, match=r"Net: layers is a list that .* use nn.ModuleList"):
            use()


def test_a_part_must_not_hide_a_method():
    with pytest.raises(AttributeError, match="Net: parameters is a method of every module"):
        Net().parameters = Scale()


def test_a_forgotten_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty: no forward method is defined"):
        Empty()(1)


def test_apply_reaches_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Scale", "Scale", "ReLU", "ModuleList", "Net"]


# ---- ties ----------------------------------------------------------------------------------------


def tied():
    net = nn.Sequential(Scale(), Scale(2, 4.0))
    net[1].weight = net[0].weight
    return net


def test_a_tie_is_one_parameter_with_two_paths():
    net = tied()
    assert [name for name, _ in net.named_parameters()] == ["0.weight"]
    state = net.state_dict()
    assert list(state) == ["0.weight", "0.count", "1.weight", "1.count"]
    assert state["0.weight"] is state["1.weight"]
    shared = nn.Sequential(nn.share(net[0]), net[0])
    assert [name for name, _ in shared.named_modules()] == ["", "0"]
    assert list(shared.state_dict()) == ["0.weight", "0.count", "1.weight", "1.count"]


def test_a_tie_loads_from_any_of_its_paths():
    net = tied()
    state = {"0.count": pydp.tensor([1]), "1.count": pydp.tensor([2])}
    net.load_state_dict({**state, "1.weight": pydp.tensor([7.0, 8.0])})
    assert values(net.parameters()) == [[7.0, 8.0]]
    with pytest.raises(ValueError, match=r"missing     0.weight = 1.weight$"):
        net.load_state_dict(state)
    with pytest.raises(ValueError, match=r"1.weight: the same parameter as 0.weight, but other"):
        net.load_state_dict(
            {**state, "0.weight": pydp.tensor([7.0, 8.0]), "1.weight": pydp.tensor([7.0, 9.0])}
        )


def test_a_copy_keeps_the_tie_and_shares_nothing():
    net = tied()
    pydp.sum(net(pydp.tensor([1.0, 2.0]))).backward()
    other = copy.deepcopy(net)
    assert other[0].weight is other[1].weight and other[0].weight is not net[0].weight
    assert not np.shares_memory(other[0].weight._array, net[0].weight._array)
    assert not np.shares_memory(other[0].count._array, net[0].count._array)
    assert type(other[0].weight) is nn.Parameter and other[0].weight.requires_grad
    assert values([other[0].weight.grad]) == values([net[0].weight.grad])
    before = values(net.parameters())
    other.load_state_dict({k: np.zeros(t.shape, t.dtype) for k, t in other.state_dict().items()})
    assert values(net.parameters()) == before


def test_a_module_inside_itself_is_an_error_not_a_hang():
    net = Net()
    net.first.up = net
    assert len(list(net.modules())) == 5
    with pytest.raises(ValueError, match=r"Net: first.up is a module that contains itself"):
        net.state_dict()
    assert "the same as the top" in repr(net)


# ---- buffers -------------------------------------------------------------------------------------


def test_buffers():
    module = Scale()
    module.register_buffer("scratch", pydp.tensor([1.0]), persistent=False)
    module.register_buffer("later", None)
    assert list(module.state_dict()) == ["weight", "count"]
    assert [name for name, _ in module.named_buffers()] == ["count", "scratch"]
    module.later = pydp.tensor([2.0])
    assert list(module.state_dict()) == ["weight", "count", "later"]
    with pytest.raises(TypeError, match="Scale: the buffer later must be a tensor or None"):
        module.later = 3
    with pytest.raises(TypeError, match="Scale: later is a buffer"):
        module.later = nn.Parameter([1.0])
    for name in ("count", "a.b", "", 3, "forward"):
        with pytest.raises(ValueError, match="register_buffer: name must be a new attribute"):
            module.register_buffer(name, None)
    with pytest.raises(TypeError, match="register_buffer: new must be a tensor, got list"):
        module.register_buffer("new", [1.0])


# ---- state ---------------------------------------------------------------------------------------


def test_state_goes_round_and_parameters_stay():
    net, other = Net(), Net()
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    held, versions = list(net.parameters()), [p._version[0] for p in net.parameters()]
    assert net.load_state_dict(other.state_dict()) == ([], [])
    assert values(net.parameters()) == values(other.parameters())
    assert all(a is b for a, b in zip(held, net.parameters(), strict=True))
    assert [p._version[0] for p in held] == [v + 1 for v in versions]


def test_loading_between_forward_and_backward_is_seen():
    net = Net()
    y = pydp.sum(net(pydp.tensor([1.0, 2.0])))
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


def test_one_error_lists_all_and_nothing_is_loaded():
    net = Net()
    before = {name: t.numpy().copy() for name, t in net.state_dict().items()}
    state = {
        "gain": pydp.tensor([9.0]),
        "first.weight": pydp.tensor([1.0, 2.0, 3.0]),
        "first.count": pydp.tensor([1.0]),
        "rest.0.weight": [1.0, 2.0],
        "extra": pydp.tensor([1.0]),
        4: pydp.tensor([1.0]),
    }
    with pytest.raises(ValueError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Net: the state does not fit, nothing was loaded\n"
        "  wrong       first.weight: expected shape (2,), got (3,)\n"
        "  wrong       first.count: expected int64, got float32; use astype\n"
        "  wrong       rest.0.weight: expected a tensor, got list\n"
        "  missing     rest.0.count\n"
        "  unexpected  extra\n"
        "  unexpected  4"
    )
    for name, t in net.state_dict().items():
        assert np.array_equal(t.numpy(), before[name])


def test_not_strict_loads_what_fits_and_returns_the_rest():
    net = Net()
    keys = net.load_state_dict({"gain": pydp.tensor([9.0]), "x": pydp.tensor([1.0])}, strict=False)
    assert keys.missing_keys == ["first.weight", "first.count", "rest.0.weight", "rest.0.count"]
    assert keys.unexpected_keys == ["x"]
    assert net.gain.item() == 9.0
    with pytest.raises(ValueError, match=r"wrong       gain: expected shape \(1,\), got \(2,\)"):
        net.load_state_dict({"gain": pydp.tensor([9.0, 1.0])}, strict=False)


def test_loading_from_its_own_memory_swaps():
    net = nn.Sequential(Scale(2, 1.0), Scale(2, 2.0))
    state = net.state_dict()
    state["0.weight"], state["1.weight"] = state["1.weight"], state["0.weight"]
    net.load_state_dict(state)
    assert values(net.parameters()) == [[2.0, 2.0], [1.0, 1.0]]


def test_state_must_be_a_dict():
    with pytest.raises(TypeError, match="load_state_dict: state must be a dict, got Scale"):
        Net().load_state_dict(Scale())


def test_read_only_memory_is_refused_before_anything_is_written():
    net = Net()
    net.first.weight._array.flags.writeable = False
    with pytest.raises(ValueError, match=r"first.weight: the module's own memory is read-only"):
        net.load_state_dict({k: t.numpy() + 1 for k, t in net.state_dict().items()})
    assert net.gain.item() == 5.0


# ---- modes ---------------------------------------------------------------------------------------


def test_train_and_eval():
    net = Net()
    assert all(m.training for m in net.modules())
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())
    with pytest.raises(TypeError, match="train: mode must be a bool, got 1"):
        net.train(1)


def test_freezing_keeps_gradients_of_the_others():
    net = Net()
    pydp.sum(net(pydp.tensor([1.0, 2.0]))).backward()
    held = net.gain.grad
    assert net.requires_grad_() is net and net.gain.grad is held
    net.first.requires_grad_(False)
    assert [p.requires_grad for p in net.parameters()] == [True, False, True]
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_astype_converts_reals_and_keeps_the_objects():
    net = Net()
    net.register_buffer("mean", pydp.tensor([0.5]))
    pydp.sum(net(pydp.tensor([1.0, 2.0]))).backward()
    held = list(net.parameters())
    assert net.astype("float64") is net
    assert all(a is b for a, b in zip(held, net.parameters(), strict=True))
    assert {str(t.dtype) for t in net.parameters()} == {"float64"}
    assert str(net.mean.dtype) == "float64" and str(net.first.count.dtype) == "int64"
    assert str(net.gain.grad.dtype) == "float64"
    y = net(pydp.tensor([1.0, 2.0], dtype="float64"))
    assert str(y.dtype) == "float64" and y.requires_grad
    with pytest.raises(TypeError, match="astype: a module's dtype must be float32 or float64"):
        net.astype("int64")


def test_astype_leaves_graphs_and_hooks_alone():
    net = Net()
    seen = []
    net.gain.register_hook(lambda gradient: seen.append(str(gradient.dtype)))
    y = pydp.sum(net(pydp.tensor([1.0, 2.0])))
    net.astype("float64")
    net.load_state_dict(net.state_dict())  # the new memory; what y saved is the old one
    y.backward()
    assert all(p.grad is None for p in net.parameters())
    pydp.sum(net(pydp.tensor([1.0, 2.0], dtype="float64"))).backward()
    assert seen == ["float32", "float64"] and net.gain.grad.item() == 18.0


# ---- text ----------------------------------------------------------------------------------------


def test_repr_is_a_tree_with_counts():
    shared = nn.share(nn.Linear(4, 4))
    net = nn.Sequential(nn.Linear(1000, 4), nn.ReLU(), shared, nn.Sequential(shared))
    net.append(nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)]))
    assert repr(net).splitlines() == [
        "Sequential()               4,042 parameters  real[..., 1000] -> any",
        "  0: Linear(1000, 4)       4,004             real[..., 1000] -> real[..., 4]",
        "  1: ReLU()                                  real[...] -> real[...]",
        "  2: Linear(4, 4)             20             real[..., 4] -> real[..., 4]",
        "  3: Sequential()                            real[..., 4] -> real[..., 4]",
        "    0: the same as 2",
        "  4: ModuleList()             18",
        "    0-2: 3 × Linear(2, 2)     18             real[..., 2] -> real[..., 2]",
    ]
    assert repr(nn.ReLU()) == "ReLU()"
    assert repr(tied()).splitlines()[0] == "Sequential()  2 parameters"


# ---- errors that say where -----------------------------------------------------------------------


def raised(net, kind):
    with pytest.raises(kind) as caught:
        net(pydp.tensor([1.0]))
    return caught.value


def test_an_error_names_the_path_once():
    inner = Broken(ValueError("conv2d: groups must divide 3"))
    net = nn.Sequential(nn.Identity(), nn.Sequential({"deep": inner}))
    error = raised(net, ValueError)
    assert str(error) == "Sequential/1.deep: Broken: conv2d: groups must divide 3"
    assert error is inner.error


def test_an_error_at_the_top_names_the_module():
    assert str(raised(Broken(TypeError("no")), TypeError)) == "Broken: no"


def test_the_path_leads_through_lists():
    class Stack(nn.Module):
        def __init__(self):
            self.blocks = nn.ModuleList([nn.Identity(), Broken(IndexError("row 9"))])

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    assert str(raised(Stack(), IndexError)) == "Stack/blocks.1: Broken: row 9"


def test_a_module_that_is_not_a_part_is_named_by_its_class():
    class Outer(nn.Module):
        def forward(self, x):
            return Broken(ValueError("no"))(x)

    assert str(raised(Outer(), ValueError)) == "Outer/<Broken>: Broken: no"


@pytest.mark.parametrize(
    "error",
    [KeyError("k"), OSError(2, "no such file"), ValueError(), ValueError("a", "b")],
    ids=repr,
)
def test_other_arguments_stay_and_a_note_says_where(error):
    arguments = error.args
    found = raised(nn.Sequential(nn.Sequential(Broken(error))), type(error))
    assert found.args == arguments
    assert found.__notes__ == ["in Sequential/0.0: Broken"]


def test_an_error_raised_anew_keeps_what_it_says():
    class Translating(nn.Module):
        def __init__(self):
            self.part = Broken(ValueError("no"))

        def forward(self, x):
            try:
                return self.part(x)
            except ValueError as error:
                raise TypeError("translated") from error

    assert str(raised(nn.Sequential(Translating()), TypeError)) == (
        "Sequential/0: Translating: translated"
    )


def test_wrong_arguments_name_the_module():
    error = raised(nn.Sequential(Net(), nn.ModuleList()), NotImplementedError)
    assert str(error) == "Sequential/1: ModuleList: no forward method is defined"


def test_interrupts_pass_untouched():
    net = nn.Sequential(Broken(KeyboardInterrupt("stop")))
    with pytest.raises(KeyboardInterrupt, match=r"^stop$"):
        net(1)


# ---- docstrings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in dir(nn) if isinstance(getattr(nn, n), type)])
def test_every_module_says_its_shape_and_has_an_example(name):
    box = getattr(nn, name)
    assert ">>> " in box.__doc__
    if name not in ("Module", "Parameter", "Sequential", "ModuleList", "ModuleDict", "Identity"):
        assert "Shape: ``" in box.__doc__
