"""Models behind a server that speaks OpenAI's protocol: OpenAI, vLLM, SGLang, llama.cpp, Ollama.

What such a server can do differs, so nothing is assumed: a new model only samples. What more it
does is declared (`scoring`, `capabilities`) or found by `probe`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from langnet.errors import (
    CapabilityError,
    ModelError,
    RequestRejected,
    TransientError,
)
from langnet.key import Key
from langnet.lm.answers import (
    echoed_logprobs,
    first_tokens,
    in_order,
    prompt_logprobs,
    text_of,
    usage_of,
)
from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    TextScore,
    TextScores,
    Usage,
    joined,
)
from langnet.lm.chunks import ChoiceChunks
from langnet.lm.listen import Telling, current_listener
from langnet.lm.logprobs import label_logprobs, log_sum_exp
from langnet.lm.secret import Secret, frameless
from langnet.lm.session import Session, checked_key, checked_url
from langnet.lm.several import asked_at_once, ended

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import aiohttp

__all__ = ["OpenAIModel", "Probe"]

_OPENAI = "https://api.openai.com/v1"
_PATHS = {"chat": "chat/completions", "completions": "completions"}
# A server that does not know one of these ignores it, or can be told otherwise in `extra`.
_STREAM = {"stream": True, "stream_options": {"include_usage": True}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a server was found to do.

    Attributes:
        capabilities: what it can do.
        scoring: how it gives log-probabilities of a given text, if it does.
        notes: why it cannot do the rest, by capability.
    """

    capabilities: Capabilities
    scoring: Literal["echo", "prompt_logprobs"] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


