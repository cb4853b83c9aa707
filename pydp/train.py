"""Training: the loop, the evaluation, the confusion matrix, and how to stop well.

    for each epoch
        for each batch      loss = …;  backward;  optimizer.step        a bar on a terminal
        after_epoch(epoch)                                              a line; a checkpoint

Invariant: `after_epoch` is called between steps only, so what it saves is a whole epoch's model.
Ctrl-C and SIGTERM (within `stop_signals`) end the loop by an exception; the files stay as they are.
What must not be cut in two, such as a file and the word of what it holds, stands in `signals_wait`.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from pydp import _graph, ops
from pydp.data import Batches
from pydp.nn import Module

Array = np.ndarray[Any, Any]


class Epoch(NamedTuple):
    """What one time round the data came to. `str` makes the line that the command line prints."""

    number: int
    epochs: int
    loss: float
    accuracy: float
    seconds: float

    def __str__(self) -> str:
        width = len(str(self.epochs))
        return (
            f"epoch {self.number:{width}}/{self.epochs}   loss {self.loss:.4f}   "
            f"accuracy {100 * self.accuracy:5.1f} %   {self.seconds:.1f} s"
        )


class Evaluation(NamedTuple):
    """The mean loss, the share of right answers, and how often i was taken for j."""

    loss: float
    accuracy: float
    confusion: Array


class TrainingError(RuntimeError):
    """Training cannot go on."""


Loss = Callable[[Any, Any], Any]


def fit(
    model: Module,
    optimizer: Any,
    batches: Batches,
    epochs: int,
    *,
    loss: Loss = ops.cross_entropy,
    schedule: Callable[[float], float] | None = None,
    after_epoch: Callable[[Epoch], None] = print,
) -> None:
    """Train a classifier, `epochs` times round the data.

    batches      gives (x, target) pairs of tensors
    loss         loss(model(x), target), a number
    schedule     the share of the optimizer's learning rate to use when this share of all steps is
                 done, such as `cosine`
    after_epoch  called after each epoch; prints it if not given

    While a terminal looks on, a bar below what is printed shows how far the training is.
    """
    largest = optimizer.lr
    steps = epochs * len(batches)
    done = 0
    with _bar(steps) as bar:
        for number in range(1, epochs + 1):
            began = time.perf_counter()
            model.train()
            total, right, rows = 0.0, 0, 0
            for x, target in batches:
                if schedule is not None:
                    optimizer.lr = largest * schedule(done / steps)
                value, correct = step(model, optimizer, loss, x, target)
                if not math.isfinite(value):
                    raise TrainingError(
                        f"the loss is {value} in epoch {number}: try a smaller learning rate"
                    )
                total += value * len(target)
                right += correct
                rows += len(target)
                done += 1
                epoch = Epoch(
                    number, epochs, total / rows, right / rows, time.perf_counter() - began
                )
                bar.advance(epoch)
            with bar.away():
                after_epoch(epoch)


def step(model: Module, optimizer: Any, loss: Loss, x: Any, target: Any) -> tuple[float, int]:
    """One step on one batch; the loss, and how many answers were right, before it."""
    optimizer.zero_grad()
    y = model(x)
    value = loss(y, target)
    value.backward()
    optimizer.step()
    right = int(np.count_nonzero(y.numpy().argmax(axis=-1) == target.numpy()))
    return float(value.item()), right


def cosine(done: float) -> float:
    """A schedule: from 1 down to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * done))


def evaluate(model: Module, batches: Batches, loss: Loss = ops.cross_entropy) -> Evaluation:
    """The model's answers on (x, target) pairs, nothing recorded, in evaluation mode."""
    was_training = model.training
    model.eval()
    total, answers, targets, classes = 0.0, [], [], 0
    try:
        with _graph.no_grad():
            for x, target in batches:
                y = model(x)
                total += float(loss(y, target).item()) * len(target)
                answers.append(y.numpy().argmax(axis=-1))
                targets.append(target.numpy())
                classes = y.shape[-1]
    finally:
        model.train(was_training)
    if not answers:
        raise ValueError("evaluate: there are no batches")
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (np.concatenate(targets), np.concatenate(answers)), 1)
    rows = int(confusion.sum())
    return Evaluation(total / rows, float(np.trace(confusion)) / rows, confusion)


def confusion_text(confusion: Array, labels: Sequence[str] | None = None) -> str:
    """A confusion matrix for people: rows are the truth, columns the answers, a dot is a zero.

    >>> import numpy as np
    >>> print(confusion_text(np.array([[5, 0], [1, 4]]), ["cat", "dog"]))
           answer
    truth  cat  dog
      cat    5    .
      dog    1    4
    """
    names = [str(i) for i in range(len(confusion))] if labels is None else list(labels)
    width = max([len(name) for name in names] + [len(str(confusion.max(initial=0)))])
    first = max(width + 2, len("truth"))
    lines = [" " * (first + 2) + "answer"]
    lines.append("  ".join([f"{'truth':>{first}}", *[f"{name:>{width}}" for name in names]]))
    for name, row in zip(names, confusion, strict=True):
        cells = [f"{count if count else '.':>{width}}" for count in row]
        lines.append("  ".join([f"{name:>{first}}", *cells]))
    return "\n".join(lines)


class _NoBar:
    """What a pipe gets: nothing."""

    def advance(self, epoch: Epoch) -> None:
        """One more step is done."""

    def away(self) -> AbstractContextManager[object]:
        """While the caller prints lines of its own."""
        return nullcontext()


class _Bar(_NoBar):
    """tqdm's bar over all steps, with the running epoch's loss and accuracy."""

    def __init__(self, tqdm: Any, bar: Any) -> None:
        self._tqdm = tqdm
        self._bar = bar

    def advance(self, epoch: Epoch) -> None:
        self._bar.set_description_str(f"epoch {epoch.number}/{epoch.epochs}", refresh=False)
        text = f"loss {epoch.loss:.4f}, accuracy {100 * epoch.accuracy:.1f} %"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update()

    def away(self) -> AbstractContextManager[object]:
        return self._tqdm.external_write_mode()  # type: ignore[no-any-return]


@contextmanager
def _bar(steps: int) -> Iterator[_NoBar]:
    """A progress bar on stderr while that is a terminal; tqdm is imported only then."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _NoBar()
        return
    from tqdm import tqdm  # type: ignore[import-untyped]

    layout = "{desc} |{bar}| {percentage:3.0f} %{postfix}, {remaining} left"
    how: Any = {"leave": False, "dynamic_ncols": True, "bar_format": layout}
    with tqdm(total=steps, desc="training", **how) as bar:
        yield _Bar(tqdm, bar)


# ---- stopping ------------------------------------------------------------------------------------


class Stopped(BaseException):
    """SIGTERM or SIGHUP came. `code` is the exit code by custom, 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.code = 128 + number


@contextmanager
def stop_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise Stopped, as SIGINT raises KeyboardInterrupt.

    Signals come to the main thread; in others this does nothing.
    """
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[int, Any] = {}

    def stop(number: int, frame: Any) -> None:
        raise Stopped(number)

    if threading.current_thread() is threading.main_thread():
        for name in names:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays nohup
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait for what is inside; what they do, they do at its end.

    Signals come to the main thread; in others this does nothing.
    """
    came: list[int] = []
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)
