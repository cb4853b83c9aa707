"""Whole training steps of three kinds of models: their bits do not depend on the number of threads,
and once under way they take no more memory, and none anew from the system.

The sizes are such that every large kernel cuts its work into several tasks.
"""

import itertools
import os
import resource
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import pydp
from harness import ISAS, setting
from pydp import _kernels, nn, optim


def conv_net():
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 48, 5, padding=2, activation="relu"), nn.AvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * 36, 10),
    )  # fmt: skip
    x = np.random.default_rng(0).standard_normal((16, 3, 24, 24)).astype(np.float32)
    return model, pydp.tensor(x), np.arange(16) % 10


class Classifier(nn.Module):
    """Tokens, a sequence model, and the classes of each position."""

    def __init__(self, sequence):
        self.embedding = nn.Embedding(500, 96)
        self.sequence = sequence
        self.head = nn.Linear(96, 500)

    def forward(self, ids):
        return self.head(self.sequence(self.embedding(ids)))


class Block(nn.Module):
    """A layer of a Transformer: attention and two linear maps, each with norm and residual."""

    def __init__(self):
        self.norm1, self.norm2 = nn.LayerNorm(96), nn.LayerNorm(96)
        self.attention = nn.MultiheadAttention(96, 4, dropout=0.1, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(96, 384), nn.GELU(), nn.Linear(384, 96))

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.attention(h, h, h, need_weights=False, is_causal=True)[0]
        return x + self.mlp(self.norm2(x))


def language_model(sequence):
    ids = np.random.default_rng(0).integers(0, 500, (8, 65))
    return Classifier(sequence()), pydp.tensor(ids[:, :-1]), ids[:, 1:]


MODELS = {
    "conv net": conv_net,
    "lstm": partial(language_model, partial(nn.LSTM, 96, 96, 2)),
    "transformer": partial(language_model, Block),
}


def training(name):
    """The model, and a function that takes one step and returns the loss."""
    pydp.manual_seed(0)
    model, x, target = MODELS[name]()
    optimizer = optim.AdamW(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss = pydp.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return model, step


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("isa", ISAS)
def test_bits_do_not_depend_on_the_number_of_threads(isa, name):
    found = []
    for threads in (1, 2, 4):
        with setting(isa, threads):
            model, step = training(name)
            losses = [step() for _ in range(3)]
        assert losses[2] < losses[0]
        found.append((losses, [p.numpy() for p in model.parameters()]))
    (losses, parameters), *others = found
    for other_losses, other_parameters in others:
        assert other_losses == losses
        for a, b in zip(other_parameters, parameters, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MODELS)
def test_a_training_loop_is_flat_in_memory(name):
    _, step = training(name)
    for _ in range(5):
        step()
    memory = _kernels.memory()
    assert min(pages_written_first(step, 20) for _ in range(5)) < 100
    assert _kernels.memory() == memory  # in use, and kept for the next step


def pages_written_first(step, times):
    """By the whole process. A step of the conv net alone writes 3,000 pages, and one that gave them
    back would write them first in every round; an arena of the interpreter (256 pages) that comes
    or goes, or a page that the system took, is in one round and not in the next."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_a_large_block_that_nobody_wants_any_more_goes_back():
    """What building a model took does not stay in the cache for as long as it is trained."""
    megabytes, float32 = 1 << 18, np.dtype(np.float32)
    _kernels.empty_cache()
    del [_kernels.empty((32 * megabytes,), float32)][0]
    assert _kernels.memory()[1] >= 4 * 32 * megabytes
    for _ in range(3000):  # in use again and again: stays
        both = [_kernels.empty((n * megabytes,), float32) for n in (4, 32)]
        del both
    assert _kernels.memory()[1] >= 4 * 36 * megabytes
    for _ in range(6000):
        _kernels.empty((4 * megabytes,), float32)
    assert _kernels.memory()[1] < 4 * 32 * megabytes


def test_what_is_free_serves_blocks_of_any_size():
    """Two that lie side by side are one larger block, and a part of one is a smaller one."""
    megabyte, float32 = 1 << 18, np.dtype(np.float32)
    several = [_kernels.empty((3 * megabyte,), float32) for _ in range(4)]
    # what is live already may lie between them; whatever is free must serve a run of neighbours
    starts = sorted(a.ctypes.data for a in several)
    side_by_side = starts[3] - starts[0] == 3 * several[0].nbytes
    in_use = _kernels.memory()[0]
    del several
    kept = _kernels.memory()[1]
    large = _kernels.empty((12 * megabyte,), float32)
    assert _kernels.memory()[0] == in_use
    if side_by_side:
        assert _kernels.memory()[1] == kept - 12 * 4 * megabyte
    del large
    kept = _kernels.memory()[1]
    small = [_kernels.empty((2 * megabyte,), float32) for _ in range(6)]
    assert len({a.ctypes.data for a in small}) == 6
    assert _kernels.memory() == (in_use, kept - 12 * 4 * megabyte)
    for i, a in enumerate(small):
        a[...] = i
    assert [a.min() for a in small] == [a.max() for a in small] == list(range(6))


SCARCE = """
import resource
import numpy as np, pydp
from pydp import _kernels
megabytes, float32 = 1 << 18, np.dtype(np.float32)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 4 * 350 * megabytes
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for n in (50, 100, 150, 200, 250, 300):  # each larger than all that is free before it
    array = _kernels.empty((n * megabytes,), float32)
    array[::megabytes] = n
    del array
try:
    _kernels.empty((400 * megabytes,), float32)
except MemoryError:
    array = _kernels.empty((300 * megabytes,), float32)
    array[::megabytes] = 1
    print(_kernels.memory() == (array.nbytes, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads its size from /proc")
def test_where_addresses_are_scarce():
    """With ulimit -v: no wide mapping, and what was freed makes room for what is larger."""
    done = subprocess.run(
        [sys.executable, "-c", SCARCE], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(pydp.__file__))},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_freed_in_any_order():
    """No two blocks overlap, whatever is taken and given back; in the end all is kept."""
    draw = np.random.default_rng(0)
    before, float32 = _kernels.memory()[0], np.dtype(np.float32)
    held = []
    for step in range(2000):
        if len(held) > 24:
            array, number = held.pop(int(draw.integers(len(held))))
            assert array[0] == array[-1] == number
        array = _kernels.empty((int(draw.integers(1 << 17, 1 << 20)),), float32)
        array[0] = array[-1] = step
        held.append((array, step))
    spans = sorted((a.ctypes.data, a.ctypes.data + a.nbytes) for a, _ in held)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    del held, array
    assert _kernels.memory()[0] == before
