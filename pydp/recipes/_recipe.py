"""A recipe: data, a model and the numbers that train it, under one name.

A file that `train` writes says in its metadata which recipe and which arguments made its model;
_table.py reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pydp
from pydp.checkpoint import OTHER_SUFFIXES
from pydp.data import Batches, Split
from pydp.nn import Module
from pydp.optim import Adam
from pydp.train import (
    Epoch,
    Stopped,
    confusion_text,
    cosine,
    evaluate,
    fit,
    signals_wait,
    stop_signals,
)

Array = np.ndarray[Any, Any]


class RecipeError(Exception):
    """What a person did or gave that cannot work, in one line."""


class InputError(RecipeError):
    """A file that cannot be read as the model's input; begins with its path."""


@dataclass(frozen=True)
class Recipe:
    """How to make, train and use one model.

    model       arguments -> an untrained model
    arguments   those of the model; they are written into its file
    data        what to learn from and to test with
    augment     changes a batch of images at random, (images, generator) -> images
    read_image  a file -> one input of the model; an InputError says why not
    """

    name: str
    model: Callable[..., Module]
    arguments: Mapping[str, Any]
    data: Callable[[], Split]
    augment: Callable[[Array, Any], Array] | None
    read_image: Callable[[str], Array]
    epochs: int
    batch_size: int
    lr: float

    def train(
        self,
        output: str | os.PathLike[str],
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        seed: int = 0,
        show: Callable[[str], None] = print,
    ) -> float:
        """Train, save after each epoch, and show lines on the way; the accuracy on the test set."""
        output = Path(output)
        _check_output(output)
        split = self.data()
        generator = pydp.manual_seed(seed)  # of weights, order, shifts and dropout
        model = self.model(**self.arguments)
        batches = Batches(
            split.x_train,
            split.y_train,
            batch_size=batch_size or self.batch_size,
            generator=generator,
            augment=self.augment,
        )
        optimizer = Adam(model.parameters(), lr=lr or self.lr)
        size, threads = sum(p.size for p in model.parameters()), pydp.get_num_threads()
        show(
            f"{self.name}: {batches.rows} images to learn from, {len(split.y_test)} to test with; "
            f"{size:,} parameters, {threads} thread{'s' * (threads > 1)}"
        )
        saved = "no epoch is finished, nothing is saved"

        def after_epoch(epoch: Epoch) -> None:
            nonlocal saved
            metadata = {
                "recipe": self.name,
                "arguments": json.dumps(self.arguments, sort_keys=True),
                "epoch": f"{epoch.number}/{epoch.epochs}",
            }
            with signals_wait():  # so that what is said of the file is true
                pydp.save(output, model, metadata)
                saved = f"{output} holds epoch {epoch.number} of {epoch.epochs}"
            show(str(epoch))

        try:
            with stop_signals():
                fit(
                    model, optimizer, batches, epochs or self.epochs,
                    schedule=cosine, after_epoch=after_epoch,
                )  # fmt: skip
                result = evaluate(model, Batches(split.x_test, split.y_test, batch_size=256))
        except (KeyboardInterrupt, Stopped) as stop:
            stop.add_note(saved)
            raise
        show(f"saved {output}")
        show(confusion_text(result.confusion))
        show(f"test accuracy {100 * result.accuracy:.1f} %")
        return result.accuracy

    def predict(self, model: Module, image: str) -> tuple[int, float]:
        """The class of the image in a file, and its probability."""
        x = pydp.tensor(self.read_image(image)[None])
        with pydp.no_grad():
            p = pydp.softmax(model(x), axis=-1).numpy()[0]
        label = int(p.argmax())
        return label, float(p[label])


def _check_output(output: Path) -> None:
    """Say now, not after an epoch, that a file cannot be written there."""
    folder = output.absolute().parent
    if output.is_dir():
        raise RecipeError(f"{output}: is a folder; name a file for the model")
    if output.exists() and not output.is_file():
        raise RecipeError(f"{output}: not an ordinary file")
    if output.suffix.lower() in OTHER_SUFFIXES:
        raise RecipeError(f"{output}: {output.suffix} is another format; name it .safetensors")
    if not folder.is_dir():
        raise RecipeError(f"{output.parent}: no such folder")
    if not os.access(output if output.exists() else folder, os.W_OK):
        raise RecipeError(f"{output}: no permission to write there")
