"""The transformer's block in each library, for `bert.py` and `gpt.py`: attention, and two linear
maps with GELU between them, each added to what came in. The norm stands behind the sum (BERT) or
in front of attention and maps (GPT, whose attention is causal)."""

from __future__ import annotations

from typing import Any

from bench.jax_layers import layer_norm, turned

Shape = tuple[int, ...]


def block_parameters(d: int) -> list[Shape]:
    """Attention's projections in and out, norm, maps up and down, norm: weights and biases."""
    return [
        (3 * d, d), (3 * d,), (d, d), (d,), (d,), (d,),
        (4 * d, d), (4 * d,), (d, 4 * d), (d,), (d,), (d,),
    ]  # fmt: skip


def block_flops(tokens: int, d: int, causal: bool) -> list[float]:
    """Multiplications and additions of one sequence's forward pass: projection to q, k and v (the
    one whose data may need no gradient), the rest of the products."""
    pairs = tokens * tokens / (2 if causal else 1)
    return [2 * tokens * 3 * d * d, 2 * tokens * 9 * d * d + 4 * pairs * d]


def pydp_block(d: int, heads: int, causal: bool) -> Any:
    from pydp import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            self.attention = nn.MultiheadAttention(d, heads)
            self.norm1 = nn.LayerNorm(d)
            self.maps = nn.FeedForward(d, d, hidden=4 * d, activation="gelu")
            self.norm2 = nn.LayerNorm(d)

        def attend(self, x: Any) -> Any:
            return self.attention(x, x, x, need_weights=False, is_causal=causal)[0]

        def forward(self, x: Any) -> Any:
            if causal:
                x = x + self.attend(self.norm1(x))
                return x + self.maps(self.norm2(x))
            x = self.norm1(x + self.attend(x))
            return self.norm2(x + self.maps(x))

    return Block()


def torch_block(d: int, heads: int, causal: bool) -> Any:
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.project = nn.Linear(d, 3 * d)
            self.join = nn.Linear(d, d)
            self.norm1 = nn.LayerNorm(d)
            self.maps = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
            self.norm2 = nn.LayerNorm(d)

        def attend(self, x: Any) -> Any:
            b, t, _ = x.shape
            q, k, v = self.project(x).view(b, t, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
            return self.join(y.transpose(1, 2).reshape(b, t, d))

        def forward(self, x: Any) -> Any:
            if causal:
                x = x + self.attend(self.norm1(x))
                return x + self.maps(self.norm2(x))
            x = self.norm1(x + self.attend(x))
            return self.norm2(x + self.maps(x))

    return Block()


def jax_blocks(parameters: list[Any]) -> list[Any]:
    """The parameters of each block."""
    return [turned(parameters[at : at + 12]) for at in range(0, len(parameters), 12)]


def jax_block(block: Any, x: Any, heads: int, causal: bool) -> Any:
    from jax import nn

    w_in, b_in, w_out, b_out, *norm1, w_up, b_up, w_down, b_down = block[:10]
    norm2 = block[10:]
    b, t, d = x.shape

    def attend(x: Any) -> Any:
        packed = (x @ w_in + b_in).reshape(b, t, 3, heads, d // heads)
        q, k, v = packed[:, :, 0], packed[:, :, 1], packed[:, :, 2]
        return nn.dot_product_attention(q, k, v, is_causal=causal).reshape(b, t, d) @ w_out + b_out

    def maps(x: Any) -> Any:
        return nn.gelu(x @ w_up + b_up, approximate=False) @ w_down + b_down

    if causal:
        x = x + attend(layer_norm(x, *norm1))
        return x + maps(layer_norm(x, *norm2))
    x = layer_norm(x + attend(x), *norm1)
    return layer_norm(x + maps(x), *norm2)
