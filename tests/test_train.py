"""The training loop, evaluation, the confusion matrix, and signals."""

import os
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import pydp
from pydp import nn
from pydp.data import Batches
from pydp.optim import SGD
from pydp.recipes import RECIPES
from pydp.recipes._digits import shifted
from pydp.train import (
    Epoch,
    Stopped,
    TrainingError,
    confusion_text,
    cosine,
    evaluate,
    fit,
    signals_wait,
    stop_signals,
)


def points(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds that a line separates."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return (rng.normal(0, 0.5, (n, 2)) + (2 * y[:, None] - 1)).astype(np.float32), y


def test_fit_learns():
    pydp.manual_seed(0)
    x, y = points()
    model = nn.Linear(2, 2)
    epochs: list[Epoch] = []
    batches = Batches(x, y, batch_size=32, generator=pydp.Generator(0))
    fit(model, SGD(model.parameters(), lr=0.5), batches, 5, after_epoch=epochs.append)
    assert [(e.number, e.epochs) for e in epochs] == [(n, 5) for n in range(1, 6)]
    assert epochs[-1].loss < 0.5 * epochs[0].loss
    assert epochs[-1].accuracy > 0.98
    result = evaluate(model, Batches(x, y, batch_size=64))
    assert result.accuracy > 0.98
    assert result.confusion.sum() == 200
    assert np.trace(result.confusion) == round(200 * result.accuracy)


def test_an_epoch_is_a_line(capsys):
    x, y = points(20)
    model = nn.Linear(2, 2)
    fit(model, SGD(model.parameters(), lr=0.1), Batches(x, y, batch_size=8), 12)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    assert re.fullmatch(r"epoch  1/12   loss \d\.\d{4}   accuracy .\d\d\.\d %   \d\.\d s", lines[0])
    assert str(Epoch(3, 20, 0.25, 1.0, 1.26)) == (
        "epoch  3/20   loss 0.2500   accuracy 100.0 %   1.3 s"
    )


def test_the_means_weigh_a_short_batch_less():
    """Loss and accuracy are means over rows: 3 rows and 1 row, nothing learned."""
    x = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]], np.float32)
    y = np.array([0, 0, 1, 0])
    model = nn.Linear(2, 2, bias=False)
    model.load_state_dict({"weight": pydp.tensor(np.eye(2, dtype=np.float32))})
    epochs: list[Epoch] = []
    fit(model, SGD(model.parameters(), lr=0.0), Batches(x, y, batch_size=3), 1,
        after_epoch=epochs.append)  # fmt: skip
    right, wrong = np.log1p(np.exp(-4.0)), np.log1p(np.exp(4.0))
    assert epochs[0].accuracy == 0.5
    assert epochs[0].loss == pytest.approx((2 * right + 2 * wrong) / 4, rel=1e-6)
    assert evaluate(model, Batches(x, y, batch_size=3)).loss == pytest.approx(epochs[0].loss)


def test_schedule():
    """The optimizer's own rate times the schedule, at the share of steps that are done."""
    x, y = points(40)
    model = nn.Linear(2, 2)
    optimizer = SGD(model.parameters(), lr=0.5)
    rates = []
    step = optimizer.step
    optimizer.step = lambda: (rates.append(optimizer.lr), step())
    fit(model, optimizer, Batches(x, y, batch_size=10), 2,
        schedule=lambda done: 1 - done, after_epoch=lambda epoch: None)  # fmt: skip
    assert rates == pytest.approx([0.5 * (1 - i / 8) for i in range(8)])
    assert [cosine(0.0), cosine(0.5), cosine(1.0)] == pytest.approx([1, 0.5, 0])


