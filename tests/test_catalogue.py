"""The catalogue: parameter counts, and every image model against an independent construction in
PyTorch with the same weights, which go over and come back through the model's table of keys."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch, weights
from peer import needs_torch
from pydp import nn
from pydp.nn import _foreign

if torch is not None:
    import image_peers as peers

# ---- parameter counts ----------------------------------------------------------------------------

COUNTS = [
    ("AlexNet", (), 61_100_840),
    ("AlexNet", (1000, "2012"), 60_965_224),
    ("LeNet", (), 454_922),
    ("LeNet", (10, "1998"), 61_706),
    ("ConvNetJS", ("mnist",), 5_994),
    ("ConvNetJS", ("cifar10",), 22_466),
    ("VGG", (11,), 132_863_336),
    ("VGG", (13,), 133_047_848),
    ("VGG", (16,), 138_357_544),
    ("VGG", (16, 1000, True), 138_365_992),
    ("VGG", (19,), 143_667_240),
    ("ResNet", (18,), 11_689_512),
    ("ResNet", (34,), 21_797_672),
    ("ResNet", (50,), 25_557_032),
    ("ResNet", (101,), 44_549_160),
    ("ResNet", (152,), 60_192_808),
    ("Autoencoder", ((784, 128, 32),), 209_968),
]


@pytest.fixture
def weightless(monkeypatch):
    """Parameters without memory, which nobody draws: one zero, seen from everywhere."""

    def zero(*shape):
        return np.broadcast_to(np.zeros((), np.float32), shape)

    for module in ("_convolution", "_linear"):
        monkeypatch.setattr(
            f"pydp.nn.{module}.new_parameter",
            lambda *shape: nn.Parameter(pydp.asarray(zero(*shape), copy=False)),
        )
    for name in ("uniform_", "normal_", "kaiming_normal_", "constant_", "zeros_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *a, **k: tensor)


@pytest.mark.parametrize(("name", "arguments", "count"), COUNTS, ids=str)
def test_parameter_counts(name, arguments, count, weightless):
    model = getattr(nn, name)(*arguments)
    assert sum(parameter.size for parameter in model.parameters()) == count


# ---- against PyTorch -----------------------------------------------------------------------------

THIN = {"classes": 7, "width": 1 / 16}
# ours, theirs, shape of a batch, their keys' table where theirs is not the published one
MODELS = {
    "AlexNet": (
        lambda: nn.AlexNet(dropout=0.0, **THIN), lambda: peers.alexnet(7), (2, 3, 95, 127), None,
    ),
    "AlexNet 2012": (
        lambda: nn.AlexNet(form="2012", dropout=0.0, **THIN), lambda: peers.alexnet_2012(7),
        (1, 3, 224, 224),
        {"conv1.*": "0.*", "conv2.*": "4.*", "conv3.*": "8.*", "conv4.*": "10.*", "conv5.*": "12.*",
         "hidden1.linear1.*": "16.*", "hidden2.linear1.*": "18.*", "score.*": "20.*"},
    ),
    "LeNet": (
        lambda: nn.LeNet(7), lambda: peers.lenet(7), (2, 1, 28, 28),
        {"conv1.*": "0.*", "conv2.*": "3.*", "hidden.linear1.*": "7.*", "score.*": "9.*"},
    ),
    "LeNet 1998": (
        lambda: nn.LeNet(7, "1998"), lambda: peers.lenet_1998(7), (2, 1, 28, 28),
        {"conv1.*": "0.*", "conv2.*": "3.*", "hidden1.linear1.*": "7.*",
         "hidden2.linear1.*": "9.*", "score.*": "11.*"},
    ),
    "ConvNetJS mnist": (
        lambda: nn.ConvNetJS("mnist", 7), lambda: peers.convnetjs_mnist(7), (2, 1, 24, 24),
        {"conv1.*": "0.*", "conv2.*": "3.*", "score.*": "7.*"},
    ),
    "ConvNetJS cifar10": (
        lambda: nn.ConvNetJS("cifar10", 7), lambda: peers.convnetjs_cifar10(7), (2, 3, 32, 32),
        {"conv1.*": "0.*", "conv2.*": "3.*", "conv3.*": "6.*", "score.*": "10.*"},
    ),
    **{
        f"VGG{depth}{' with batch norm' if norm else ''}": (
            lambda depth=depth, norm=norm: nn.VGG(depth, batch_norm=norm, dropout=0.0, **THIN),
            lambda depth=depth, norm=norm: peers.vgg(depth, 7, norm), (2, 3, 64, 96), None,
        )
        for depth, norm in ((11, False), (11, True), (13, False), (16, True), (19, False))
    },
    **{
        f"ResNet{depth}": (
            lambda depth=depth: nn.ResNet(depth, **THIN),
            lambda depth=depth: peers.resnet(depth, 7), (2, 3, 64, 96), None,
        )
        for depth in (18, 34, 50, 101)
    },
    "Autoencoder": (
        lambda: nn.Autoencoder((12, 7, 3)), lambda: peers.autoencoder(), (5, 12),
        {"encoder.0.linear1.*": "0.*", "encoder.1.*": "2.*",
         "decoder.0.linear1.*": "3.*", "decoder.1.*": "5.*"},
    ),
}  # fmt: skip


# Behind so many norms over small batches, rounding of float32 decides which units a ReLU passes:
# gradients of PyTorch's own float32 are 1e-2 from those of its float64. So theirs are compared in
# float64, and in evaluation mode.
DEEP = ("ResNet50", "ResNet101")


def pair(name, dtype):
    """Both models in this dtype, with PyTorch's weights; statistics that are not 0 and 1."""
    make, make_peer, shape, table = MODELS[name]
    torch.manual_seed(0)
    ours, theirs = make().astype(dtype), make_peer().to(getattr(torch, dtype))
    ranges = {"running_mean": (-0.2, 0.2), "running_var": (0.5, 1.5), "weight": (0.5, 1.5)}
    with torch.no_grad():
        for key, value in theirs.state_dict().items():
            if value.ndim == 1:  # of norms, and biases
                value.uniform_(*ranges.get(key.rpartition(".")[2], (-0.1, 0.3)))
    if table is not None:
        class_ = type(ours)
        ours.__class__ = type(
            class_.__name__, (class_,), {"foreign_keys": _foreign.ForeignKeys(table)}
        )
    assert ours.load_foreign(theirs.state_dict()) == ([], [])
    return ours, theirs, shape


