"""Tables of keys: both ways, and the one report of what does not fit."""

import numpy as np
import pytest

import pydp
from harness import real, torch
from peer import needs_torch
from pydp import nn
from pydp.nn._foreign import ForeignKeys, Link, Theirs


class Net(nn.Module):
    """A row of every form."""

    foreign_keys = ForeignKeys(
        {
            "blocks.{i}.weight": Theirs("h.{i}.q.w", "h.{i}.k.w", "h.{i}.v.w"),
            "blocks.{i}.bias": "h.{i}.b",
            ("query.weight", "key.weight"): Theirs("qk", transposed=True),
            ("query.bias", "key.bias"): "qk_bias",
            "wide.weight": Theirs("left", "right", axis=1, transposed=True),
            "tied.weight": "head",
            "norm.*": "bn.*",
            "scale": None,
        },
        ignored=["h.{i}.mask"],
    )

    def __init__(self):
        self.blocks = nn.ModuleList([nn.Linear(2, 6) for _ in range(2)])
        self.query, self.key = nn.Linear(3, 4), nn.Linear(3, 2)
        self.wide = nn.Linear(4, 5, bias=False)
        self.tied = nn.Linear(4, 5, bias=False)
        self.tied.weight = self.wide.weight
        self.norm = nn.BatchNorm1d(3)
        self.scale = nn.Parameter(pydp.tensor([1.0]))


SHAPES = {
    "h.0.q.w": (2, 2), "h.0.k.w": (2, 2), "h.0.v.w": (2, 2), "h.0.b": (6,),
    "h.1.q.w": (2, 2), "h.1.k.w": (2, 2), "h.1.v.w": (2, 2), "h.1.b": (6,),
    "qk": (3, 6), "qk_bias": (6,), "left": (2, 5), "right": (2, 5), "head": (5, 4),
    "bn.weight": (3,), "bn.bias": (3,), "bn.running_mean": (3,), "bn.running_var": (3,),
    "bn.num_batches_tracked": (),
}  # fmt: skip


def checkpoint():
    """Theirs, with other numbers everywhere."""
    state = {
        key: real(*shape, seed=i).astype("float32") for i, (key, shape) in enumerate(SHAPES.items())
    }
    state["head"] = np.concatenate([state["left"].T, state["right"].T], axis=1)
    state["bn.num_batches_tracked"] = np.array(7)
    return state


def values(net):
    return {path: np.array(tensor.numpy()) for path, tensor in net.state_dict().items()}


def test_there_and_back():
    net, state = Net(), checkpoint()
    assert net.load_foreign(state) == ([], [])
    ours = values(net)
    for i in range(2):
        parts = [state[f"h.{i}.{part}.w"] for part in "qkv"]
        np.testing.assert_array_equal(ours[f"blocks.{i}.weight"], np.concatenate(parts))
    np.testing.assert_array_equal(ours["query.weight"], state["qk"].T[:4])
    np.testing.assert_array_equal(ours["key.weight"], state["qk"].T[4:])
    np.testing.assert_array_equal(ours["key.bias"], state["qk_bias"][4:])
    np.testing.assert_array_equal(ours["wide.weight"][:, 2:], state["right"].T)
    assert ours["norm.num_batches_tracked"] == 7 and ours["scale"] == 1
    back = net.foreign_state_dict()
    assert set(back) == set(state)
    for key, tensor in back.items():
        np.testing.assert_array_equal(tensor.numpy(), state[key], err_msg=key)
        assert tensor.dtype == state[key].dtype and not tensor.requires_grad


def test_through_a_file(tmp_path):
    net, other = Net(), Net()
    pydp.save(tmp_path / "net.safetensors", net.foreign_state_dict())
    assert other.load_foreign(pydp.load(tmp_path / "net.safetensors")) == ([], [])
    for path, value in values(net).items():
        np.testing.assert_array_equal(values(other)[path], value, err_msg=path)


@needs_torch
def test_tensors_of_torch():
    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    ours.load_foreign(theirs.state_dict())
    np.testing.assert_array_equal(ours.weight.numpy(), theirs.weight.detach().numpy())
    with pytest.raises(ValueError, match=r"wrong +bias: expected a tensor, got TypeError"):
        ours.load_foreign({**theirs.state_dict(), "bias": torch.zeros(2, dtype=torch.bfloat16)})


