"""Claude, behind Anthropic's Messages API.

Source: https://docs.anthropic.com/en/api/messages, version 2023-06-01.
"""

from __future__ import annotations

import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from langnet.errors import CapabilityError, ModelError, RequestRejected, TransientError
from langnet.lm.address import Address, checked_key, checked_url
from langnet.lm.answers import count_of, ended
from langnet.lm.base import Completion, Usage, refuse_schema
from langnet.lm.chunks import MessageChunks
from langnet.lm.connection import Connection
from langnet.lm.listen import Telling, current_listener
from langnet.lm.sampler import Sampler, draws
from langnet.lm.secret import Secret, frameless

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import aiohttp

    from langnet.key import Key
    from langnet.lm.base import Decoding

__all__ = ["AnthropicModel"]

_ANTHROPIC = "https://api.anthropic.com"
_PATH = "messages"


class AnthropicModel(Sampler):
    """A model of Anthropic's, or behind a server that speaks its protocol. It samples, no more.

    The context is the user's message. The protocol knows no seeds, so only the cache makes a draw
    repeatable. Temperatures go from 0 to 1.

    Args:
        name: the model's name at the server.
        base_url: the server's address, with "/v1" at its end or without; by default the variable
            ANTHROPIC_BASE_URL, or Anthropic.
        api_key: by default the variable ANTHROPIC_API_KEY, but only for the default `base_url`, so
            that the key goes to no other server.
        system: the system prompt, if there is to be one.
        version: of the protocol, the header `anthropic-version`.
        timeout: seconds to wait for a connection, and for the server's next byte.
        extra: fields that go along with every request, such as `{"top_k": 40}`.
        session: connections that the caller owns and closes.

    Raises:
        ValueError: an argument cannot be used.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        system: str | None = None,
        version: str = "2023-06-01",
        timeout: float = 120.0,
        extra: Mapping[str, Any] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.name, self.base_url = name, ""  # what errors may show
        api_key = None if api_key is None else Secret(api_key)
        usual = checked_url(os.environ.get("ANTHROPIC_BASE_URL") or _ANTHROPIC)
        self.base_url = usual if base_url is None else checked_url(base_url)
        if api_key is None and self.base_url == usual:
            api_key = Secret(os.environ.get("ANTHROPIC_API_KEY", ""))
        self._settings = {
            **({} if system is None else {"system": system}),
            **(extra or {}),
        }
        self._version = version
        address = Address(
            f"{self.base_url.removesuffix('/v1')}/v1",
            checked_key(api_key),
            "x-api-key",
            more={"anthropic-version": version},
        )
        self._url = address.url(_PATH)
        self._connection = Connection(address, timeout=timeout, session=session)

    @property
    def identity(self) -> str:
        """The model, the server, and all that is set here and can change an answer."""
        settings = json.dumps(self._settings, sort_keys=True) if self._settings else ""
        return f"anthropic:{self.name}@{self.base_url}?version={self._version}{settings}"

    def __repr__(self) -> str:
        return f"AnthropicModel({self.name!r}, base_url={self.base_url!r})"

    @frameless
    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, each in a request of its own, all at once.

        At temperature 0 the texts are one text, which is asked for once.

        Raises:
            CapabilityError: the temperature is above 1, or there is a schema.
            ModelError: a draw failed. Where that may pass, the others are waited for, and the
                error takes them along; otherwise they are cancelled.
        """
        refuse_schema(decoding, repr(self))
        if decoding.temperature > 1:
            raise CapabilityError(
                f"{self!r} draws at temperatures from 0 to 1, not {decoding.temperature:g}; set "
                "the node's decoding so"
            )
        body: dict[str, Any] = {
            **self._settings,
            "model": self.name,
            "max_tokens": decoding.max_tokens,
            "messages": [{"role": "user", "content": context}],
        }
        # Some models refuse the two together, and some the fields at all: defaults are not sent.
        if decoding.temperature != 1:
            body["temperature"] = decoding.temperature
        if decoding.top_p != 1:
            body["top_p"] = decoding.top_p
        # The server refuses stop strings of white space; those are cut at here alone.
        if stop := [string for string in decoding.stop if string.strip()]:
            body["stop_sequences"] = stop
        return await draws(partial(self._drawn, body, decoding), decoding, keys)

    def bounded(self, hear: Callable[[int, Mapping[str, str]], None]) -> None:
        """Leaves the number of open calls to a limiter, and tells it of answers.

        Args:
            hear: is told the status and the headers of every answer from now on.
        """
        self._connection.bounded(hear)

    async def aclose(self) -> None:
        """Closes the connections, except those of a session that the caller owns."""
        await self._connection.aclose()

    async def _drawn(
        self, body: Mapping[str, Any], decoding: Decoding, keys: Sequence[Key]
    ) -> tuple[Completion, Usage]:
        """One text for these keys; who listens hears it as it comes."""
        listener = current_listener()
        if listener is None:
            message = await self._connection.ask(_PATH, body)
            completion = self._completed(message, decoding)
            return completion, completion.usage
        telling = Telling(listener, keys, decoding.stop)
        message = await self._connection.stream(
            _PATH, {**body, "stream": True}, MessageChunks(), telling.piece
        )
        completion = self._completed(message, decoding)
        telling.end(completion.text)
        return completion, completion.usage

    def _completed(self, message: Mapping[str, Any], decoding: Decoding) -> Completion:
        reason = message.get("stop_reason")
        if reason == "refusal":
            raise RequestRejected(
                f"{self._url}: the model refused (stop_reason 'refusal'); another prompt may help"
            )
        blocks = message.get("content")
        if not (isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)):
            raise TransientError(f"{self._url} answered without content")
        texts = [block.get("text") for block in blocks if block.get("type") == "text"]
        if not all(isinstance(text, str) for text in texts):
            raise TransientError(f"{self._url} answered with what is no text")
        if not texts and reason in {"tool_use", "pause_turn"}:
            raise ModelError(f"{self._url} answered without text (stop_reason {reason!r})")
        return ended(
            "".join(texts),
            stop=decoding.stop,
            is_cut=reason in {"max_tokens", "model_context_window_exceeded"},
            usage=_usage(message.get("usage")),
        )


def _usage(usage: object) -> Usage:
    """The tokens that the server says it took: it lists those from its cache beside the others."""
    if not isinstance(usage, dict):
        return Usage()
    cached = count_of(usage.get("cache_read_input_tokens"))
    fresh = count_of(usage.get("input_tokens"))
    written = count_of(usage.get("cache_creation_input_tokens"))
    return Usage(cached + fresh + written, count_of(usage.get("output_tokens")), cached)
