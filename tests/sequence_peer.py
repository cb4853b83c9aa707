"""Models of sequences against an independent PyTorch construction with the same weights.

The peer's weights are a dict of tensors by our paths, which the construction reads as it likes; so
a gradient of ours has the gradient of the tensor by that path as its oracle. A PyTorch module gets
them by `rename`d paths.
"""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch, weights

BOUNDS = {"float32": 1e-4, "float64": 1e-10}
# The paths of a TransformerBlock's parts, and those of PyTorch's TransformerEncoderLayer.
BLOCK = [
    ("attention.f.", "self_attn."), ("attention.norm", "norm1"),
    ("feed_forward.f.", ""), ("feed_forward.norm", "norm2"),
]  # fmt: skip
dtypes = pytest.mark.parametrize("dtype", BOUNDS)


def filled(module, dtype="float64", low=-0.5, high=0.5):
    """The module with every parameter drawn: zeros and ones would hide what they multiply."""
    module.astype(dtype).eval()
    with pydp.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter[...] = real(*parameter.shape, low=low, high=high, seed=100 + i).astype(dtype)
    return module


def torch_weights(module):
    """The parameters by path, as torch leaves."""
    return {
        name: torch.from_numpy(np.array(p.numpy())).requires_grad_()
        for name, p in module.named_parameters()
    }


def loaded(theirs, ours, rename):
    """The PyTorch module with our weights; rename is a list of (our part, its part) of paths."""
    state = {}
    for name, parameter in ours.named_parameters():
        for part, other in rename:
            name = name.replace(part, other)
        state[name] = torch.from_numpy(np.array(parameter.numpy()))
    theirs.to(torch.float64 if "64" in str(parameter.dtype) else torch.float32).eval()
    theirs.load_state_dict(state)
    return {our: dict(theirs.named_parameters())[name] for (our, _), name in
            zip(ours.named_parameters(), state, strict=True)}  # fmt: skip


def pairs(*arrays, dtype="float64"):
    """Each array as our tensor and as PyTorch's; real ones in this dtype, with gradients."""
    found = []
    for a in arrays:
        is_real = a.dtype.kind == "f"
        a = a.astype(dtype) if is_real else a
        theirs = torch.from_numpy(a.copy()).requires_grad_(is_real)
        found.append((pydp.tensor(a, requires_grad=is_real), theirs))
    return found


def compare(module, y, t, peers, inputs=(), dtype="float64"):
    """Values, then the gradients of inputs and of all parameters."""
    bound = BOUNDS[dtype]
    ys, ts = (y, t) if isinstance(y, tuple) else ((y,), (t,))
    ours = theirs = 0.0
    for i, (a, b) in enumerate(zip(ys, ts, strict=True)):
        want = b.detach().numpy()
        assert a.dtype == want.dtype == dtype
        assert_close(a.numpy(), want, bound, f"value {i}")
        w = weights(a.shape, 7 + i).astype(dtype)
        ours, theirs = ours + (a * pydp.tensor(w)).sum(), theirs + (b * torch.from_numpy(w)).sum()
    ours.backward()
    theirs.backward()
    for i, (x, z) in enumerate(inputs):
        if z.requires_grad:
            close(x.grad, z.grad, bound, f"gradient of input {i}")
    for name, parameter in module.named_parameters():
        if peers[name].grad is None:  # has no part in y
            assert parameter.grad is None or not parameter.grad.numpy().any(), name
        else:
            close(parameter.grad, peers[name].grad, bound, f"gradient of {name}")


def close(ours, theirs, bound, what):
    want = theirs.numpy()
    assert_close(ours.numpy(), want, bound * (1 + np.abs(want).max()), what)