def test_one_report_and_nothing_written():
    net, state = Net(), checkpoint()
    before = values(net)
    del state["h.1.k.w"], state["bn.bias"], state["bn.num_batches_tracked"]
    state |= {
        "qk": state["qk"].T,
        "h.1.v.w": np.zeros(4, "float32"),
        "left": state["left"].astype("float64"),
        "qk_bias": [1.0],
    }
    state |= {"h.0.mask": 1, "h.x.mask": 1, "more": 2}
    with pytest.raises(ValueError) as caught:
        net.load_foreign(state)
    assert str(caught.value).split("\n") == [
        "Net: the checkpoint does not fit, nothing was loaded",
        "  wrong       h.1.v.w: expected shape (2, 2), got (4,)",
        "  wrong       qk: expected shape (3, 6), got (6, 3)",
        "  wrong       qk_bias: expected a tensor, got list",
        "  wrong       left: expected float32, got float64; use astype",
        "  missing     h.1.k.w",
        "  missing     bn.bias",
        "  unexpected  h.x.mask",
        "  unexpected  more",
    ]
    for path, value in values(net).items():
        np.testing.assert_array_equal(before[path], value, err_msg=path)


def test_not_strict():
    net, state = Net(), checkpoint()
    before = values(net)
    del state["h.1.k.w"]
    state["more"] = 2
    assert net.load_foreign(state, strict=False) == (["h.1.k.w"], ["more"])
    np.testing.assert_array_equal(values(net)["blocks.1.weight"], before["blocks.1.weight"])
    np.testing.assert_array_equal(values(net)["blocks.1.bias"], state["h.1.b"])
    with pytest.raises(ValueError, match="wrong"):
        net.load_foreign({"qk": np.zeros(3)}, strict=False)


def test_a_tie_needs_one_of_its_keys_and_refuses_two_that_disagree():
    net, state = Net(), checkpoint()
    want = state.pop("head")
    assert net.load_foreign(state) == ([], [])
    np.testing.assert_array_equal(net.tied.weight.numpy(), want)
    state = checkpoint()
    del state["left"], state["right"]
    assert Net().load_foreign(state) == ([], [])
    net, state = Net(), checkpoint()
    state["head"] = state["head"] + 1
    with pytest.raises(ValueError, match="head: the same parameter as left, but other values"):
        net.load_foreign(state)


def test_what_is_loaded_is_seen_by_the_graph():
    net = Net()
    y = net.wide(pydp.tensor(real(2, 4).astype("float32"), requires_grad=True)).sum()
    net.load_foreign(checkpoint())
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


def test_from_its_own_memory():
    """Two parameters that change places, in the dict that shares their memory."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    before = values(net)
    state = net.foreign_state_dict()
    net.load_foreign({key: state[f"{1 - int(key[0])}{key[1:]}"] for key in state})
    for key, value in values(net).items():
        np.testing.assert_array_equal(value, before[f"{1 - int(key[0])}{key[1:]}"])


def test_tables_compose():
    inner = ForeignKeys({"layers.{i}.*": "h.{i}.*", ("a", "b"): Theirs("c", axis=1)}, ["mask"])
    table = inner.within("body", "transformer") | ForeignKeys({"head": "lm_head"}, ["version"])
    assert table.links(["head", "body.b", "body.layers.12.norm.bias", "body.a"]) == [
        Link(("head",), ("lm_head",), 0, False),
        Link(("body.a", "body.b"), ("transformer.c",), 1, False),
        Link(("body.layers.12.norm.bias",), ("transformer.h.12.norm.bias",), 0, False),
    ]
    assert table.ignores("transformer.mask") and table.ignores("version")
    assert not table.ignores("mask")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ForeignKeys({"a.{i}": "b.{j}"}), "must have the same {names} and *"),
        (lambda: ForeignKeys({"a.*": "b"}), "must have the same {names} and *"),
        (lambda: ForeignKeys({("a", "b"): Theirs("c", "d")}), "one path or one key"),
        (lambda: ForeignKeys({"a.{i}": "b.{i}"}).links(["a.x"]), "have no row for a.x"),
    ],
)
def test_a_table_that_makes_no_sense(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)


def test_parts_must_be_equal():
    class Odd(nn.Linear):
        foreign_keys = ForeignKeys({"weight": Theirs("a", "b"), "bias": "bias"})

    with pytest.raises(ValueError, match="weight is not 2 equal parts"):
        Odd(2, 3).load_foreign({"a": np.zeros(1), "b": np.zeros(1)})
    with pytest.raises(TypeError, match="load_foreign: state must be a dict, got list"):
        nn.Linear(2, 3).load_foreign([])