@needs_torch
@pytest.mark.parametrize("name", MODELS)
def test_keys_there_and_back(name):
    ours, theirs, _ = pair(name, "float32")
    back, state = ours.foreign_state_dict(), theirs.state_dict()
    assert list(back) == list(state)
    for key, tensor in back.items():
        assert tensor.dtype == state[key].numpy().dtype
        assert np.array_equal(tensor.numpy(), state[key].numpy()), key
    key = list(state)[-1]
    short = {k: v for k, v in state.items() if k != key} | {"other": state[key]}
    with pytest.raises(ValueError, match=rf"missing +{key}\n +unexpected  other$"):
        ours.load_foreign(short)


def cancelled(key, model):
    """Whether a norm takes away what this parameter adds: a bias before BatchNorm, in training."""
    path, _, name = key.rpartition(".")
    if name != "bias" or not model.training:
        return False
    before = model.get_submodule(path)
    below = list(model.modules())
    return isinstance(below[below.index(before) + 1], torch.nn.BatchNorm2d)


@needs_torch
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-4), ("float64", 1e-10)])
@pytest.mark.parametrize("name", MODELS)
def test_against_torch(name, dtype, bound, training):
    ours, theirs, shape = pair(name, dtype)
    ours.train(training)
    theirs.train(training)
    a = real(*shape).astype(dtype)
    x, t = pydp.tensor(a, requires_grad=True), torch.from_numpy(a.copy()).requires_grad_()
    y, want = ours(x), theirs(t)
    assert_close(y.numpy(), want.detach().numpy(), bound, "value")
    if training and dtype == "float32" and name in DEEP:
        return
    w = weights(y.shape, 7).astype(dtype)
    y.backward(pydp.tensor(w))
    want.backward(torch.from_numpy(w))
    found = {path: parameter.grad for path, parameter in ours.named_parameters()}
    gradients = {"x": x.grad, **_foreign.read(found.items(), ours.foreign_keys)}
    peers_of = {"x": t, **dict(theirs.named_parameters())}
    assert set(gradients) == set(peers_of)
    for key, gradient in gradients.items():
        peer = peers_of[key].grad.numpy()
        largest = np.abs(peer).max()
        assert largest > 1e-7 or cancelled(key, theirs), f"{key}: nothing is compared"
        assert_close(gradient.numpy(), peer, bound * (1 + largest), f"gradient of {key}")
    for key, buffer in _foreign.read(ours.named_buffers(), ours.foreign_keys).items():
        assert_close(buffer.numpy(), dict(theirs.named_buffers())[key].numpy(), bound, key)


# ---- types ---------------------------------------------------------------------------------------

TYPES = [
    (lambda: nn.AlexNet(width=1 / 16),
     "real[..., 3, h, w] -> real[..., 1000] where h >= 63, w >= 63", {}),
    (lambda: nn.AlexNet(5, "2012", width=1 / 16), "real[..., 3, 224, 224] -> real[..., 5]",
     {"h": 224, "w": 224}),
    (lambda: nn.LeNet(5), "real[..., 1, 28, 28] -> real[..., 5]", {"h": 28, "w": 28}),
    (lambda: nn.LeNet(5, "1998"), "real[..., 1, 28, 28] -> real[..., 5]", {"h": 28, "w": 28}),
    (lambda: nn.ConvNetJS(), "real[..., 1, 24, 24] -> real[..., 10]", {"h": 24, "w": 24}),
    (lambda: nn.ConvNetJS("cifar10"), "real[..., 3, 32, 32] -> real[..., 10]", {"h": 32, "w": 32}),
    (lambda: nn.VGG(11, 5, width=1 / 16),
     "real[..., 3, h, w] -> real[..., 5] where h >= 32, w >= 32", {}),
    (lambda: nn.VGG(13, 5, True, width=1 / 16),
     "real[..., 3, h, w] -> real[..., 5] where h >= 32, w >= 32", {}),
    (lambda: nn.ResNet(18, 5, width=1 / 16), "real[..., 3, h, w] -> real[..., 5]", {}),
    (lambda: nn.ResNet(50, 5, width=1 / 16), "real[..., 3, h, w] -> real[..., 5]", {}),
    (lambda: nn.Autoencoder((9, 4)), "real[..., 9] -> real[..., 9]", {}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "type_", "sizes"), TYPES, ids=str)
def test_types_are_proved(make, type_, sizes):
    model = make().eval()
    declared = model.signature.specialise(**sizes) if sizes else model.signature
    assert str(declared) == type_
    assert str(pydp.check(model, **sizes)) == type_
