"""ctc_loss behind log_softmax, and its gradient, for batches as speech has them."""

from __future__ import annotations

from typing import Any

from bench.case import Case, Step


def lengths(x: Any, labels: int) -> tuple[Any, list[int], list[int]]:
    """Targets of up to `labels` classes, and how long each row and its target are."""
    import numpy as np

    t, n, c = x.shape
    targets = np.arange(n * labels).reshape(n, labels) * 7 % (c - 1) + 1
    return targets, [t - i for i in range(n)], [labels - i % 3 for i in range(n)]


def pydp_ctc(x: Any, labels: int) -> Step:
    import pydp

    targets, steps, counts = lengths(x, labels)
    x = pydp.tensor(x, requires_grad=True)

    def step() -> Any:
        x.grad = None
        loss = pydp.ctc_loss(pydp.log_softmax(x), targets, steps, counts)
        loss.backward()
        return loss, x.grad

    return step


def torch_ctc(x: Any, labels: int) -> Step:
    import torch

    targets, *counts = [torch.as_tensor(a) for a in lengths(x, labels)]
    x = torch.from_numpy(x).requires_grad_()

    def step() -> Any:
        x.grad = None
        log_probs = torch.log_softmax(x, -1)
        loss: Any = torch.nn.functional.ctc_loss(log_probs, targets, *counts)
        loss.backward()
        return loss, x.grad

    return step


def case(t: int, n: int, c: int, labels: int) -> Case:
    return Case(
        f"{n} rows of {t} steps, {labels} of {c}",
        {"pydp": pydp_ctc, "torch": torch_ctc},
        shapes=((t, n, c),),
        arguments=(labels,),
        bytes=4 * t * n * (4 * c + 4 * labels),
        bound=1e-3,
    )


CASES = [case(50, 4, 20, 10), case(200, 16, 32, 40), case(400, 8, 1000, 60)]
