"""The trace: boxes, wires, types and counts of a run."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_models import Block, Residual, WordModel, alexnet

import pydp
from pydp import nn
from pydp._size import SignatureError, symbol
from pydp.draw._box import Box, End
from pydp.draw._trace import trace


def drawn(module, **sizes):
    return trace(module, **sizes).box


def wires(box: Box):
    """(from, to) by names; None is the box's own border."""
    name = lambda end: None if end.child is None else box.children[end.child].name  # noqa: E731
    return [(name(w.source), name(w.target)) for w in box.wires]


def test_a_residual_block_has_a_wire_around():
    box = drawn(Residual())
    assert [child.name for child in box.children] == ["Conv2d", "relu", "Conv2d", "add", "relu"]
    assert {(w.source.child, w.target.child) for w in box.wires} == {
        (None, 0), (0, 1), (1, 2), (2, 3), (None, 3), (3, 4), (4, None),
    }  # fmt: skip
    assert {w.type for w in box.wires} == {"real[n, 16, h, w]"}


def test_boxes_have_paths_arguments_and_parameters():
    box = drawn(Residual())
    conv = box.children[0]
    assert (conv.path, conv.arguments) == ("conv1", "16, 16, 3, padding=1")
    assert (conv.parameters, box.parameters) == (16 * 16 * 9 + 16, 2 * (16 * 16 * 9 + 16))


def test_types_are_general_and_in_the_authors_names():
    box = drawn(WordModel())
    assert (box.inputs, box.names) == (["token[..., t]"], ["x"])
    assert [child.outputs for child in box.children] == [
        ["real[..., t, 64]"], ["real[..., t, 128]"], ["real[..., t, 1000]"],
    ]  # fmt: skip


def test_a_reshape_is_folded_into_the_wire():
    net = nn.Conv2d(3, 4, 3) >> nn.Flatten() >> nn.Linear(16, 2)
    flatten = drawn(net, h=4, w=4).children[1]
    assert flatten.children == []
    (wire,) = flatten.wires
    assert wire[:2] == (End(None, 0), End(None, 0))
    assert (wire.type, wire.becomes) == ("real[..., 4, 2, 2]", "real[..., 16]")


class Positions(nn.Module):
    type = "token[..., t] -> real[..., t, 8]"

    def __init__(self):
        self.token, self.position = nn.Embedding(50, 8), nn.Embedding(20, 8)

    def forward(self, x):
        return self.token(x) + self.position(pydp.arange(x.shape[-1]))


def test_a_size_that_became_a_number_is_found_again():
    position = drawn(Positions()).children[1]
    assert (position.inputs, position.outputs) == ([], ["real[t, 8]"])


class Wrong(nn.Module):
    type = "real[t, d] -> real[d]"

    def forward(self, x):
        return pydp.stack([pydp.sum(x[i]) for i in range(x.shape[0])])


def test_a_loop_over_a_size_asks_for_it():
    with pytest.raises(SignatureError, match=r"Wrong: .*give the size a number: t=…, d=…"):
        drawn(Wrong())


def test_no_type_is_an_error_that_says_what_to_do():
    with pytest.raises(SignatureError, match=r"Identity: it declares no type.*give it one"):
        drawn(nn.Identity())
    assert drawn(nn.Identity(), type="real[a] -> real[a]").outputs == ["real[a]"]


class Around(nn.Module):
    """The path around a box that gives its argument back is not the one through it."""

    type = "real[..., 4] -> real[..., 4]"

    def __init__(self):
        self.same, self.map = nn.Identity(), nn.Linear(4, 4)

    def forward(self, x):
        return x + self.map(self.same(x))


def test_a_box_that_gives_its_argument_back_is_passed_through():
    assert wires(drawn(Around())) == [
        (None, "Identity"), ("Identity", "Linear"), (None, "add"), ("Linear", "add"), ("add", None),
    ]  # fmt: skip


def test_equal_neighbours_are_one_box():
    box = drawn(nn.FeedForward(64, 64) ** 3 >> nn.Linear(64, 10))
    assert [(c.name, c.times) for c in box.children] == [("FeedForward", 3), ("Linear", 1)]
    assert wires(box) == [(None, "FeedForward"), ("FeedForward", "Linear"), ("Linear", None)]
    assert box.parameters == 3 * (64 * 64 + 64) + 64 * 10 + 10
    assert box.multiply_adds.value == 3 * 64 * 64 + 64 * 10


