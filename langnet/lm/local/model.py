"""The embedded model: llama.cpp in this process, with exact scores."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Self

import anyio.to_thread

from langnet.lm.base import Capabilities, LabelScores, TextScore, TextScores, Usage, refuse_schema
from langnet.lm.budget import Price
from langnet.lm.listen import current_listener
from langnet.lm.local.catalogue import check_sha256, find
from langnet.lm.local.engine import Engine, Settings
from langnet.lm.local.hearing import Hearing
from langnet.lm.local.library import ENGINE
from langnet.lm.local.llama import check_gguf
from langnet.lm.local.requantise import requantised
from langnet.lm.local.request import SampleRequest, ScoreRequest
from langnet.lm.local.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from langnet.key import Key
    from langnet.lm.base import Choice, Completion, Decoding
    from langnet.lm.local.request import Scored
    from langnet.lm.local.work import Work

__all__ = ["LocalModel"]

_LABEL_STOP = ("\n",)


class LocalModel:
    """A model that runs in this process: draws texts, and scores given ones exactly.

    It continues a context as plain text, without a chat template. Requests that wait at the same
    time are computed together, and what their contexts have in common is computed once. That
    changes no answer: where `exact` holds, the answer to a request is the same to the last bit
    whatever else was asked, before it or beside it, and with any number of threads.

    Construct it with `await LocalModel.load(…)`, or `LocalModel.open(…)` outside an event loop.
    It answers in any asyncio event loop.
    """

    __slots__ = ("__weakref__", "_close", "_engine", "_identity", "name")
    price = Price(0.0, 0.0)  # it computes here

    def __init__(self, engine: Engine, *, name: str, identity: str) -> None:
        self.name = name
        self._engine = engine
        self._identity = identity
        self._close = weakref.finalize(self, engine.close)  # at exit, too

    @classmethod
    async def load(
        cls,
        weights: str | Path,
        *,
        name: str | None = None,
        threads: int | None = None,
        context_size: int = 2048,
        requantise: bool = True,
    ) -> Self:
        """Loads a model in a worker thread.

        Args:
            weights: a GGUF file, or a name in the catalogue.
            name: what the model is called in its identity; `weights` where none is given.
            threads: that compute; as many as processors, but at most 4, where none is given.
            context_size: tokens that a prompt and its answer may take, at most what the model was
                trained on. Memory is set aside for eight times as many.
            requantise: whether to compute with 8-bit copies of weights of type Q4_1, which is
                faster. The copies are made once, in the directory of fetched weights, and take
                half as much room again as the weights.

        Raises:
            CapabilityError: the engine is missing (`pip install "langnet[local]"`), is another
                release, or cannot be used on this platform or for this architecture.
            DataError: there is no such file or name, or the file is not a GGUF.
            ModelError: the engine cannot load the file.
        """
        return await anyio.to_thread.run_sync(
            lambda: cls.open(
                weights,
                name=name,
                threads=threads,
                context_size=context_size,
                requantise=requantise,
            )
        )

    @classmethod
    def open(
        cls,
        weights: str | Path,
        *,
        name: str | None = None,
        threads: int | None = None,
        context_size: int = 2048,
        requantise: bool = True,
    ) -> Self:
        """Loads a model, as `load` does, and blocks meanwhile."""
        path = find(weights)
        check_gguf(path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        check_sha256(weights, sha256)
        name = name or str(weights)
        settings = Settings(
            threads=threads or min(os.cpu_count() or 1, 4), context_size=context_size
        )
        copy = requantised(path, sha256) if requantise else None
        engine = Engine(copy or path, settings)
        numerics = "exact" if engine.exact else "depends-on-batch"
        identity = (
            f"local:{name} sha256={sha256} xllamacpp={ENGINE} machine={platform.machine()} "
            f"{'requantised=q8_0 ' if copy else ''}kv=f16+bf16 {numerics}"
        )
        return cls(engine, name=name, identity=identity)

    @property
    def identity(self) -> str:
        """Names the weights by their SHA-256, the engine's release and how it computes."""
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        """All of them, exactly."""
        return Capabilities(sample=True, score=True, choose=True)

    @property
    def context_size(self) -> int:
        """How many tokens a prompt and its answer may take together."""
        return self._engine.context_size

    @property
    def exact(self) -> bool:
        """Whether answers were found not to depend on what is computed beside them.

        It is tried when the model is loaded, bit by bit. Where it does not hold (which was not
        seen so far), the last digits of scores vary between runs.
        """
        return self._engine.exact

    @property
    def work(self) -> Work:
        """What the engine really computed since the model was loaded, from any thread.

        An answer's usage is a function of its request alone. This is what was paid for it:
        `model.work - before` after some requests tells how much their common prefixes saved.
        """
        return self._engine.work()

    def count_tokens(self, text: str) -> int:
        """The number of tokens that a text has by itself."""
        return self._engine.count_tokens(text)

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key.

        A text ends at an end-of-generation token, before the first stop string, or after
        `max_tokens` tokens. Its tokens are drawn from the softmax at `decoding.temperature`, cut to
        the nucleus `top_p`, with one number from the key's own generator each.

        The first completion's usage counts the prompt's tokens, the others' do not.

        Raises:
            CapabilityError: the decoding has a schema.
            ContextOverflow: the prompt and `max_tokens` do not fit.
            ModelError: the engine failed, or the model is closed.
        """
        refuse_schema(decoding, self.identity)
        if not keys:
            return []
        ticket: Ticket[list[Completion]] = Ticket()
        listener = current_listener()
        hearing = None if listener is None else Hearing(listener, keys, decoding.stop, ticket)
        heard = None if hearing is None else hearing.heard
        self._engine.submit(SampleRequest(ticket, context, decoding, tuple(keys), heard))
        completions = await ticket.wait()
        if hearing is not None:
            hearing.end(completions)
        return completions

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores texts under the distribution that `decoding` draws from, in nats.

        The text is joined to its context, and the two are tokenised as one. The event is that the
        model, after the tokens that this has in common with the context alone, draws exactly the
        tokens that remain. (They are the text's own, unless the context's last token changes where
        it meets the text, as a trailing space does: then that token is scored as part of the text.
        Where nothing is left in common, the token for the beginning of a text comes before.)

        With `end`, and where the text has fewer than `max_tokens` tokens, one more factor is the
        probability that the next token is an end-of-generation token or one that begins with a
        stop string. An empty text has only this factor. A stop string that takes several tokens
        counts only through those that begin with all of it. Other tokens that spell the same text
        are other events and are not added.

        Usage counts the context's tokens once, and each text's own: a function of the request,
        whatever was at hand from earlier ones.

        Raises:
            CapabilityError: the decoding has a schema.
            ContextOverflow: the context and the longest text do not fit.
            ModelError: the engine failed, or the model is closed.
        """
        refuse_schema(decoding, self.identity, scoring=True)
        scored = await self._scored(
            context,
            texts,
            temperature=decoding.temperature or 1.0,
            top_p=decoding.top_p,
            stop=decoding.stop,
            max_tokens=decoding.max_tokens,
            end=end,
        )
        return TextScores(tuple(map(TextScore, scored.logprobs)), Usage(scored.tokens))

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores labels: for each the log of its verbalisers' added probabilities.

        A verbaliser's probability is that of its tokens, as in `score` at temperature 1. Where the
        tokens of one verbaliser begin those of another, every verbaliser's end is part of its
        event: an end-of-generation token, or one that begins with a line break.

        Raises:
            ContextOverflow: the context and the longest verbaliser do not fit.
            ModelError: the engine failed, or the model is closed.
        """
        texts = [text for choice in choices for text in choice.texts]
        scored = await self._scored(context, texts, stop=_LABEL_STOP, end=None)
        logprobs = iter([math.fsum(tokens) for tokens in scored.logprobs])
        labels = tuple(_log_sum([next(logprobs) for _ in choice.texts]) for choice in choices)
        return LabelScores(labels, Usage(scored.tokens))

    async def _scored(
        self,
        context: str,
        texts: Sequence[str],
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        stop: tuple[str, ...],
        max_tokens: float = math.inf,
        end: bool | None,
    ) -> Scored:
        ticket: Ticket[Scored] = Ticket()
        self._engine.submit(
            ScoreRequest(
                ticket,
                context,
                tuple(texts),
                temperature=temperature,
                top_p=top_p,
                stop=stop,
                max_tokens=max_tokens,
                end=end,
            )
        )
        return await ticket.wait()

    async def aclose(self) -> None:
        """Ends the model's thread and frees its memory. What is pending fails."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """Does what `aclose` does, and blocks meanwhile."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"LocalModel({self._identity!r})"


def _log_sum(logprobs: Sequence[float]) -> float:
    """The logarithm of the sum of probabilities that are given by their logarithms."""
    top = max(logprobs)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(logprob - top) for logprob in logprobs))
