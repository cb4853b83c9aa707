"""How the peers hold images: each in the layout that it works in, for all shapes n c h w.

- pydp: channels-last, as every convolution and pool of ours writes it
- numpy: C order
- torch: C order, its usual layout
- torch+: channels-last, which PyTorch's guide to CPUs advises
"""

from __future__ import annotations

from typing import Any


def pydp_image(a: Any, requires_grad: bool = False, layout: str = "channels-last") -> Any:
    """A tensor of ours; layout "C" for what comes from a file."""
    import numpy as np

    import pydp

    if layout == "C":
        return pydp.tensor(a, requires_grad=requires_grad)
    lying = pydp.tensor(np.ascontiguousarray(a.transpose(0, 2, 3, 1)))
    return pydp.permute_dims(lying, (0, 3, 1, 2)).detach().requires_grad_(requires_grad)


def torch_image(a: Any, requires_grad: bool = False, channels_last: bool = False) -> Any:
    """A tensor of PyTorch's."""
    import torch

    form = torch.channels_last if channels_last else torch.contiguous_format
    return torch.from_numpy(a).contiguous(memory_format=form).requires_grad_(requires_grad)
