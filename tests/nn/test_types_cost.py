"""Types are looked at where modules meet, never where they are called: a training step runs no line
of the language of types."""

import sys
from pathlib import Path

import numpy as np

import pydp
from pydp import nn, optim

TYPES = (
    "_signature", "_notation", "_inference", "_condition", "_size", "_length", "_outline",
    "_example", "_proof",
)  # fmt: skip


def type_code_run_by(function):
    """The functions of the language that are called, and how many calls there are of any."""
    found, calls = set(), 0
    package = Path(pydp.__file__).parent

    def watch(frame, event, argument):
        nonlocal calls
        if event != "call":
            return
        calls += 1
        path, name = Path(frame.f_code.co_filename), frame.f_code.co_qualname
        if (path.parent == package and path.stem.startswith(TYPES)) or name.startswith("Later."):
            found.add(f"{path.stem}.{name}")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        function()
    finally:
        sys.setprofile(before)
    return found, calls


def steps():
    """A training step of BERT, of a conv net, of a recurrent one."""
    ids = pydp.tensor(np.arange(20).reshape(2, 10) % 7)
    images, words = pydp.ones((2, 3, 12, 12)), nn.Embedding(7, 8)
    vision = (
        nn.Conv2d(3, 8, 3, padding=1) >> nn.BatchNorm2d(8) >> nn.ReLU() >> nn.MaxPool2d(2)
        >> nn.Residual(nn.Conv2d(8, 8, 3, padding=1) >> nn.GroupNorm(2, 8)) >> nn.Flatten()
        >> nn.Linear(288, 5)
    )  # fmt: skip
    reader = words >> nn.LSTM(8, 8) >> pydp.tanh >> nn.Linear(8, 7)
    bert = nn.BERT(d=16, num_layers=2, num_heads=2, vocabulary=7, max_length=16)
    for model, loss in (
        (bert, lambda: bert(ids).sum()),
        (vision, lambda: pydp.cross_entropy(vision(images), pydp.tensor([0, 1]))),
        (reader, lambda: pydp.cross_entropy(reader(ids), ids)),
    ):
        optimizer = optim.AdamW(model.parameters(), lr=1e-3)

        def step(loss=loss, optimizer=optimizer):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()

        yield step


def test_a_training_step_runs_no_type_code():
    for step in steps():
        step()  # what is set up once
        found, calls = type_code_run_by(step)
        assert not found
        assert calls > 50  # it was watched


def test_the_watch_sees_type_code():
    found, _ = type_code_run_by(lambda: nn.Linear(2, 907) >> nn.Linear(907, 3))  # not cached
    assert any(name.startswith("_signature.compose") for name in found)
    found, _ = type_code_run_by(lambda: pydp.check(nn.Linear(2, 3)))
    assert any(name.startswith("_proof.") for name in found)
