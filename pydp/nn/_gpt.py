"""GPT: a LanguageModel whose SequenceModel is a causal Transformer with its norms in front."""

from __future__ import annotations

from pydp.nn import init
from pydp.nn._arguments import one_of
from pydp.nn._embedding import Embedding
from pydp.nn._foreign import ForeignKeys, Theirs
from pydp.nn._language_model import LanguageModel
from pydp.nn._layer_norm import LayerNorm
from pydp.nn._transformer import Transformer

SIZES = {  # d, layers, heads
    "small": (768, 12, 12), "medium": (1024, 24, 16), "large": (1280, 36, 20), "xl": (1600, 48, 25),
}  # fmt: skip
# Hugging Face's GPT-2, whose matrices are transposed; some files have all below "transformer".
_B = "model.blocks.{i}"
KEYS = ForeignKeys({
    "embed.weight": "wte.weight",
    "generate_token.embed.weight": None,  # tied
    "model.positions.weight": "wpe.weight",
    f"{_B}.attention.norm.*": "h.{i}.ln_1.*",
    f"{_B}.attention.f.in_proj_weight": Theirs("h.{i}.attn.c_attn.weight", transposed=True),
    f"{_B}.attention.f.in_proj_bias": "h.{i}.attn.c_attn.bias",
    f"{_B}.attention.f.out_proj.weight": Theirs("h.{i}.attn.c_proj.weight", transposed=True),
    f"{_B}.attention.f.out_proj.bias": "h.{i}.attn.c_proj.bias",
    f"{_B}.feed_forward.norm.*": "h.{i}.ln_2.*",
    f"{_B}.feed_forward.f.linear1.weight": Theirs("h.{i}.mlp.c_fc.weight", transposed=True),
    f"{_B}.feed_forward.f.linear1.bias": "h.{i}.mlp.c_fc.bias",
    f"{_B}.feed_forward.f.linear2.weight": Theirs("h.{i}.mlp.c_proj.weight", transposed=True),
    f"{_B}.feed_forward.f.linear2.bias": "h.{i}.mlp.c_proj.bias",
    "model.norm.*": "ln_f.*",
}, ["h.{i}.attn.bias", "h.{i}.attn.masked_bias", "lm_head.weight"],
   {"transformer.*": "*"})  # fmt: skip


class GPT(LanguageModel):
    """LanguageModel(EmbedToken, Transformer(causal=True)) as GPT-2 has it: learned positions, norms
    in front of the boxes and one at the end, GELU in its approximation, tied scores.

    Shape: ``token[..., t] -> real[..., t, v]``; for `generate` see `LanguageModel`.

    Arguments
      size        "small" (124,439,808 parameters), "medium" (354,823,168), "large" (774,030,080) or
                  "xl" (1,557,611,200)
      d, num_layers, num_heads  other numbers than those of the size
      vocabulary, max_length    how many tokens and positions there are
      activation  "gelu_tanh", or "gelu"
      dropout     of vectors and of attention's weights, while training

    Weights begin as numbers of deviation 0.02, those that end a residual path divided by √(2 n), n
    the number of blocks; biases as 0. `load_foreign` reads Hugging Face's GPT2Model.

    Radford et al., "Language models are unsupervised multitask learners", 2019.

    >>> import pydp
    >>> gpt = pydp.nn.GPT(d=8, num_layers=2, num_heads=2, vocabulary=100)
    >>> gpt.generate(pydp.tensor([1, 2, 3]), length=4).shape
    (4,)
    """

    foreign_keys = KEYS
    model: Transformer

    def __init__(
        self,
        size: str = "small",
        d: int | None = None,
        num_layers: int | None = None,
        num_heads: int | None = None,
        vocabulary: int = 50257,
        max_length: int = 1024,
        activation: str = "gelu_tanh",
        dropout: float = 0.1,
    ) -> None:
        usual = SIZES[one_of(size, tuple(SIZES), "GPT", "size")]
        d, layers, heads = [
            there if given is None else given
            for given, there in zip((d, num_layers, num_heads), usual, strict=True)
        ]
        transformer = Transformer(
            d, heads, layers, 4 * d, activation, dropout, causal=True, norm_first=True,
            positions="learned", max_length=max_length,
        )  # fmt: skip
        super().__init__(Embedding(vocabulary, d), transformer)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for part in self.modules():
            if not isinstance(part, LayerNorm):
                for name, parameter in part._own_parameters():
                    if "bias" in name:
                        init.zeros_(parameter)
                    else:
                        init.normal_(parameter, std=0.02)
        blocks = self.model.blocks
        for block in blocks:
            for last in (block.attention.f.out_proj, block.feed_forward.f.linear2):
                init.normal_(last.weight, std=0.02 / (2 * len(blocks)) ** 0.5)