class OpenAIModel:
    """A model behind an OpenAI-compatible server.

    A seed goes along with each draw; how far a server honours it is its own affair. Only the cache
    makes a draw repeatable for certain.

    Servers give no probability for the end of a text, so `score` covers the tokens of the text
    alone, whatever `end` says: `scores_end` is False. Such scores favour texts that are cut off.

    Args:
        name: the model's name at the server.
        base_url: where the server's endpoints begin, usually ending in "/v1"; by default the
            variable OPENAI_BASE_URL, or OpenAI.
        api_key: by default the variable OPENAI_API_KEY, but only for the default `base_url`, so
            that the key goes to no other server.
        endpoint: "chat" sends the context as the user's message, "completions" continues it.
        scoring: how the server scores a given text, at the endpoint "completions": "echo" (it
            repeats the prompt with log-probabilities) or "prompt_logprobs" (vLLM's field).
        capabilities: what the server can do, where that is known; `choose` without `scoring`
            takes the first token among its top log-probabilities.
        top_logprobs: how many of those to ask for; by default 20 in chat and 5 for completions,
            OpenAI's limits.
        timeout: seconds to wait for a connection, and for the server's next byte.
        extra: fields that go along with every request, such as `{"top_k": -1}`.
        batch: how many prompts the server takes in one request, at the endpoint "completions";
            `langnet.lm.gather.Gathered` joins requests then, as `connect` does.
        session: connections that the caller owns and closes.

    Raises:
        ValueError: an argument cannot be used.
    """

    scores_end = False

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        endpoint: Literal["chat", "completions"] = "chat",
        scoring: Literal["echo", "prompt_logprobs"] | None = None,
        capabilities: Capabilities | None = None,
        top_logprobs: int | None = None,
        timeout: float = 120.0,
        extra: Mapping[str, Any] | None = None,
        batch: int | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.name, self.endpoint, self.base_url = name, endpoint, ""  # what errors may show
        api_key = None if api_key is None else Secret(api_key)
        if endpoint not in _PATHS:
            raise ValueError(f'endpoint is "chat" or "completions", not {endpoint!r}')
        if scoring not in {None, "echo", "prompt_logprobs"}:
            raise ValueError(f'scoring is "echo", "prompt_logprobs" or None, not {scoring!r}')
        if scoring is not None and endpoint == "chat":
            raise ValueError('a chat cannot be scored; add endpoint="completions"')
        if batch is not None and (batch < 1 or endpoint == "chat"):
            raise ValueError(
                'batch is at least 1, with endpoint="completions": a chat takes no list of prompts'
            )
        scores = scoring is not None
        declared = capabilities or Capabilities(score=scores, choose=scores)
        if declared.score and not scores:
            raise ValueError('say how the server scores: scoring="echo" or "prompt_logprobs"')
        usual_url = os.environ.get("OPENAI_BASE_URL") or _OPENAI
        if api_key is None and (base_url is None or base_url.rstrip("/") == usual_url.rstrip("/")):
            api_key = Secret(os.environ.get("OPENAI_API_KEY", ""))
        self.base_url = checked_url(base_url or usual_url)
        self._url = f"{self.base_url}/{_PATHS[endpoint]}"
        self._capabilities = declared
        self._scoring = scoring
        self._top = top_logprobs or (20 if endpoint == "chat" else 5)
        self._extra = dict(extra or {})
        # OpenAI's newer models refuse the old name, other servers do not know the new one.
        new_name = endpoint == "chat" and self.base_url == _OPENAI
        self._length_field = "max_completion_tokens" if new_name else "max_tokens"
        key = checked_key(api_key)
        self._session = Session(
            headers={} if key is None else {"Authorization": Secret(f"Bearer {key}")},
            secret=key,
            timeout=timeout,
            shared=session,
        )
        self.batch = batch
        self._gathered: Callable[..., Awaitable[tuple[dict[str, Any], Usage]]] | None = None

    @property
    def identity(self) -> str:
        """The model, the server, and all that is set here and can change an answer."""
        extra = json.dumps(self._extra, sort_keys=True) if self._extra else ""
        way = self._scoring or f"top{self._top}"
        return f"openai:{self.name}@{self.base_url}?endpoint={self.endpoint}&scoring={way}{extra}"

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
        notes: dict[str, str] = {}
        # Models that reason first fail where no token is left for it.
        await self.sample("1, 2, 3,", decoding=Decoding(max_tokens=16), keys=[Key(("probe",))])
        top = 0
        for number in (20, 5):
            try:
                await self._first_tokens("1, 2, 3,", number)
            except TransientError:
                raise
            except ModelError as error:
                notes["choose"] = str(error)
            else:
                notes.pop("choose", None)
                top = number
                break
        scoring: Literal["echo", "prompt_logprobs"] | None = None
        ways: tuple[Literal["echo", "prompt_logprobs"], ...] = ("echo", "prompt_logprobs")
        if self.endpoint == "chat":
            notes["score"] = 'a chat cannot be scored; endpoint="completions" may'
            ways = ()
        for way in ways:
            try:
                await self._scored("The cat", "sat on the mat", way)
            except TransientError:
                raise
            except ModelError as error:
                notes["score"] = str(error)
            else:
                notes.pop("score", None)
                scoring = way
                break
        self._scoring = scoring
        self._top = top or self._top
        scores = scoring is not None
        self._capabilities = Capabilities(score=scores, choose=scores or bool(top))
        return Probe(capabilities=self._capabilities, scoring=scoring, notes=notes)

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, each in a request of its own, all at once.

        At temperature 0 the texts are one text, which is asked for once.

        Raises:
            ModelError: a draw failed. Where that may pass, the others are waited for, and the
                error takes them along; otherwise they are cancelled.
        """
        if not self._capabilities.sample:
            raise CapabilityError(f"{self!r} was declared not to sample")
        body: dict[str, Any] = {
            **self._asked(context),
            self._length_field: decoding.max_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
        }
        if decoding.stop:
            body["stop"] = list(decoding.stop)
        if decoding.temperature == 0 and keys:
            one, _ = await self._drawn(body, decoding, keys)
            return [one, *[Completion(one.text, one.finish)] * (len(keys) - 1)]
        # Servers keep a seed in 32 bits with a sign.
        if len(keys) == 1:  # by far the most calls
            one, _ = await self._drawn({**body, "seed": keys[0].seed % 2**31}, decoding, keys)
            return [one]
        drawn = await asked_at_once(
            [
                partial(self._drawn, {**body, "seed": key.seed % 2**31}, decoding, [key])
                for key in keys
            ]
        )
        return [completion for completion, _ in drawn]

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
            decoding: at temperature 1, or 0, which is scored as 1.
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
        if decoding.temperature not in {0, 1} or (decoding.temperature == 1 > decoding.top_p):
            raise CapabilityError(
                f"{self!r} scores at temperature 1 with top_p 1 only, not at temperature "
                f"{decoding.temperature} with top_p {decoding.top_p}; set the node's decoding so"
            )
        answers = await asked_at_once([partial(self._scored, context, text, way) for text in texts])
        usage = sum((used for _, used in answers), Usage())
        return TextScores(tuple(score for score, _ in answers), usage)

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
        scores = await self.score(context, texts, decoding=Decoding(), end=False)
        logprobs = {text: s.logprob for text, s in zip(texts, scores.scores, strict=True)}
        return LabelScores(
            tuple(log_sum_exp([logprobs[text] for text in set(c.texts)]) for c in choices),
            scores.usage,
        )

    def bounded(self, hear: Callable[[int, Mapping[str, str]], None]) -> None:
        """Leaves the number of open calls to a limiter, and tells it of answers.

        Args:
            hear: is told the status and the headers of every answer from now on.
        """
        self._session.bounded(hear)

    def gathered(
        self, ask: Callable[[Mapping[str, Any]], Awaitable[tuple[dict[str, Any], Usage]]] | None
    ) -> None:
        """Leaves every request to whoever joins them; see `langnet.lm.batch.Batching`."""
        self._gathered = ask

    async def aclose(self) -> None:
        """Closes the connections, except those of a session that the caller owns."""
        await self._session.aclose()

    def _asked(self, context: str) -> dict[str, Any]:
        if self.endpoint == "chat":
            return {"messages": [{"role": "user", "content": context}]}
        return {"prompt": context}

    async def _post(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], Usage]:
        """The first choice of the server's answer, and the tokens that it took."""
        if self._gathered is not None:
            choice, usage = await self._gathered(body)
            return choice, usage
        choices, usage = await self.request(body)
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
        several = {} if prompts is None else {"prompt": list(prompts)}
        whole = {**self._extra, "model": self.name, **body, **several}
        return self._read(await self._session.post(self._url, whole), prompts)

    def _read(
        self, answer: Mapping[str, Any], prompts: Sequence[str] | None = None
    ) -> tuple[list[dict[str, Any]], Usage]:
        match answer.get("choices"):
            case [dict(), *_] as choices:
                if prompts is not None:
                    choices = in_order(choices, len(prompts), self._url)
                return choices, usage_of(answer.get("usage"))
        raise TransientError(f"{self._url} answered without a choice")

    @frameless
    async def _drawn(
        self, body: Mapping[str, Any], decoding: Decoding, keys: Sequence[Key]
    ) -> tuple[Completion, Usage]:
        """One text for these keys; who listens hears it as it comes."""
        listener = current_listener()
        if listener is None:
            completion = self._completed(*await self._post(body), decoding)
            return completion, completion.usage
        telling = Telling(listener, keys, decoding.stop)
        answer = await self._session.stream(
            self._url,
            {**_STREAM, **self._extra, "model": self.name, **body},
            ChoiceChunks(),
            telling.piece,
        )
        choices, usage = self._read(answer)
        completion = self._completed(choices[0], usage, decoding)
        telling.end(completion.text)
        return completion, completion.usage

    def _completed(self, choice: dict[str, Any], usage: Usage, decoding: Decoding) -> Completion:
        finish = choice.get("finish_reason")
        if finish == "content_filter":
            raise RequestRejected(f"the content filter of {self._url} stopped the answer")
        text = text_of(choice)
        if text is None:
            if finish != "length":
                raise ModelError(
                    f"{self._url} answered without text (finish_reason {finish!r}); the model may "
                    "have refused or called a tool"
                )
            text = ""  # all tokens went into reasoning that the server does not show
        return ended(text, stop=decoding.stop, is_cut=finish == "length", usage=usage)

    @frameless
    async def _first_tokens(
        self, context: str, number: int
    ) -> tuple[list[tuple[str, float]], Usage]:
        """The most probable first tokens after a context."""
        chat = self.endpoint == "chat"
        asked = {"logprobs": True, "top_logprobs": number} if chat else {"logprobs": number}
        choice, usage = await self._post(
            {
                **self._asked(context),
                **asked,
                self._length_field: 1,
                "temperature": 1.0,
                "top_p": 1.0,
                "seed": 0,
            }
        )
        return first_tokens(choice), usage

    @frameless
    async def _scored(
        self, context: str, text: str, way: Literal["echo", "prompt_logprobs"]
    ) -> tuple[TextScore, Usage]:
        """The score of one text. One token is drawn, since not every server takes none."""
        if not text:
            return TextScore(()), Usage()
        text = joined(context, text)
        body = {"prompt": context + text, "max_tokens": 1, "temperature": 0.0, "seed": 0}
        if way == "prompt_logprobs":
            choice, usage = await self._post({**body, "prompt_logprobs": 0})
            return TextScore(prompt_logprobs(choice, context, text)), usage
        choice, usage = await self._post({**body, "echo": True, "logprobs": 1})
        return TextScore(echoed_logprobs(choice, context, text)), usage
