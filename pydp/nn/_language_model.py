"""LanguageModel: what comes next, GenerateToken(SequenceModel(EmbedToken(x))).

    x₁ … x_t ── EmbedToken ── SequenceModel ── GenerateToken ── scores of what follows each x_i

    generate    x₁ … x_t ── x_{t+1} ── x_{t+2} ── …           one step of the SequenceModel a token

Any causal SequenceModel will do: LSTM, GRU, Transformer(…, causal=True), one of your own.
"""

from __future__ import annotations

import math
from typing import Any

from pydp import _graph, ops
from pydp._arrays import as_array
from pydp._op import language
from pydp._random import Generator
from pydp.nn._embedding import Embedding
from pydp.nn._generate_token import GenerateToken
from pydp.nn._generation import evaluating, generated
from pydp.nn._module import Module, checked_module
from pydp.nn._repair import following
from pydp.nn._repr import box
from pydp.nn._sequence_model import SequenceModel, check_causal


class LanguageModel(Module):
    """GenerateToken(SequenceModel(EmbedToken(x))): for each place the scores (logits) of the token
    that follows.

    Shape: ``token[..., t] -> real[..., t, v]``.

    Arguments
      embed           an EmbedToken(v, d)
      model           a causal SequenceModel ``real[..., t, d] -> real[..., t, d]``
      generate_token  a module ``real[..., d] -> real[..., v]``; GenerateToken(embed) if not given,
                      which is tied to the embedding. With a model whose vectors have another size
                      e, Linear(e, v)

    Where the embedding's numbers have deviation 1, as at first, scores are large numbers;
    GenerateToken(embed, scale=d**-0.5) begins with small ones, and learns sooner.

    The loss is `pydp.cross_entropy` of the scores of all tokens but the last with all but the
    first. TypeError or ValueError for a model that is no causal SequenceModel, SignatureError where
    sizes do not fit.

    >>> import pydp
    >>> from pydp import nn
    >>> embed = nn.EmbedToken(100, 8)
    >>> nn.LanguageModel(embed, nn.LSTM(8, 8)).signature
    <signature token[..., t] -> real[..., t, 100]>
    >>> model = nn.LanguageModel(embed, nn.Transformer(8, 2, num_layers=1, causal=True))
    >>> model.generate(pydp.tensor([[1, 2, 3]]), length=4).shape
    (1, 4)
    """

    def __init__(
        self, embed: Embedding, model: SequenceModel, generate_token: Module | None = None
    ) -> None:
        check_causal(model, type(self).__name__, "a language model must not see what it predicts")
        self.embed = checked_module(embed, "LanguageModel")
        self.model = model
        head = GenerateToken(embed) if generate_token is None else generate_token
        self.generate_token = checked_module(head, "LanguageModel")
        self.signature  # noqa: B018  raises where types do not fit

    @property
    def signature(self) -> language.Signature:
        left = f"LanguageModel: embed: {box(self.embed)}"
        found = following(self.embed.signature, left, self.model, "model")
        left = f"LanguageModel: model: {box(self.model)}"
        return following(found, left, self.generate_token, "generate_token")

    @property
    def type(self) -> str:
        return str(self.signature)

    def forward(self, tokens: Any) -> Any:
        return self.generate_token(self.model(self.embed(tokens)))

    def generate(
        self,
        tokens: Any,
        length: int,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        beams: int | None = None,
        length_penalty: float = 0.0,
        end: int | None = None,
        generator: Generator | None = None,
    ) -> Any:
        """The tokens that follow ``token[..., t]``: ``token[..., n]`` with n = length, or fewer
        where every sequence has come to its end.

        temperature     0: the best token each time; else one drawn by softmax(scores / temperature)
        top_k           draw among so many of the best only
        top_p           draw among the fewest of the best that have this probability together
        beams           follow so many sequences side by side, and give the one with the highest
                        log p / ((5 + n) / 6)^length_penalty
        end             the token that ends a sequence; what follows it is `end` too
        generator       where random numbers come from; that of `pydp.manual_seed` if not given

        Each token costs one step of the model. Nothing drops meanwhile, and nothing is recorded.
        """
        prompt = (
            tokens
            if isinstance(tokens, _graph.Value)
            else _graph.wrap(as_array(tokens, "generate"))
        )
        if not prompt.ndim or not prompt.shape[-1]:
            raise ValueError(
                f"generate: tokens must be [..., t] with at least one token, got {prompt.shape}"
            )
        *lead, t = prompt.shape
        with evaluating(self):
            rows = ops.reshape(prompt, (math.prod(lead), t))
            state = self.model.initial_state((rows.shape[0],))
            if t > 1:
                _, state = self.model.read(self.embed(rows[:, :-1]), state)
            said = generated(
                self._step, self.model.reorder, rows[:, -1], state, length, temperature, top_k,
                top_p, beams, length_penalty, end, generator,
            )  # fmt: skip
        return ops.reshape(said, (*lead, said.shape[-1]))

    def _step(self, token: Any, state: Any) -> tuple[Any, Any]:
        """Scores of what follows one more token."""
        y, state = self.model.step(self.embed(token), state)
        return self.generate_token(y), state
