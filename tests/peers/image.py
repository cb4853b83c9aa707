"""Convolutions and pools, on images [n, c, h, w]."""

import torch

import pydp
from peers.row import Draw, Drawn, Row

functional = torch.nn.functional


def convolved(d: Draw) -> Drawn:
    groups = d.integer(1, 2)
    window = d.integer(1, 3), d.integer(1, 3)
    dilation = d.integer(1, 2), d.integer(1, 2)
    sizes = [dilation[i] * (window[i] - 1) + d.integer(1, 5) for i in (0, 1)]
    per_group = d.integer(1, 3)
    outputs = groups * d.integer(1, 3)
    x = d.real((d.integer(0, 3), groups * per_group, *sizes))
    weight = d.real((outputs, per_group, *window))
    arguments = {
        "stride": (d.integer(1, 3), d.integer(1, 3)),
        "padding": (d.integer(0, 2), d.integer(0, 2)),
        "dilation": dilation,
        "groups": groups,
    }
    return [x, weight, *([d.real((outputs,))] if d.flag() else [])], arguments


def pooled(d: Draw, **more) -> Drawn:
    window = d.integer(1, 3), d.integer(1, 3)
    shape = (d.integer(1, 3), d.integer(1, 3), *[n + d.integer(0, 5) for n in window])
    arguments = {
        "kernel_size": window,
        "stride": d.choice(None, (d.integer(1, 3), d.integer(1, 3))),
        "padding": (d.integer(0, window[0] // 2), d.integer(0, window[1] // 2)),
        "ceil_mode": d.flag(),
        **more,
    }
    return [d.real(shape, ties=False)], arguments


# fmt: off
ROWS = [
    Row("conv2d", convolved, pydp.conv2d, functional.conv2d,
        "conv2d_backward_data conv2d_backward_weight"),
    Row("avg_pool2d", lambda d: pooled(d, count_include_pad=d.flag()), pydp.avg_pool2d,
        functional.avg_pool2d, "avg_pool2d_backward"),
    Row("max_pool2d", pooled, pydp.max_pool2d, functional.max_pool2d,
        "max_pool2d_backward max_pool2d_gather"),
]
# fmt: on
