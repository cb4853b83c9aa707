"""BERT: a Transformer that reads in both directions, and what it is trained with.

tokens ──── EmbedToken ──┐
segments ── EmbedToken ──┼── + ── LayerNorm ── TransformerBlock^12 or ^24 ── a vector a token
positions ───────────────┘                                 │
                                                 pooler: tanh of a linear map of the first

BERTPretraining     vectors ── FeedForward ── LayerNorm ── GenerateToken     the masked tokens
                    pooled ─── Linear                                        is it what follows
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn import init
from pydp.nn._arguments import number_within, one_of
from pydp.nn._collapse import Collapse
from pydp.nn._combinators import Sequential
from pydp.nn._embedding import Embedding
from pydp.nn._feed_forward import FeedForward
from pydp.nn._foreign import ForeignKeys, Theirs
from pydp.nn._generate_token import GenerateToken
from pydp.nn._layer_norm import LayerNorm
from pydp.nn._linear import Linear
from pydp.nn._module import Module
from pydp.nn._positions import LearnedPositions
from pydp.nn._transformer import Transformer

SIZES = {"base": (768, 12, 12), "large": (1024, 24, 16)}  # d, layers, heads
EPS = 1e-12

# Hugging Face's names of a block's parts. Files of 2018, such as bert-base-uncased, have gamma and
# beta, and the whole model below "bert", beside its heads.
_LAYER, _BLOCK = "encoder.layer.{i}", "transformer.blocks.{i}"
_SELF = f"{_LAYER}.attention.self"
_NORMS = {"*LayerNorm.gamma": "*LayerNorm.weight", "*LayerNorm.beta": "*LayerNorm.bias"}
KEYS = ForeignKeys({
    "embed.token.weight": "embeddings.word_embeddings.weight",
    "embed.segment.weight": "embeddings.token_type_embeddings.weight",
    "embed.positions.weight": "embeddings.position_embeddings.weight",
    "embed.norm.*": "embeddings.LayerNorm.*",
    f"{_BLOCK}.attention.f.in_proj_weight":
        Theirs(f"{_SELF}.query.weight", f"{_SELF}.key.weight", f"{_SELF}.value.weight"),
    f"{_BLOCK}.attention.f.in_proj_bias":
        Theirs(f"{_SELF}.query.bias", f"{_SELF}.key.bias", f"{_SELF}.value.bias"),
    f"{_BLOCK}.attention.f.out_proj.*": f"{_LAYER}.attention.output.dense.*",
    f"{_BLOCK}.attention.norm.*": f"{_LAYER}.attention.output.LayerNorm.*",
    f"{_BLOCK}.feed_forward.f.linear1.*": f"{_LAYER}.intermediate.dense.*",
    f"{_BLOCK}.feed_forward.f.linear2.*": f"{_LAYER}.output.dense.*",
    f"{_BLOCK}.feed_forward.norm.*": f"{_LAYER}.output.LayerNorm.*",
    "pooler.1.linear1.*": "pooler.dense.*",
}, ["embeddings.position_ids", "cls.*"], {"bert.*": "*", **_NORMS})  # fmt: skip
HEAD_KEYS = ForeignKeys({
    "masked_language.0.linear1.*": "cls.predictions.transform.dense.*",
    "masked_language.1.*": "cls.predictions.transform.LayerNorm.*",
    "masked_language.2.bias": "cls.predictions.bias",
    "masked_language.2.embed.weight": "cls.predictions.decoder.weight",
    "next_sentence.*": "cls.seq_relationship.*",
}, ["cls.predictions.decoder.bias"], _NORMS)  # fmt: skip


class BERTEmbedding(Module):
    """LayerNorm(EmbedToken(token) + EmbedToken(segment) + position), and dropout.

    Shape: ``(token[..., t], token[..., t]?) -> real[..., t, d]``. Without segments all are 0.

    Parameters: those of token (EmbedToken), segment (EmbedToken), positions (LearnedPositions) and
    norm (LayerNorm).

    >>> import pydp
    >>> embed = pydp.nn.BERTEmbedding(1000, 8, max_length=32)
    >>> embed(pydp.tensor([[4, 7, 1]])).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        vocabulary: int,
        d: int,
        max_length: int = 512,
        segments: int = 2,
        dropout: float = 0.1,
        eps: float = EPS,
    ) -> None:
        self.token = Embedding(vocabulary, d)
        self.segment = Embedding(segments, d)
        self.positions = LearnedPositions(max_length, d)
        self.norm = LayerNorm(d, eps)
        self.dropout = number_within(dropout, "BERTEmbedding", "dropout", 0.0, 1.0)

    @property
    def type(self) -> str:
        return f"(token[..., t], token[..., t]?) -> real[..., t, {self.token.embedding_dim}]"

    def forward(self, tokens: Any, segments: Any = None) -> Any:
        of_segment = self.segment.weight[0] if segments is None else self.segment(segments)
        x = self.norm(self.positions(self.token(tokens) + of_segment))
        return ops.dropout(x, self.dropout, self.training)


