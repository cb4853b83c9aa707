"""What all optimizers share: parameter groups, state, and one kernel call per step.

    optimizer ── groups ── parameters ── state (step, momentum …)
                   │
                   └─ setting: lr … as elements of one array, which the kernel reads

Invariant: everything that changes from step to step (a learning rate, a step count) is an element
of an array, so a recorded step can be replayed and still follows a schedule. A parameter's memory
is written only by the kernel, and each write counts its version up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pydp import _graph
from pydp._arguments import number
from pydp._arrays import Array
from pydp._tensor import Tensor

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]


def positive(
    value: Any, op: str, argument: str, below: float = math.inf, most: float = math.inf
) -> float:
    """A finite number with 0 <= value < below and value <= most."""
    found = number(value, op, argument)
    if not (0 <= found < below and found <= most):  # true for NaN too
        limit = "finite and at least 0"
        if below < math.inf:
            limit = f"at least 0 and below {below:g}"
        if most < math.inf:
            limit = f"in 0 … {most:g}"
        raise ValueError(f"{op}: {argument} must be {limit}, got {found}")
    return found


class ParameterGroup(dict[str, Any]):
    """Parameters with their settings: a dict whose numbers are checked when they are set, and
    stand in the array `setting` that the kernel reads.

    It knows the kind of its optimizer and what may be set, not the optimizer itself: that would be
    a cycle, and a dropped optimizer would keep its parameters until the next garbage collection.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> (group,) = pydp.optim.SGD([w], lr=0.5).param_groups
    >>> group["lr"] = 0.25
    >>> group["lr"] = -1.0
    Traceback (most recent call last):
    ValueError: SGD: lr must be finite and at least 0, got -1.0
    """

    def __init__(
        self, kind: type[Optimizer], names: Iterable[str], members: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.kind = kind
        self.names = tuple(names)
        self.setting = np.zeros(len(kind.settings))
        self.setting[kind.settings.index("decoupled")] = kind.decoupled
        self._used: tuple[str | None, ...] = ()
        for name, value in members.items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if name != "params":
            if name not in self.names:
                raise ValueError(
                    f"{self.kind.name}: no setting {name!r}; there are {', '.join(self.names)}"
                )
            value = self.kind.check(name, value)
            for place, part in self.kind.places(name, value):
                self.setting[place] = part
        super().__setitem__(name, value)
        self._used = ()

    @property
    def used(self) -> tuple[str | None, ...]:
        """The names of a parameter's states in the kernel's order, None where one is not used.
        Found again only after a setting has changed."""
        if not self._used:
            kind = self.kind
            self._used = tuple([n if kind.uses(n, self) else None for n in kind.states])
        return self._used

    def update(self, *args: Any, **keywords: Any) -> None:
        for name, value in dict(*args, **keywords).items():
            self[name] = value


class Optimizer:
    """The base of all optimizers.

    A subclass names its settings and its states in the order of its kernel, checks the settings
    that have other limits than 0 and infinity, and names the kernel.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = pydp.optim.SGD([w], lr=0.5)
    >>> isinstance(optimizer, pydp.optim.Optimizer), len(optimizer.param_groups)
    (True, 1)
    """

    name: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]  # the elements of a group's setting array
    switches: ClassVar[tuple[str, ...]] = ("maximize",)  # those that are bools
    decoupled: ClassVar[bool] = False  # the weight decay stays out of the gradient
    states: ClassVar[tuple[str, ...]]  # a parameter's, in the kernel's order
    defaults: dict[str, Any]  # what a group may set, with the values given to __init__

    def __init__(self, params: Parameters, **defaults: Any) -> None:
        for name, value in defaults.items():
            self.check(name, value)
        self.defaults = defaults
        self.param_groups: list[ParameterGroup] = []
        self.state: dict[Tensor, dict[str, Array]] = {}
        if isinstance(params, Tensor):
            raise TypeError(f"{self.name}: params must be an iterable of tensors, got one tensor")
        given = self._listed(params)
        if not given:
            raise ValueError(f"{self.name}: params is empty")
        if not isinstance(given[0], dict):
            given = [{"params": given}]
        for members in given:
            self.add_param_group(members)
        if not any(p.requires_grad for p in self._parameters()):
            raise ValueError(f"{self.name}: no parameter requires a gradient")

    def add_param_group(self, members: dict[str, Any]) -> None:
        """Optimize these parameters too: a dict of `params` and settings of their own."""
        if not isinstance(members, dict) or "params" not in members:
            raise TypeError(f"{self.name}: a parameter group must be a dict with 'params'")
        params = members["params"]
        params = [params] if isinstance(params, Tensor) else self._listed(params)
        seen = {id(p) for p in self._parameters()}
        dtypes = {p.dtype for p in self._parameters()}
        for i, p in enumerate(params):
            self._check_parameter(p, i)
            if id(p) in seen:
                raise ValueError(f"{self.name}: parameter {i}, shape {p.shape}, is given twice")
            seen.add(id(p))
            dtypes.add(p.dtype)
        if len(dtypes) > 1:
            listed = " and ".join(sorted(str(dtype) for dtype in dtypes))
            raise TypeError(f"{self.name}: parameters must have one dtype, got {listed}")
        settings = {**self.defaults, **members, "params": params}
        self.param_groups.append(ParameterGroup(type(self), self.defaults, settings))

    def _listed(self, params: Any) -> list[Any]:
        is_module = hasattr(params, "parameters")  # some of which are iterable
        if isinstance(params, Iterable) and not isinstance(params, str) and not is_module:
            return list(params)
        hint = "; write its parameters()" if is_module else ""
        kind = type(params).__name__
        raise TypeError(f"{self.name}: params must be an iterable of tensors, got {kind}{hint}")

    def _check_parameter(self, p: Any, i: int) -> None:
        if not isinstance(p, Tensor):
            raise TypeError(f"{self.name}: parameter {i} must be a tensor, got {type(p).__name__}")
        if p.dtype.kind != "f":
            raise TypeError(f"{self.name}: parameter {i} must be float32 or float64, got {p.dtype}")
        if p._node is not None and type(p._node) is not _graph.Leaf:
            raise ValueError(f"{self.name}: parameter {i} is an operation's result, not a leaf")
        if not p._array.flags.writeable:
            raise ValueError(f"{self.name}: parameter {i} is read-only")
        if not _is_dense(p._array):
            raise ValueError(
                f"{self.name}: parameter {i} is not dense in memory: shape {p.shape}, strides "
                f"{p._array.strides}"
            )

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    # ---- what a subclass says

    @classmethod
    def check(cls, name: str, value: Any) -> Any:
        """The setting's value, or the error that it is out of range."""
        if name in cls.switches:
            if not isinstance(value, bool):
                raise TypeError(f"{cls.name}: {name} must be a bool, got {value!r}")
            return value
        return positive(value, cls.name, name)

    @classmethod
    def places(cls, name: str, value: Any) -> list[tuple[int, float]]:
        """Where in the setting array a setting stands, if it does."""
        return [(cls.settings.index(name), float(value))] if name in cls.settings else []

    @classmethod
    def uses(cls, state: str, group: ParameterGroup) -> bool:
        """Whether the kernel wants this state with the group's settings."""
        return True

    @classmethod
    def initial(cls, group: ParameterGroup) -> float:
        """What every element of a state is before the first step."""
        return 0.0

    # ---- the step

    @staticmethod
    def update(arrays: Sequence[Any]) -> None:
        """One kernel call for all parameters."""
        raise NotImplementedError

    def new_state(self, p: Array, group: ParameterGroup) -> dict[str, Array]:
        """What a parameter's state is before its first step."""
        state = {"step": np.zeros(1)}
        self.add_states(state, p, group)
        return state

    def add_states(self, state: dict[str, Array], p: Array, group: ParameterGroup) -> None:
        """Make the states that are used and not there: a setting may change later."""
        for name in group.used:
            if name and name not in state:
                state[name] = np.full_like(p, self.initial(group))

    # ---- what a user calls

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets that of all groups."""
        return self.param_groups[0]["lr"]  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.param_groups:
            group["lr"] = value

    def zero_grad(self) -> None:
        """Forget the gradients: .grad becomes None."""
        for group in self.param_groups:
            _graph.forget_gradients(group["params"])

    def step(self) -> None:
        """Change every parameter that has a gradient; nothing is changed if one is unfit.

        NaN and infinity in a gradient go into its parameter and its state, as in PyTorch: look at
        the loss before stepping.
        """
        arrays: list[Any] = []
        changed: list[Tensor] = []
        fresh: dict[Tensor, dict[str, Array]] = {}
        states = self.state
        for group in self.param_groups:
            setting, used = group.setting, group.used
            # of a small model, this loop is most of a step
            for p, array, gradient in _graph.gradients_of(group["params"]):
                state = states.get(p)
                if state is None:
                    state = fresh[p] = self.new_state(array, group)
                arrays += setting, state["step"], array, gradient
                for name in used:
                    if name is not None and name not in state:
                        self.add_states(state, array, group)
                    arrays.append(None if name is None else state[name])
                changed.append(p)
        if not changed:
            return
        self.state.update(fresh)
        _graph.changed(changed, f"{self.name}.step")
        try:
            self.update(arrays)  # an interrupt is raised behind the whole step,
        except (TypeError, ValueError, MemoryError) as error:  # these before anything is written
            for p in changed:
                p._version[0] -= 1
            for p in fresh:
                del self.state[p]
            raise type(error)(f"{self.name}: {error}") from None

    # ---- saving

    def state_dict(self) -> dict[str, Any]:
        """Settings and state, with the parameters as numbers: {"state": {0: {"step": array, …}},
        "param_groups": [{"lr": …, "params": [0, 1]}]}. Arrays are copies in C order."""
        number_of = {id(p): i for i, p in enumerate(self._parameters())}
        groups = [
            {**group, "params": [number_of[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {
            number_of[id(p)]: {name: a.copy(order="C") for name, a in arrays.items()}
            for p, arrays in self.state.items()
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what state_dict gave; nothing is changed if something does not fit."""
        groups, states = state_dict["param_groups"], state_dict["state"]
        have = [len(group["params"]) for group in self.param_groups]
        got = [len(group["params"]) for group in groups]
        if have != got:
            raise ValueError(
                f"{self.name}: the state is of groups of {got} parameters, these are {have}"
            )
        wanted: dict[Tensor, dict[str, Array]] = {}
        made = [
            ParameterGroup(type(self), self.defaults, {**members, "params": group["params"]})
            for group, members in zip(self.param_groups, groups, strict=True)
        ]
        owners = [(p, group) for group in made for p in group["params"]]
        for i, (p, group) in enumerate(owners):
            if i not in states:
                continue
            wanted[p] = self.new_state(p._array, group)
            given = states[i]
            shapes = {name: a.shape for name, a in wanted[p].items()}
            found = {name: np.shape(a) for name, a in given.items()}
            if shapes != found:
                raise ValueError(
                    f"{self.name}: the state of parameter {i} must have shapes {shapes}, "
                    f"got {found}"
                )
            for name, array in wanted[p].items():
                array[...] = given[name]
        self.state = wanted
        for group, members in zip(self.param_groups, made, strict=True):
            group.update(members)


def _is_dense(array: Array) -> bool:
    """Every byte between the first and the last element belongs to an element."""
    order = np.argsort([-abs(stride) for stride in array.strides], kind="stable")
    return array.transpose(order).flags.c_contiguous
