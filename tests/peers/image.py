"""Convolutions, pools and other sizes, on images [n, c, h, w] and signals [n, c, l]."""

import torch

import pydp
from peers.row import Draw, Drawn, Row

functional = torch.nn.functional


def each(d: Draw, axes: int, low: int, high: int) -> tuple[int, ...]:
    """A number for each axis."""
    return tuple([d.integer(low, high) for _ in range(axes)])


def convolved(d: Draw, axes: int = 2) -> Drawn:
    groups = d.integer(1, 2)
    window, dilation = each(d, axes, 1, 3), each(d, axes, 1, 2)
    sizes = [dilation[i] * (window[i] - 1) + d.integer(1, 5) for i in range(axes)]
    per_group = d.integer(1, 3)
    outputs = groups * d.integer(1, 3)
    x = d.real((d.integer(0, 3), groups * per_group, *sizes))
    weight = d.real((outputs, per_group, *window))
    arguments = {
        "stride": each(d, axes, 1, 3),
        "padding": d.choice(each(d, axes, 0, 2), "valid", "same"),
        "dilation": dilation,
        "groups": groups,
    }
    if arguments["padding"] == "same":
        arguments["stride"] = 1
    return [x, weight, *([d.real((outputs,))] if d.flag() else [])], arguments


def transposed(d: Draw, axes: int = 2) -> Drawn:
    """No padding that leaves nothing of the result."""
    groups, per_group = d.integer(1, 2), d.integer(1, 3)
    inputs = groups * d.integer(1, 3)
    sizes, window = each(d, axes, 1, 5), each(d, axes, 1, 3)
    stride, dilation = each(d, axes, 1, 3), each(d, axes, 1, 2)
    most = [stride[i] * (sizes[i] - 1) + dilation[i] * (window[i] - 1) for i in range(axes)]
    x = d.real((d.integer(0, 3), inputs, *sizes))
    weight = d.real((inputs, per_group, *window))
    arguments = {
        "stride": stride,
        "padding": tuple([d.integer(0, min(2, most[i] // 2)) for i in range(axes)]),
        "output_padding": tuple(
            [d.integer(0, max(stride[i], dilation[i]) - 1) for i in range(axes)]
        ),
        "dilation": dilation,
        "groups": groups,
    }
    return [x, weight, *([d.real((groups * per_group,))] if d.flag() else [])], arguments


def pooled(d: Draw, axes: int = 2, dilation: int = 1, **more) -> Drawn:
    window = each(d, axes, 1, 3)
    sizes = [dilation * (n - 1) + 1 + d.integer(0, 5) for n in window]
    shape = (*each(d, 2, 1, 3), *sizes)
    arguments = {
        "kernel_size": window,
        "stride": d.choice(None, each(d, axes, 1, 3)),
        "padding": tuple([d.integer(0, n // 2) for n in window]),
        "ceil_mode": d.flag(),
        **more,
    }
    return [d.real(shape, ties=False)], arguments


def dilated(d: Draw, axes: int = 2) -> Drawn:
    """What the average has no argument for."""
    dilation = d.integer(1, 3)
    arrays, arguments = pooled(d, axes, dilation)
    return arrays, {"dilation": dilation, **arguments}


def adapted(d: Draw, axes: int) -> Drawn:
    """Windows that overlap, and more of them than pixels."""
    x = d.real((*each(d, 2, 1, 3), *each(d, axes, 1, 6)), ties=False)
    size = each(d, axes, 1, 7)
    kept = tuple([d.choice(n, None) for n in size])
    return [x], {"output_size": size[0] if axes == 1 else d.choice(size, size[0], kept)}


def placed(function):
    """The largest entries by where they were found, as one result."""

    def run(x, **arguments):
        y, places = function(x, **arguments, return_indices=True)
        return y * (places + 1)

    return run


def columns(d: Draw) -> Drawn:
    """Windows of an image; `folded` has what becomes an image of them."""
    window, dilation = each(d, 2, 1, 3), each(d, 2, 1, 2)
    sizes = [dilation[i] * (window[i] - 1) + d.integer(1, 4) for i in (0, 1)]
    batch = each(d, 1, 1, 3) if d.flag() else ()
    arguments = {
        "kernel_size": window,
        "dilation": dilation,
        "padding": each(d, 2, 0, 2),
        "stride": each(d, 2, 1, 3),
    }
    return [d.real((*batch, d.integer(1, 3), *sizes))], arguments


def folded(d: Draw) -> Drawn:
    (image,), arguments = columns(d)
    shape = functional.unfold(torch.from_numpy(image.copy()), **arguments).shape
    return [d.real(tuple(shape))], {"output_size": image.shape[-2:], **arguments}


def resized(d: Draw) -> Drawn:
    """The nearest by no factor that floor makes 1 or 2: PyTorch takes it for that in its gradients,
    and in values too where the image is small.
    """
    axes = d.integer(1, 2)
    shape = (*each(d, 2, 1, 3), *each(d, axes, 1, 6))
    arguments = {"mode": d.choice("nearest", "linear" if axes == 1 else "bilinear")}
    if arguments["mode"] != "nearest":
        arguments["align_corners"] = d.choice(None, False, True)
    if d.flag():
        arguments["size"] = d.choice(each(d, axes, 1, 9), d.integer(1, 9))
    else:
        scales = [d.choice(1.0, 1.5, 2.0, d.rng.uniform(0.3, 4)) for _ in range(axes)]
        scales = [max(scales)] * axes if d.flag() else scales
        for i, n in enumerate(shape[2:]):
            scales[i] = max(scales[i], 1 / n)
            if arguments["mode"] == "nearest" and int(scales[i] * n) in (n, 2 * n):
                scales[i] = float(int(scales[i]))
        arguments["scale_factor"] = scales[0] if len({*scales}) == 1 else tuple(scales)
        arguments["recompute_scale_factor"] = d.choice(None, False, True)
    return [d.real(shape)], arguments


# fmt: off
ROWS = [
    Row("conv2d", convolved, pydp.conv2d, functional.conv2d,
        "conv2d_backward_data conv2d_backward_weight"),
    Row("avg_pool2d", lambda d: pooled(d, count_include_pad=d.flag()), pydp.avg_pool2d,
        functional.avg_pool2d, "avg_pool2d_backward"),
    Row("max_pool2d", dilated, pydp.max_pool2d, functional.max_pool2d,
        "max_pool2d_backward max_pool2d_gather"),
    Row("max_pool2d", dilated, placed(pydp.max_pool2d), placed(functional.max_pool2d),
        "max_pool2d_places"),
    Row("conv1d", lambda d: convolved(d, 1), pydp.conv1d, functional.conv1d),
    Row("conv_transpose2d", transposed, pydp.conv_transpose2d, functional.conv_transpose2d),
    Row("conv_transpose1d", lambda d: transposed(d, 1), pydp.conv_transpose1d,
        functional.conv_transpose1d),
    Row("avg_pool1d", lambda d: pooled(d, 1, count_include_pad=d.flag()), pydp.avg_pool1d,
        functional.avg_pool1d),
    Row("max_pool1d", lambda d: dilated(d, 1), pydp.max_pool1d, functional.max_pool1d),
    Row("max_pool1d", lambda d: dilated(d, 1), placed(pydp.max_pool1d),
        placed(functional.max_pool1d)),
    Row("adaptive_avg_pool1d", lambda d: adapted(d, 1), pydp.adaptive_avg_pool1d,
        functional.adaptive_avg_pool1d),
    Row("adaptive_avg_pool2d", lambda d: adapted(d, 2), pydp.adaptive_avg_pool2d,
        functional.adaptive_avg_pool2d),
    Row("adaptive_max_pool1d", lambda d: adapted(d, 1), placed(pydp.adaptive_max_pool1d),
        placed(functional.adaptive_max_pool1d)),
    Row("adaptive_max_pool2d", lambda d: adapted(d, 2), placed(pydp.adaptive_max_pool2d),
        placed(functional.adaptive_max_pool2d)),
    Row("unfold", columns, pydp.unfold, functional.unfold),
    Row("fold", folded, pydp.fold, functional.fold),
    Row("interpolate", resized, pydp.interpolate, functional.interpolate, "interpolate_backward"),
]
# fmt: on