class BERT(Module):
    """TransformerBlock^n(BERTEmbedding(x)): a vector for each token, in the light of all others.

    Shape: ``(token[..., t], token[..., t]?, bool[..., t]?) -> real[..., t, d]``.

    Arguments
      size        "base" (d 768, 12 blocks, 12 heads: 109,482,240 parameters) or "large" (1024, 24,
                  16: 335,141,888)
      d, num_layers, num_heads  other numbers than those of the size
      hidden      of FeedForward; 4 d if not given
      vocabulary, max_length, segments  how many tokens, positions and segments there are
      activation  "gelu", or its approximation "gelu_tanh", which the first implementation has
      dropout     of vectors and of attention's weights, while training

    A call takes `tokens`, and
      segments  to which sentence each token belongs, 0 or 1; 0 if not given
      mask      which tokens may be seen, ``bool[..., t]`` (False: padding)

    `pooler` makes of the result one vector for the whole, ``real[..., t, d] -> real[..., d]``:
    ``bert.pooler(bert(tokens))``.

    Weights begin as numbers of deviation 0.02, none beyond 0.04; biases as 0. `load_foreign` reads
    Hugging Face's BertModel, and leaves aside the heads that its file may have.

    Devlin et al., "BERT: pre-training of deep bidirectional transformers for language
    understanding", 2019.

    >>> import pydp
    >>> bert = pydp.nn.BERT(d=8, num_layers=2, num_heads=2, vocabulary=1000)
    >>> bert(pydp.tensor([[4, 7, 1]])).shape
    (1, 3, 8)
    """

    foreign_keys = KEYS

    def __init__(
        self,
        size: str = "base",
        d: int | None = None,
        num_layers: int | None = None,
        num_heads: int | None = None,
        hidden: int | None = None,
        vocabulary: int = 30522,
        max_length: int = 512,
        segments: int = 2,
        activation: str = "gelu",
        dropout: float = 0.1,
    ) -> None:
        usual = SIZES[one_of(size, tuple(SIZES), "BERT", "size")]
        d, layers, heads = [
            there if given is None else given
            for given, there in zip((d, num_layers, num_heads), usual, strict=True)
        ]
        self.d, self.activation = d, activation
        self.embed = BERTEmbedding(vocabulary, d, max_length, segments, dropout)
        self.transformer = Transformer(
            d, heads, layers, hidden, activation, dropout, eps=EPS, positions=None
        )
        self.pooler = Sequential(Collapse("first", d), FeedForward(d, d, activation="tanh"))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        drawn_small(self)

    @property
    def type(self) -> str:
        return f"(token[..., t], token[..., t]?, bool[..., t]?) -> real[..., t, {self.d}]"

    def forward(self, tokens: Any, segments: Any = None, mask: Any = None) -> Any:
        return self.transformer(self.embed(tokens, segments), mask)


class BERTPretraining(Module):
    """BERT with the two heads that it is trained with: which token stood at each place, and whether
    the second segment follows the first in the text (0: it does).

    Shape: ``(token[..., t], token[..., t]?, bool[..., t]?) -> (real[..., t, v], real[..., 2])``.

    The loss is the sum of both heads' `pydp.cross_entropy`, that of the tokens over the masked
    places alone: give all others the target -100.

    Parameters: those of bert; masked_language, a FeedForward, a LayerNorm and a GenerateToken that
    is tied to bert.embed.token and has a bias; next_sentence, a Linear.

    Devlin et al., 2019, section 3.1.

    >>> import pydp
    >>> from pydp import nn
    >>> model = nn.BERTPretraining(nn.BERT(d=8, num_layers=2, num_heads=2, vocabulary=1000))
    >>> [y.shape for y in model(pydp.tensor([[4, 7, 1]]))]
    [(1, 3, 1000), (1, 2)]
    """

    foreign_keys = KEYS.within("bert", "bert") | HEAD_KEYS

    def __init__(self, bert: BERT) -> None:
        if not isinstance(bert, BERT):
            raise TypeError(f"BERTPretraining: bert must be a BERT, got {type(bert).__name__}")
        self.bert = bert
        self.masked_language = Sequential(
            FeedForward(bert.d, bert.d, activation=bert.activation),
            LayerNorm(bert.d, EPS),
            GenerateToken(bert.embed.token, bias=True),
        )
        self.next_sentence = Linear(bert.d, 2)
        drawn_small(self.masked_language[0])
        drawn_small(self.next_sentence)

    @property
    def type(self) -> str:
        arguments = self.bert.type.partition(" -> ")[0]
        v = self.bert.embed.token.num_embeddings
        return f"{arguments} -> (real[..., t, {v}], real[..., 2])"

    def forward(self, tokens: Any, segments: Any = None, mask: Any = None) -> tuple[Any, Any]:
        y = self.bert(tokens, segments, mask)
        return self.masked_language(y), self.next_sentence(self.bert.pooler(y))


def drawn_small(module: Module) -> None:
    """Matrices of deviation 0.02, cut off at twice that; biases 0. Norms stay as they are."""
    for part in module.modules():
        if not isinstance(part, LayerNorm):
            for name, parameter in part._own_parameters():
                if "bias" in name:
                    init.zeros_(parameter)
                else:
                    init.trunc_normal_(parameter, std=0.02, a=-0.04, b=0.04)
