"""Steps of optimizers: one large parameter, one that stays in the cache, and a list of 20 small and
3 large ones. Per element SGD with momentum reads 3 numbers and writes 2, Adam 4 and 3, Adadelta 4
and 3: the limit is a loop over as many arrays."""

from __future__ import annotations

from typing import Any

from bench.case import Case, Step

SETTINGS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 1e-3, "momentum": 0.9},
    "Adam": {},
    "Adadelta": {},
}
ARRAYS = {"SGD": 5, "Adam": 7, "Adadelta": 7}


def pydp_step(*arrays: Any) -> Step:
    import pydp

    *values, name = arrays
    params = [pydp.tensor(a, requires_grad=True) for a in values]
    for p in params:
        p.grad = p.detach() * 1e-3
    optimizer = getattr(pydp.optim, name)(params, **SETTINGS[name])

    def step() -> Any:
        optimizer.step()
        return params[0]

    return step


def torch_of(*arrays: Any, **settings: Any) -> Step:
    import torch

    *values, name = arrays
    params = [torch.from_numpy(a.copy()).requires_grad_() for a in values]
    for p in params:
        p.grad = p.detach() * 1e-3
    optimizer = getattr(torch.optim, name)(params, **SETTINGS[name], **settings)

    def step() -> Any:
        optimizer.step()
        return params[0]

    return step


def torch_fused(*arrays: Any) -> Step:
    return torch_of(*arrays, fused=True)


def case(name: str, what: str, shapes: tuple[tuple[int, ...], ...]) -> Case:
    peers: Any = {"pydp": pydp_step, "torch": torch_of}
    if name != "Adadelta":  # which PyTorch has not fused
        peers["torch+"] = torch_fused
    elements = sum(a[0] for a in shapes)
    arrays = ARRAYS[name]
    return Case(f"{name} {what}", peers, shapes, (name,), bytes=4.0 * arrays * elements,
                reads=arrays - 1)  # fmt: skip


LIST = ((1000,),) * 20 + ((1_500_000,),) * 3
CASES = [
    case(name, what, shapes)
    for name in SETTINGS
    for what, shapes in (
        ("4 10^6", ((4_000_000,),)),
        ("50,000", ((50_000,),)),
        ("20 small, 3 large", LIST),
        ("6 of 8", ((8,),) * 6),
    )
]
