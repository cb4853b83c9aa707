"""A case: one computation, as data, with one function per peer that knows how to do it.

    Case("1024", {"pydp": ours, "numpy": numpy_matmul}, shapes=((1024, 1024), (1024, 1024)),
         flops=2 * 1024**3, bytes=3 * 4 * 1024**2)

A peer's function is called once with the inputs, as float32 NumPy arrays, and the arguments; what
it does is not timed (it converts, builds models, imports the peer). It returns a step: a function
without arguments that computes the result once, and which is timed. Every peer gets equal inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

Step = Callable[[], Any]
Build = Callable[..., Step]

# The files of cases, in the order of the table.
KERNELS = (
    "matmul", "conv2d", "max_pool2d", "avg_pool2d", "softmax", "attention", "layer_norm",
    "batch_norm", "elementwise", "reduce", "dropout", "embedding", "optim", "loss",
    "linear_cross_entropy", "ctc_loss", "lstm",
)  # fmt: skip
WORKLOADS = (
    "toy_mlp", "mlp", "lenet", "conv_net", "alexnet", "vgg", "language_model", "bert", "gpt"
)  # fmt: skip
SUITES = KERNELS + WORKLOADS
# A kernel's case that stands beside the workloads.
ATTENTION = "attention", "2 x 8 x 1024 x 64, causal, grad"
# Who takes part -> the package it needs. The first is ours, the one that ratios are relative to.
PEERS = {
    "pydp": "pydp", "numpy": "numpy", "torch": "torch", "torch+": "torch", "compile": "torch",
    "jax": "jax",
}  # fmt: skip
OURS = "pydp"


@dataclass(frozen=True)
class Case:
    """One row of the table.

    name       what the row is called, after its suite
    peers      peer -> function of (inputs, arguments) that returns the step
    shapes     of the inputs: standard normal float32, the same in every process
    arguments  passed on after the inputs
    flops      floating point operations of one step, where they set the limit
    bytes      each array read once and each result written once, where that sets it
    reads      how many arrays are read side by side while one is written
    bound      results agree if |got - want| <= bound · max(1, max |want|)
    calls      how many steps before results are compared: more for one that trains
    compared   the same without chance, whose results are compared in place of this one's
    """

    name: str
    peers: Mapping[str, Build]
    shapes: tuple[tuple[int, ...], ...]
    arguments: tuple[Any, ...] = ()
    flops: float = 0.0
    bytes: float = 0.0
    reads: int = 1
    bound: float = 1e-4
    calls: int = 1
    compared: Case | None = None

    def inputs(self) -> list[np.ndarray]:
        """Equal in every process: the seed is the shape and the position."""
        return [
            np.random.default_rng([i, *shape]).standard_normal(shape, np.float32)
            for i, shape in enumerate(self.shapes)
        ]

    def step(self, peer: str) -> Step:
        """The peer's step, made ready."""
        return self.peers[peer](*self.inputs(), *self.arguments)


def cases(suite: str) -> list[Case]:
    """The cases of bench/<suite>.py."""
    found: list[Case] = import_module(f"bench.{suite}").CASES
    return found


def chosen(names: Iterable[str]) -> Iterator[tuple[str, Case]]:
    """Every suite's cases, with "workloads" and "kernels" as names for several suites."""
    for name in names:
        if name == "workloads":
            yield from chosen(WORKLOADS)
            yield ATTENTION[0], find_case(*ATTENTION)
        elif name == "kernels":
            yield from chosen(KERNELS)
        else:
            for case in cases(name):
                yield name, case


def is_workload(suite: str, name: str) -> bool:
    """Whether the suite's case is one of those that "workloads" names."""
    return suite in WORKLOADS or (suite, name) == ATTENTION


def find_case(suite: str, name: str) -> Case:
    """The one case of this name."""
    (case,) = [case for case in cases(suite) if case.name == name]
    return case


def installed_peers() -> list[str]:
    """Those whose package can be imported, ours first."""
    return [peer for peer, package in PEERS.items() if find_spec(package) is not None]


def values(result: Any) -> Iterator[np.ndarray]:
    """The arrays of a step's result, whosever they are."""
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from values(part)
        return
    if hasattr(result, "detach"):  # pydp's and PyTorch's tensors
        result = result.detach().numpy()
    yield np.asarray(result)
