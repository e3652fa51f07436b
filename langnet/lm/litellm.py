"""Models that the package litellm reaches (`pip install "langnet[litellm]"`): it samples, no more.

It takes some milliseconds of computing per call, so a server that speaks OpenAI's or Anthropic's
protocol is better named directly.
"""

from __future__ import annotations

import importlib.util
import json
import os
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from langnet.errors import CapabilityError
from langnet.lm.address import checked_url
from langnet.lm.answers import completion_of, usage_of
from langnet.lm.base import refuse_schema
from langnet.lm.failures import error_for
from langnet.lm.sampler import Sampler, draws
from langnet.lm.secret import frameless

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langnet.key import Key
    from langnet.lm.base import Completion, Decoding, Usage

__all__ = ["LiteLLMModel"]


class LiteLLMModel(Sampler):
    """A model by litellm's name for it. The package's own retries are off; ours stand above.

    Args:
        name: such as "mistral/mistral-small-latest".
        base_url: where the server is, if not where the package knows it to be.
        api_key: by default what the package finds in its own variables.
        timeout: seconds that a call may take.
        extra: further arguments of `litellm.acompletion`.

    Raises:
        CapabilityError: the package is not installed.
        ValueError: the address cannot be used.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 120.0,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if importlib.util.find_spec("litellm") is None:
            raise CapabilityError('litellm is not installed; pip install "langnet[litellm]"')
        self.name = name
        self._url = None if base_url is None else checked_url(base_url)
        self._key = api_key
        self._timeout = timeout
        self._extra = dict(extra or {})
        self._hear: Callable[[int, Mapping[str, str]], None] | None = None

    @property
    def identity(self) -> str:
        """The model, the server, and all that is set here and can change an answer."""
        extra = json.dumps(self._extra, sort_keys=True) if self._extra else ""
        return f"litellm:{self.name}@{self._url or ''}?{extra}"

    def __repr__(self) -> str:
        return f"LiteLLMModel({self.name!r})"

    @frameless
    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key, each in a request of its own; at temperature 0 there is one.

        Raises:
            CapabilityError: there is a schema.
            ModelError: a draw failed; see `OpenAIModel.sample`.
        """
        refuse_schema(decoding, repr(self))
        # Importing it takes seconds, and looks for prices in the network.
        litellm = await anyio.to_thread.run_sync(_loaded)
        arguments = {
            "max_tokens": decoding.max_tokens,
            "temperature": decoding.temperature,
            **({"top_p": decoding.top_p} if decoding.top_p < 1 else {}),
            **({"stop": list(decoding.stop)} if decoding.stop else {}),
        }
        # It refuses a seed where the model's server knows none.
        names = litellm.get_supported_openai_params(model=self.name) or ()
        seeded = "seed" in names and decoding.temperature > 0

        async def draw(keys: Sequence[Key]) -> tuple[Completion, Usage]:
            seed = {"seed": keys[0].seed % 2**31} if seeded else {}
            return await self._drawn(litellm, context, decoding, {**arguments, **seed})

        return await draws(draw, decoding, keys)

    def bounded(self, hear: Callable[[int, Mapping[str, str]], None]) -> None:
        """Tells a limiter the status and the headers of every answer from now on."""
        self._hear = hear

    async def aclose(self) -> None:
        """Nothing: the package keeps its connections to itself."""

    async def _drawn(
        self, litellm: Any, context: str, decoding: Decoding, arguments: Mapping[str, Any]
    ) -> tuple[Completion, Usage]:
        where = f"litellm:{self.name}"
        try:
            found = await litellm.acompletion(
                **{**self._extra, **arguments},
                model=self.name,
                messages=[{"role": "user", "content": context}],
                api_base=self._url,
                api_key=self._key,
                timeout=self._timeout,
                num_retries=0,
                max_retries=0,
            )
        except Exception as error:
            status = getattr(error, "status_code", None)
            if not isinstance(status, int):
                raise
            headers = getattr(getattr(error, "response", None), "headers", None) or {}
            fault = error_for(
                status,
                _masked(str(error)).encode(),
                url=where,
                retry_after=headers.get("retry-after"),
                secret=self._key,
            )
            self._tell(status, headers)
        else:
            self._tell(200, getattr(found, "_response_headers", None) or {})
            answer = found.model_dump()
            usage = usage_of(answer.get("usage"))
            return completion_of(answer["choices"][0], usage, decoding.stop, where=where), usage
        # Raised out here, without a context: the package's errors hold the request, and so the key.
        raise fault

    def _tell(self, status: int, headers: Mapping[str, str]) -> None:
        if self._hear is not None:
            self._hear(status, headers)


def _masked(text: str) -> str:
    """A text without the keys that the package may have found for itself."""
    for name, value in os.environ.items():
        if name.endswith(("_KEY", "_TOKEN")) and len(value) > 7:  # noqa: PLR2004 - no word
            text = text.replace(value, "[key]")
    return text


def _loaded() -> Any:
    import litellm  # noqa: PLC0415  # seconds

    litellm.suppress_debug_info = True  # it would print to the standard output
    return litellm
