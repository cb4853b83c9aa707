"""SequenceToSequence: a language model of the target beside a memory of the source.

    source ── embed_source ── encoder ───────────── memory
                                                      │
    begin, target₁ … ── embed_target ── decoder ──────┴── generate_token ── scores of target₁ …

In training the decoder reads what it should have said (teacher forcing); generating, what it has.
"""

from __future__ import annotations

from typing import Any

from pydp import _graph, ops
from pydp._arguments import integer
from pydp._arrays import INT64, as_array
from pydp._creation import arange, full
from pydp._op import language
from pydp._random import Generator
from pydp.nn._decoder import Decoder
from pydp.nn._embedding import Embedding
from pydp.nn._generate_token import GenerateToken
from pydp.nn._generation import evaluating, generated
from pydp.nn._module import Module, checked_module
from pydp.nn._recurrent import Recurrent
from pydp.nn._repair import following
from pydp.nn._repr import box
from pydp.nn._sequence_model import SequenceModel


class SequenceToSequence(Module):
    """Scores (logits) of each token of the target, given the source and the tokens before it.

    Shape: ``(token[..., s], token[..., t], bool[..., s]?) -> real[..., t, v]``.

    Arguments
      embed_source    an EmbedToken of the source's tokens
      encoder         a SequenceModel: an LSTM, bidirectional too, a Transformer …
      embed_target    an EmbedToken(v, d) of the target's; the same one if both have one vocabulary
      decoder         a BahdanauDecoder, LuongDecoder or TransformerDecoder
      begin           the token that the decoder reads first
      generate_token  ``real[..., h] -> real[..., v]``; GenerateToken(embed_target) if not given,
                      which needs a decoder with h = d

    A call takes `source`, `target`, and `mask`: which of the source are no padding, at whose end it
    stands. The loss is `pydp.cross_entropy(model(source, target), target)`; the target ends with
    the token that says so.

    Sutskever, Vinyals and Le, "Sequence to sequence learning with neural networks", 2014; the
    decoders' sources are there.

    >>> import pydp
    >>> from pydp import nn
    >>> embed = nn.EmbedToken(50, 8)
    >>> encoder, decoder = nn.GRU(8, 6, bidirectional=True), nn.BahdanauDecoder(8, 8, 12)
    >>> model = nn.SequenceToSequence(embed, encoder, embed, decoder, begin=0)
    >>> model(pydp.tensor([[4, 5, 6]]), pydp.tensor([[7, 1]])).shape
    (1, 2, 50)
    >>> model.generate(pydp.tensor([[4, 5, 6]]), length=4, end=1).shape[0]
    1
    """

    def __init__(
        self,
        embed_source: Embedding,
        encoder: SequenceModel,
        embed_target: Embedding,
        decoder: Decoder,
        begin: int,
        generate_token: Module | None = None,
    ) -> None:
        given: Any = (("encoder", encoder, SequenceModel), ("decoder", decoder, Decoder))
        for name, part, kind in given:
            if not isinstance(part, kind):
                got = part.__name__ if isinstance(part, type) else type(part).__name__
                raise TypeError(f"SequenceToSequence: {name} must be a {kind.__name__}, got {got}")
        self.embed_source = checked_module(embed_source, "SequenceToSequence")
        self.encoder = encoder
        self.embed_target = checked_module(embed_target, "SequenceToSequence")
        self.decoder = decoder
        self.begin = integer(begin, "SequenceToSequence", "begin", least=0)
        head = GenerateToken(embed_target) if generate_token is None else generate_token
        self.generate_token = checked_module(head, "SequenceToSequence")
        self._check()

    def _check(self) -> None:
        """The types of what stands one behind the other."""
        name = "SequenceToSequence: "
        memory, y = f"real[..., s, {self.decoder.e}]", self.decoder.signature.function.result
        left = f"{name}embed_source: {box(self.embed_source)}"
        source = following(self.embed_source.signature, left, self.encoder, "encoder")
        names = f"{name}encoder: {box(self.encoder)}", "decoder's memory"
        language.compose(source, f"{memory} -> {memory}", names)
        left = f"{name}embed_target: {box(self.embed_target)}"
        reads = f"real[..., t, {self.decoder.d}] -> {y}"
        target = following(self.embed_target.signature, left, self.decoder, "decoder", reads)
        left = f"{name}decoder: {box(self.decoder)}"
        following(target, left, self.generate_token, "generate_token")

    @property
    def type(self) -> str:
        result = self.generate_token.signature.function.result
        v = result.axes[-1] if isinstance(result, language.Array) else "v"
        return f"(token[..., s], token[..., t], bool[..., s]?) -> real[..., t, {v}]"

    def encode(self, source: Any, mask: Any = None) -> Any:
        """The memory: a vector for each token of the source."""
        x = self.embed_source(source)
        if mask is None:
            return self.encoder(x)
        if isinstance(self.encoder, Recurrent):
            return self.encoder(x, lengths=lengths_of(tokens_of(mask)))
        return self.encoder(x, mask)

    def forward(self, source: Any, target: Any, mask: Any = None) -> Any:
        target = tokens_of(target)
        first = full((*target.shape[:-1], 1), self.begin, dtype=target.dtype)
        before = ops.concat([first, target[..., :-1]], axis=-1)
        y = self.decoder(self.embed_target(before), self.encode(source, mask), mask)
        return self.generate_token(y)

    def generate(
        self,
        source: Any,
        length: int,
        mask: Any = None,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        beams: int | None = None,
        length_penalty: float = 0.0,
        end: int | None = None,
        generator: Generator | None = None,
    ) -> Any:
        """The target of ``token[..., s]``: ``token[..., n]`` with n at most length. The words are
        those of `LanguageModel.generate`; each token costs one step of the decoder."""
        source = tokens_of(source)
        with evaluating(self):
            rows = ops.reshape(source, (-1, source.shape[-1]))
            mask = None if mask is None else ops.reshape(tokens_of(mask), rows.shape)
            state = self.decoder.start(self.encode(rows, mask), mask)
            first = full((rows.shape[0],), self.begin, dtype=INT64)
            said = generated(
                self._step, self.decoder.reorder, first, state, length, temperature, top_k, top_p,
                beams, length_penalty, end, generator,
            )  # fmt: skip
        return ops.reshape(said, (*source.shape[:-1], said.shape[-1]))

    def _step(self, token: Any, state: Any) -> tuple[Any, Any]:
        """Scores of what follows one more token of the target."""
        y, state = self.decoder.step(self.embed_target(token), state)
        return self.generate_token(y), state

    def extra_repr(self) -> str:
        return f"begin={self.begin}"


def lengths_of(mask: Any) -> Any:
    """How many tokens there are before the padding, which must stand at the end."""
    lengths = ops.sum(ops.astype(mask, INT64), axis=-1)
    front = arange(mask.shape[-1]) < ops.expand_dims(lengths, -1)
    if not bool(ops.all(front == mask)):
        raise ValueError(
            "SequenceToSequence: a recurrent encoder wants a mask whose padding (False) stands at "
            "the end of each row"
        )
    return lengths


def tokens_of(tokens: Any) -> Any:
    """Tokens, or a mask, as a tensor."""
    if isinstance(tokens, _graph.Value):
        return tokens
    return _graph.wrap(as_array(tokens, "SequenceToSequence"))