class Both(nn.Module):
    """Two equal boxes side by side, and two that are not fed by each other alone."""

    type = "real[..., 4] -> real[..., 4]"

    def __init__(self):
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        y = self.a(x)
        return y + self.b(y)


def test_neighbours_whose_results_go_elsewhere_stay_apart():
    assert [c.name for c in drawn(Both()).children] == ["Linear", "Linear", "add"]


class Twice(nn.Module):
    type = "real[..., 4] -> real[..., 4]"

    def __init__(self):
        self.map = nn.Linear(4, 4)

    def forward(self, x):
        return self.map(pydp.relu(self.map(x)))


def test_a_loop_is_one_step():
    box = drawn(nn.SequenceRNN(nn.LSTMCell(8, 16)), t=4)
    step = box.children[0]
    assert (step.name, step.times, step.is_loop) == ("LSTMCell", 4, True)
    assert {*wires(box)} == {(None, "LSTMCell"), ("LSTMCell", None)}
    assert step.inputs == ["real[..., 8]", "real[..., 16]", "real[..., 16]"]  # x, h and c
    assert step.outputs == ["real[..., 4, 16]", "real[..., 16]"]
    assert [(loop.output, loop.input) for loop in step.loops] == [(0, 1), (1, 2)]
    assert not step.is_shared
    assert box.multiply_adds.value == 4 * step.multiply_adds.value


def test_a_loop_with_attention_is_one_step():
    decoder = nn.BahdanauDecoder(8, 8, 12)
    box = drawn(decoder, t=3)
    step = next(c for c in box.children if c.times == 3)
    assert [c.name for c in step.children] == ["BahdanauAttention", "concat", "GRUCell"]
    assert ports_match(box) is None


def test_layers_with_an_input_of_their_own_are_one():
    box = drawn(nn.TransformerDecoder(8, 2, 6))
    assert [(c.name, c.times) for c in box.children if c.times > 1] == [
        ("linear", 6), ("TransformerDecoderBlock", 6),
    ]  # fmt: skip
    assert len([c for c in box.children if not c.is_op]) == 2


def test_a_module_that_is_called_twice_is_said_to_be_shared():
    box = drawn(Twice())
    assert [c.is_shared for c in box.children if not c.is_op] == [False, True]
    assert box.parameters == 20


@pytest.mark.parametrize(
    ("model", "parameters", "multiply_adds"),
    [
        (alexnet, 61_100_840, 714_188_480),
        (nn.AlexNet, 61_100_840, 714_188_480),
        (lambda: nn.ResNet(18), 11_689_512, 1_814_073_344),
    ],
    ids=["written out", "AlexNet", "ResNet-18"],
)
def test_known_counts(model, parameters, multiply_adds):
    """As torchvision's models of these names have them, for one image."""
    box = drawn(model(), h=224, w=224)
    assert (box.parameters, box.multiply_adds.value) == (parameters, multiply_adds)


def test_multiply_adds_of_a_block_of_bert_base():
    """By hand: four maps of 768 and two of 768 by 3072 for each token, and for each pair of tokens
    a product of queries and keys and one of weights and values, 768 numbers each."""
    block = nn.TransformerBlock(768, 12, hidden=3072, activation="gelu")
    t = symbol("t")
    by_hand = t * (4 * 768 * 768 + 2 * 768 * 3072) + t * t * (2 * 768)
    assert drawn(block).multiply_adds.same(by_hand)


