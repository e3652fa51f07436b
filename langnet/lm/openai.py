"""Models behind a server that speaks OpenAI's protocol: OpenAI, vLLM, SGLang, llama.cpp, Ollama.

What such a server can do differs, so nothing is assumed: a new model only samples. What more it
does is declared, by the name of its kind (`dialect`) or one by one (`scoring`, `capabilities`), or
found by `probe`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

from langnet.errors import CapabilityError, TransientError
from langnet.key import Key
from langnet.lm.address import OPENAI, address_of
from langnet.lm.answers import completion_of, first_tokens, in_order, usage_of
from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    TextScores,
    Usage,
    refuse_schema,
)
from langnet.lm.chunks import ChoiceChunks
from langnet.lm.connection import Connection
from langnet.lm.labels import NamedLabels
from langnet.lm.listen import Telling, current_listener
from langnet.lm.logprobs import label_logprobs, log_sum_exp
from langnet.lm.manner import manner_of
from langnet.lm.partial import gathered
from langnet.lm.probe import Probe, found_out
from langnet.lm.scoring import text_scores
from langnet.lm.secret import Secret, frameless
from langnet.lm.server_tokens import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from langnet.lm.budget import Price
    from langnet.lm.dialects import DialectName, Endpoint, ScoringWay

__all__ = ["OpenAIModel", "Probe"]

_FirstTokens = tuple[list[tuple[str, float]], Usage]
_WAYS: tuple[ScoringWay, ...] = ("echo", "prompt_logprobs")  # that any server may know
# A server that does not know one of these ignores it, or can be told otherwise in `extra`.
_STREAM = {"stream": True, "stream_options": {"include_usage": True}}


class OpenAIModel:
    """A model behind an OpenAI-compatible server.

    A seed goes along with each draw; how far a server honours it is its own affair. Only the cache
    makes a draw repeatable for certain.

    Servers give no probability for the end of a text, so `score` covers the tokens of the text
    alone, whatever `end` says: `scores_end` is False. Such scores favour texts that are cut off.

    Args:
        name: the model's name at the server; at Azure the deployment's.
        base_url: where the server's endpoints begin, usually ending in "/v1"; by default the
            variable OPENAI_BASE_URL, or OpenAI.
        api_key: by default the variable OPENAI_API_KEY, but only for the default `base_url`, so
            that the key goes to no other server.
        dialect: the kind of server, which says all that follows; what is given besides wins.
        endpoint: "chat" sends the context as the user's message, "completions" continues it; by
            default what the dialect says, or "chat".
        scoring: how the server scores a given text, at the endpoint "completions": "echo" (it
            repeats the prompt with log-probabilities), "prompt_logprobs" (vLLM's field), or a way
            of another dialect (`langnet.lm.scoring`).
        capabilities: what the server can do, where that is known; `choose` without `scoring`
            takes the first token among its top log-probabilities.
        top_logprobs: how many of those to ask for; by default what the dialect gives, or 20 in chat
            and 5 for completions, OpenAI's limits.
        system: a system prompt, before every context.
        template: a chat template that writes the context as the user's message, for the endpoint
            "completions"; `langnet.lm.templates` says which there are.
        api_version: of Azure's interface; None for its version 1.
        timeout: seconds to wait for a connection, and for the server's next byte.
        extra: fields that go along with every request, such as `{"top_k": -1}`.
        batch: how many prompts the server takes in one request, at the endpoint "completions";
            `langnet.lm.gather.Gathered` joins requests then, as `connect` does.
        session: connections that the caller owns and closes.

    Raises:
        ValueError: an argument cannot be used.
    """

    scores_end = False
    price: Price | None = None
    """What its tokens cost, where that is declared."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        dialect: DialectName | None = None,
        endpoint: Endpoint | None = None,
        scoring: ScoringWay | None = None,
        capabilities: Capabilities | None = None,
        top_logprobs: int | None = None,
        system: str | None = None,
        template: str | Path | None = None,
        api_version: str | None = None,
        timeout: float = 120.0,
        extra: Mapping[str, Any] | None = None,
        batch: int | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.name, self.endpoint, self.base_url = name, endpoint, ""  # what errors may show
        api_key = None if api_key is None else Secret(api_key)
        azure = dialect == "azure"
        address = address_of(name, base_url, api_key, azure=azure, api_version=api_version)
        self._manner = manner_of(
            dialect,
            endpoint,
            scoring,
            capabilities,
            system=system,
            template=template,
            at_openai=address.base_url == OPENAI,
            api_version=api_version,
        )
        self.endpoint = self._manner.endpoint
        self.base_url = address.base_url
        self._capabilities = self._manner.capabilities
        self._scoring = self._manner.scoring
        self._labels = NamedLabels(self._manner)
        self._top = top_logprobs or self._manner.top
        self._extra = dict(extra or {})
        self._connection = Connection(address, timeout=timeout, session=session)
        self._server = Server(self._post, self._connection.ask, name)
        self._path = self._manner.dialect.paths[self.endpoint]
        self._where = address.url(self._path)
        if batch is not None and (batch < 1 or self.endpoint == "chat" or self._is_native):
            raise ValueError(
                'batch is at least 1, with endpoint="completions": a chat takes no list of '
                "prompts, nor does a protocol of the server's own"
            )
        self.batch = batch
        self._identity = self._named()
        self._gathered: Callable[..., Awaitable[tuple[dict[str, Any], Usage]]] | None = None

    @property
    def identity(self) -> str:
        """The model, the server, and all that is set here and can change an answer."""
        return self._identity

    def _named(self) -> str:
        extra = json.dumps(self._extra, sort_keys=True) if self._extra else ""
        way = self._scoring or f"top{self._top}"
        return (
            f"openai:{self.name}@{self.base_url}?endpoint={self.endpoint}&scoring={way}{extra}"
            f"{self._manner.mark}{self._connection.address.query.replace('?', '&')}"
        )

    @property
    def capabilities(self) -> Capabilities:
        """What was declared, or what `probe` has found."""
        return self._capabilities

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r}, base_url={self.base_url!r}, endpoint={self.endpoint!r})"

    async def probe(self) -> Probe:
        """Finds out with a few tiny requests what the server can do, and keeps to it from then on.

        Raises:
            ModelError: the server does not even draw a text, or did not answer.
        """
        prompt, texts = self._manner.joined("The cat", ["sat on the mat"])
        known: Sequence[ScoringWay] = (self._scoring,) if self._scoring else _WAYS
        found, top = await found_out(
            self._connection,
            self._manner.dialect.name,
            # Models that reason first fail where no token is left for it.
            lambda: self.sample(
                "1, 2, 3,", decoding=Decoding(max_tokens=16), keys=[Key(("probe",))]
            ),
            lambda number: self._first_tokens("1, 2, 3,", number),
            lambda way: text_scores(self._server, way, prompt, texts),
            () if self.endpoint == "chat" else known,
        )
        self._scoring = found.scoring
        self._top = top or self._top
        self._identity = self._named()
        self._capabilities = found.capabilities
        return found

    @frameless
    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, each in a request of its own, all at once.

        At temperature 0 the texts are one text, which is asked for once.

        Raises:
            CapabilityError: the server cannot hold a text to the decoding's schema.
            ModelError: a draw failed. Where that may pass, the others are waited for, and the
                error takes them along; otherwise they are cancelled.
        """
        if not self._capabilities.sample:
            raise CapabilityError(f"{self!r} was declared not to sample")
        body = self._manner.drawn(context, decoding, self)
        if decoding.temperature == 0 and keys:
            one, _ = await self._drawn(body, decoding, keys)
            return [one, *[Completion(one.text, one.finish)] * (len(keys) - 1)]
        # Servers keep a seed in 32 bits with a sign.
        if len(keys) == 1:  # by far the most calls
            body["seed"] = keys[0].seed % 2**31
            one, _ = await self._drawn(body, decoding, keys)
            return [one]
        drawn = await gathered(
            [
                partial(self._drawn, {**body, "seed": key.seed % 2**31}, decoding, [key])
                for key in keys
            ]
        )
        return [completion for completion, _ in drawn]

    @frameless
    async def score(
        self,
        context: str,
        texts: Sequence[str],
        *,
        decoding: Decoding,
        end: bool = True,  # noqa: ARG002  # the protocol has it, no server does
    ) -> TextScores:
        """Scores the tokens of given texts at temperature 1, each in a request of its own.

        Args:
            context: what comes before each text.
            texts: the texts.
            decoding: at temperature 1, or 0, which is scored as 1; without a schema.
            end: has no effect: servers give no probability for a text's end.

        Raises:
            CapabilityError: the server does not score, or not under this decoding.
            ModelError: a score failed; what becomes of the others is as for draws.
        """
        way = self._scoring
        if way is None or not self._capabilities.score:
            raise CapabilityError(
                f"{self!r} does not score given texts as far as is known; use "
                'endpoint="completions" with scoring="echo" or "prompt_logprobs" where the server '
                "offers it, or `await model.probe()` to find out"
            )
        refuse_schema(decoding, repr(self), scoring=True)
        if decoding.temperature not in {0, 1} or (decoding.temperature == 1 > decoding.top_p):
            raise CapabilityError(
                f"{self!r} scores at temperature 1 with top_p 1 only, not at temperature "
                f"{decoding.temperature} with top_p {decoding.top_p}; set the node's decoding so"
            )
        scored = await text_scores(self._server, way, *self._manner.joined(context, texts))
        usage = sum((used for _, used in scored), Usage())
        return TextScores(tuple(score for score, _ in scored), usage)

    @frameless
    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set at temperature 1.

        Where the server scores, each verbaliser's whole sequence counts, without its end. Elsewhere
        this is the first-token form: one token is drawn, and labels are matched with the server's
        most probable tokens (`langnet.lm.logprobs.label_logprobs` says how). A label that is not
        among them gets the smallest log-probability that the server gave, an upper bound.

        Raises:
            CapabilityError: the server gives no log-probabilities as far as is known.
            ModelError: the call failed, or none of the labels is among the top log-probabilities.
        """
        if not self._capabilities.choose:
            raise CapabilityError(
                f"{self!r} gives no log-probabilities of labels as far as is known; declare "
                "capabilities=Capabilities(choose=True) where the server offers top_logprobs, or "
                "`await model.probe()` to find out"
            )
        if self._scoring is None:
            top, usage = await self._first_tokens(context, self._top)
            return LabelScores(label_logprobs(top, choices), usage)
        texts = list(dict.fromkeys(text for choice in choices for text in choice.texts))
        found = await self._labels.scores(self._server, context, texts)
        if found is None:
            scores = await self.score(context, texts, decoding=Decoding(), end=False)
            logprobs = {text: s.logprob for text, s in zip(texts, scores.scores, strict=True)}
            found = logprobs, scores.usage
        logprobs, usage = found
        sums = (log_sum_exp([logprobs[text] for text in set(c.texts)]) for c in choices)
        return LabelScores(tuple(sums), usage)

    def bounded(self, hear: Callable[[int, Mapping[str, str]], None]) -> None:
        """Leaves the number of open calls to a limiter, and tells it of answers' headers."""
        self._connection.bounded(hear)

    def gathered(
        self, ask: Callable[[Mapping[str, Any]], Awaitable[tuple[dict[str, Any], Usage]]] | None
    ) -> None:
        """Leaves every request to whoever joins them; see `langnet.lm.batch.Batching`."""
        self._gathered = ask

    async def aclose(self) -> None:
        """Closes the connections, except those of a session that the caller owns."""
        await self._connection.aclose()

    @property
    def _is_native(self) -> bool:
        """Whether the server is asked in a protocol of its own."""
        return self._path.startswith("/")

    async def _post(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], Usage]:
        """The first choice of the server's answer, and the tokens that it took."""
        if self._gathered is not None and isinstance(body.get("prompt"), str):
            return await self._gathered(body)
        asked = self._whole(body)
        choices, usage = self._read(asked, await self._connection.ask(self._path, asked))
        return choices[0], usage

    async def request(
        self, body: Mapping[str, Any], prompts: Sequence[str] | None = None
    ) -> tuple[list[dict[str, Any]], Usage]:
        """Sends one request; gives the choices, and the tokens that they took.

        Args:
            body: what is asked, without what is the same in all requests.
            prompts: several in place of one; there is a choice for each, in their order.

        Raises:
            ModelError: the request failed.
            CapabilityError: the server does not answer each of several prompts.
        """
        asked = self._whole(body if prompts is None else {**body, "prompt": list(prompts)})
        return self._read(asked, await self._connection.ask(self._path, asked), prompts)

    def _whole(self, body: Mapping[str, Any]) -> dict[str, Any]:
        dialect = self._manner.dialect
        return dialect.asked({**dialect.settings, **self._extra, "model": self.name, **body})

    def _read(
        self, asked: dict[str, Any], answer: dict[str, Any], prompts: Sequence[str] | None = None
    ) -> tuple[list[dict[str, Any]], Usage]:
        answer = self._manner.dialect.answered(asked, answer)
        match answer:
            case {"choices": [dict(), *_] as choices}:
                if prompts is not None:
                    choices = in_order(choices, len(prompts), self._where)
                return choices, usage_of(answer.get("usage"))
        raise TransientError(f"{self._where} answered without a choice")

    async def _drawn(
        self, body: Mapping[str, Any], decoding: Decoding, keys: Sequence[Key]
    ) -> tuple[Completion, Usage]:
        """One text for these keys; who listens hears it as it comes."""
        listener = current_listener()
        if listener is None:
            choice, usage = await self._post(body)
            return completion_of(choice, usage, decoding.stop, where=self._where), usage
        telling = Telling(listener, keys, decoding.stop)
        if self._is_native:  # its text comes whole
            choice, usage = await self._post(body)
        else:
            asked = self._whole(body)
            answer = await self._connection.stream(
                self._path, {**_STREAM, **asked}, ChoiceChunks(), telling.piece
            )
            (choice, *_), usage = self._read(asked, answer)
        completion = completion_of(choice, usage, decoding.stop, where=self._where)
        telling.end(completion.text)
        return completion, usage

    async def _first_tokens(self, context: str, number: int) -> _FirstTokens:
        """The most probable first tokens after a context."""
        choice, usage = await self._post(self._manner.first(context, number))
        return first_tokens(choice), usage
