"""How an operation is declared: its rule, its type, and the registry of all of them.

A rule is a class with static methods; nothing is ever instantiated:

    class Softmax(Op):
        name = "softmax"
        type = "real[..., n] -> real[..., n]"       the signature, see _signature.py; where it
                                                    depends on arguments, typing(…), and where on
                                                    the inputs' rank, type_at(types, …)

        def forward(needs, x, axis)                 arrays -> (y, saved)
        def backward(saved, dy, needs, axis)        tensors -> one gradient for each input
        def reference(x, axis)                      the definition, in NumPy; the tests' oracle
        def composed(x, axis)                       the same in other ops (fused kernels)

`forward` computes on arrays and says what backward will want. `backward` is written in ops, so it
can be recorded and differentiated again; a rule without one is differentiated through `composed`.

Invariant: an Op subclass is registered by existing, and every registered op is examined by the
tests (tests/harness.py), so there is no op without a reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from pydp import _graph
from pydp._arrays import Array


class Later:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


# The language of types is not needed to compute, and takes its time to import.
if TYPE_CHECKING:
    import pydp._length
    import pydp._signature
    import pydp._signature_paths

    language = pydp._signature
    lengths = pydp._length
    paths = pydp._signature_paths
else:
    language = Later("pydp._signature")
    lengths = Later("pydp._length")
    paths = Later("pydp._signature_paths")

registry: dict[str, type[Op]] = {}


class Op:
    """The base of all rules; see the head of this file."""

    name: ClassVar[str]
    type: ClassVar[str]
    # All axes of the inputs but this many at the end are broadcast first; None: nothing is.
    broadcasts_before: ClassVar[int | None] = None
    variadic: ClassVar[bool] = False  # any number of inputs, where `type` shows two
    family: ClassVar[str]  # the stem of its rooms: kernels/<family>.c, ops/_<family>.py …

    def __init_subclass__(cls) -> None:
        if "name" not in cls.__dict__:
            return  # an intermediate class, such as the one of all unary functions
        if cls.name in registry:
            raise TypeError(f"two ops are named {cls.name!r}")
        cls.family = cls.__module__.rpartition("._")[2]
        registry[cls.name] = cls

    @classmethod
    def typing(cls, *arguments: Any) -> str:
        """The signature for these arguments; `type` where it does not depend on them."""
        return cls.type

    @classmethod
    def type_at(cls, types: Sequence[Any], *arguments: Any) -> str:
        """The signature for inputs of these types, where it depends on the number of their axes.

        `types` has an array type of _signature.py for each input (None: absent), with known kind
        and rank, whose sizes are integers or symbols.
        """
        return cls.typing(*arguments)

    forward: ClassVar[Callable[..., tuple[Any, tuple[Any, ...] | None]]]
    reference: ClassVar[Callable[..., Any]]
    composed: ClassVar[Callable[..., Any] | None] = None

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Sequence[bool], *arguments: Any) -> Any:
        """The gradient of the composed form. Such a rule's forward saves all its inputs."""
        if cls.composed is None:
            raise NotImplementedError(f"{cls.name} has no gradient")
        return gradient_of(cls.composed, saved, dy, needs, arguments)


class Alias(Op):
    """The same value behind a new node, so that a walk can stop there."""

    name = "alias"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array) -> tuple[Array, None]:
        return x[...], None  # a view, so that it is not written in place

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> tuple[Any]:
        return (dy,)

    @staticmethod
    def reference(x: Array) -> Array:
        return x


def alias(x: Any) -> Any:
    """x behind a node of its own: a Leaf, or an Alias where it has a node already."""
    if x._node is None:
        value = _graph.wrap(x._array, _graph.Leaf(x._array))
    else:
        value = _graph.apply(Alias, (x,))
    value._version = x._version
    return value


def gradient_of(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    dy: Any,
    needs: Sequence[bool],
    arguments: tuple[Any, ...] = (),
) -> tuple[Any, ...]:
    """dy · d function / d inputs, itself differentiable when recording is on.

    Of a function with several results dy is the list of their gradients (None where there is none).
    """
    again = _graph.is_recording()
    with _graph.enable_grad():
        aliases = [
            alias(x) if need or getattr(x, "_node", None) is not None else x
            for x, need in zip(inputs, needs, strict=True)
        ]
        y = function(*aliases, *arguments)
    nodes = [x._node for x, need in zip(aliases, needs, strict=True) if need]
    pairs = zip(y, dy, strict=True) if isinstance(y, tuple) else [(y, dy)]
    roots = [
        (part._node, d)
        for part, d in pairs
        if part is not None and part._node is not None and d is not None
    ]
    _, found = _graph.walk(
        roots,
        retain_graph=again,
        create_graph=again,
        wanted=nodes,
        stop=True,
        prune=len(nodes) < len(aliases),
    )
    return tuple(
        [found.get(x._node) if need else None for x, need in zip(aliases, needs, strict=True)]
    )