def test_training_mode():
    """Dropout is on in fit and off in evaluate, which leaves the mode as it was."""
    x, y = points(8)
    modes = []

    class Spy(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(2, 2)

        def forward(self, x):
            modes.append((self.training, pydp.tensor([0.0], requires_grad=True) * 2))
            return self.linear(x)

    model = Spy().eval()
    batches = Batches(x, y, batch_size=8)
    evaluate(model, batches)
    assert not model.training
    fit(model, SGD(model.parameters(), lr=0.1), batches, 1, after_epoch=lambda epoch: None)
    assert model.training
    evaluate(model, batches)
    assert model.training
    assert [(mode, value.requires_grad) for mode, value in modes] == [
        (False, False), (True, True), (False, False),
    ]  # fmt: skip


def test_a_loss_that_is_not_finite():
    x, y = points(8)
    model = nn.Linear(2, 2)
    weight, bias = np.full((2, 2), np.nan, np.float32), np.zeros(2, np.float32)
    model.load_state_dict({"weight": pydp.tensor(weight), "bias": pydp.tensor(bias)})
    said = "the loss is nan in epoch 1: try a smaller learning rate"
    with pytest.raises(TrainingError, match=said):
        fit(model, SGD(model.parameters(), lr=0.1), Batches(x, y, batch_size=8), 3)


def test_nothing_to_evaluate():
    with pytest.raises(ValueError, match="evaluate: there are no batches"):
        evaluate(nn.Linear(2, 2), Batches(np.zeros((0, 2)), np.zeros(0), batch_size=3))


def test_confusion_matrix_counts_truth_by_answer():
    class Says(nn.Module):
        def forward(self, x):
            return x

    answers = np.array([0, 2, 2, 1])
    x = np.eye(3, dtype=np.float32)[answers]
    result = evaluate(Says(), Batches(x, np.array([0, 0, 2, 1]), batch_size=3))
    assert result.confusion.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert result.accuracy == 0.75


def test_confusion_text():
    text = confusion_text(np.array([[120, 0], [7, 4]]))
    assert text.splitlines() == [
        "       answer",
        "truth    0    1",
        "    0  120    .",
        "    1    7    4",
    ]
    assert len({len(line) for line in confusion_text(np.eye(12)).splitlines()[1:]}) == 1


# ---- signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_stop_signals(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as raised, stop_signals():
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 5)  # the handler runs at the latest here
    assert raised.value.code == 128 + number
    assert str(raised.value) == f"stopped by {signal.Signals(number).name}"
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored():
    """As nohup does it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_stop_signals_in_another_thread():
    """Signals are the main thread's; elsewhere training goes on without them."""
    ended = []

    def work():
        with stop_signals():
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [True]


STOPS = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Stopped,
    signal.SIGHUP: Stopped,
}


@pytest.mark.parametrize("number", STOPS)
def test_signals_wait(number):
    """What is inside is done before the signal is heard, and the handlers are those of before."""
    before = {number: signal.getsignal(number) for number in STOPS}
    done = []
    with stop_signals():
        with pytest.raises(STOPS[number]), signals_wait():
            signal.raise_signal(number)
            done.append("whole")
        assert done == ["whole"]
        with pytest.raises(STOPS[number]):
            signal.raise_signal(number)
    assert {number: signal.getsignal(number) for number in STOPS} == before


def test_signals_wait_for_an_error():
    with pytest.raises(KeyboardInterrupt) as raised, signals_wait():
        signal.raise_signal(signal.SIGINT)
        raise OSError("the disk is full")
    assert isinstance(raised.value.__context__, OSError)


def test_signals_wait_without_one():
    before = signal.getsignal(signal.SIGINT)
    with signals_wait():
        pass
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_while_the_file_is_written(tmp_path, monkeypatch, number):
    """What is said of the file is what it holds."""
    save, path = pydp.save, tmp_path / "digits.safetensors"

    def stopped_after(*arguments):
        save(*arguments)
        signal.raise_signal(number)

    monkeypatch.setattr(pydp, "save", stopped_after)
    with pytest.raises(STOPS[number]) as raised:
        RECIPES["digits"].train(path, epochs=3, show=lambda line: None)
    assert raised.value.__notes__ == [f"{path} holds epoch 1 of 3"]
    assert pydp.load(path).metadata["epoch"] == "1/3"


# ---- the recipe ----------------------------------------------------------------------------------


def test_shifted():
    """Half of the images stay, the others move by one pixel; nothing is invented."""
    image = np.zeros((1, 8, 8), np.float32)
    image[0, 3:5, 3:5] = [[1, 2], [3, 4]]
    moved = shifted(np.repeat(image[None], 2000, axis=0), pydp.Generator(0))
    assert moved.shape == (2000, 1, 8, 8)
    assert moved.dtype == np.float32
    places = {}
    for one in moved[:, 0]:
        row, column = np.argwhere(one == 1)[0]
        assert (one[row : row + 2, column : column + 2] == [[1, 2], [3, 4]]).all()
        assert one.sum() == 10
        places[int(row), int(column)] = places.get((int(row), int(column)), 0) + 1
    assert set(places) == {(r, c) for r in (2, 3, 4) for c in (2, 3, 4)}
    assert 0.5 < places[3, 3] / 2000 < 0.61  # 1/2 + 1/2 · 1/9
    at_the_edge = np.ones((500, 1, 8, 8), np.float32)
    assert shifted(at_the_edge, pydp.Generator(1)).min() == 0  # paper comes in


def test_recipes_are_types_too():
    """The model's type is proved for the data's shape before any data."""
    for recipe in RECIPES.values():
        model = recipe.model(**recipe.arguments)
        x = recipe.data().x_test[:3]
        assert model(pydp.tensor(x)).shape == (3, 10)


def test_no_terminal_no_tqdm():
    code = """
import sys
from pydp.train import Epoch, _bar
with _bar(3) as bar:
    bar.advance(Epoch(1, 1, 0.0, 0.0, 0.0))
    with bar.away():
        pass
print("tqdm" in sys.modules)
"""
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(pydp.__file__))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