@pytest.mark.parametrize(
    ("module", "sizes", "count"),
    [
        (nn.Conv2d(8, 16, 3, groups=4), {"h": 10, "w": 12}, 8 * 10 * 16 * 2 * 9),
        (nn.Conv1d(4, 6, 5, padding=2), {"l": 9}, 9 * 6 * 4 * 5),
        (nn.ConvTranspose2d(4, 6, 3), {"h": 5, "w": 5}, 25 * 4 * 6 * 9),
        (nn.LSTM(3, 8, num_layers=2), {"t": 5}, 5 * 4 * 8 * (3 + 8 + 8 + 8)),
        (nn.GRU(3, 8, bidirectional=True), {"t": 5}, 2 * 5 * 3 * 8 * (3 + 8)),
        (nn.RNN(3, 8, bias=False), {"t": 5}, 5 * 8 * (3 + 8)),
        # queries · keys a second time, for the weights that it returns
        (nn.MultiheadAttention(8, 2), {"t": 3, "s": 5}, (3 + 5 + 5 + 3) * 64 + 3 * 15 * 8),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)  # fmt: skip
def test_multiply_adds(module, sizes, count):
    assert drawn(module, **sizes).multiply_adds.value == count


def test_memory_is_of_the_results():
    box = drawn(nn.Linear(4, 8) >> nn.ReLU() >> nn.Linear(8, 2))
    assert box.memory.value == 4 * (8 + 8 + 2)


def test_the_module_is_as_before():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    before = {name: b.numpy().copy() for name, b in net.named_buffers()}
    pydp.manual_seed(3)
    expected = pydp.rand((2,)).numpy()
    pydp.manual_seed(3)
    drawn(net)
    assert np.array_equal(pydp.rand((2,)).numpy(), expected)
    assert all(np.array_equal(b.numpy(), before[name]) for name, b in net.named_buffers())
    assert all(m._hooks is None for m in net.modules()) and net[0].weight.grad is None


def ports_match(box: Box) -> None:
    """Every wire ends at a port that there is, and inside a box goes on from there."""
    for wire in box.wires:
        for end, ours in ((wire.source, box.inputs), (wire.target, box.outputs)):
            if end.child is None:
                assert end.port < len(ours)
        if wire.source.child is not None:
            assert box.children[wire.source.child].outputs[wire.source.port] == wire.type
        if wire.target.child is not None:
            assert box.children[wire.target.child].inputs[wire.target.port] == wire.becomes
    for child in box.children:
        ports_match(child)


@pytest.mark.parametrize(
    ("module", "sizes"),
    [
        (Residual(), {}), (Block(), {}), (WordModel(), {}), (alexnet(), {"h": 224, "w": 224}),
        (nn.BERTPretraining(nn.BERT(d=16, num_layers=3, num_heads=2, vocabulary=50)), {}),
        (nn.GPT(d=16, num_layers=2, num_heads=2, vocabulary=50), {}), (nn.Attention(8), {}),
        (nn.SequenceRNN(nn.LSTMCell(8, 16)), {"t": 4}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)  # fmt: skip
def test_every_wire_ends_at_a_port(module, sizes):
    ports_match(drawn(module, **sizes))


@pytest.mark.parametrize(
    ("module", "sizes"),
    [
        (nn.Conv2d(3, 4, 3, stride=2) >> nn.MaxPool2d(2), {"h": 40, "w": 31}),
        (nn.Transformer(8, 2, num_layers=2), {"t": 100}),
        (nn.LeNet(), {"h": 28, "w": 28}),
    ],
    ids=["convolution", "transformer", "LeNet"],
)
def test_sizes_put_in_afterwards_are_those_of_a_run_at_that_size(module, sizes):
    """The same boxes as where the type itself has the numbers, and forward is run on them."""
    declared = module.signature.specialise(**sizes)
    assert drawn(module, **sizes).form() == drawn(module, type=str(declared)).form()
    assert drawn(module, **sizes).memory.same(drawn(module, type=str(declared)).memory)


class Long(nn.Module):
    """It goes another way for long sequences."""

    type = "real[t, 4] -> real[t, 4]"

    def forward(self, x):
        return pydp.tanh(x) if x.shape[0] > 50 else pydp.relu(x)


def test_a_comparison_is_made_at_the_sizes_that_are_given():
    assert [drawn(Long(), t=t).children[0].name for t in (9, 50, 51)] == ["relu", "relu", "tanh"]


def test_large_sizes_need_no_large_memory():
    """An image of a terapixel."""
    net = nn.Conv2d(3, 64, 3, padding=1) >> nn.MaxPool2d(2)
    box = drawn(net, h=10**6, w=10**6)
    assert box.multiply_adds.value == 64 * 27 * 10**12
    assert box.memory.value == 4 * 64 * (10**12 + 10**12 // 4)
