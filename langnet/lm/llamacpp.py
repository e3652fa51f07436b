"""llama.cpp's server: it scores no prompt, but says the number of each token that it draws.

So a text is forced upon it token by token. The number is that of the model's own distribution,
before any bias or cut (tried with the build that xllamacpp 2026.10 carries).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from langnet.errors import ModelError
from langnet.lm.answers import number_of, usage_of
from langnet.lm.base import Usage
from langnet.lm.server_tokens import Scored, Server, covering, first_beyond, llamacpp_tokens

__all__ = ["scorer_by_force"]

_FORCED = 1e9  # added to a logit: nothing else is drawn then


async def scorer_by_force(
    server: Server, context: str, texts: Sequence[str]
) -> Callable[[Server, str, str], Awaitable[Scored]]:
    """What scores these texts, with one request for each token.

    Each reads one token more than the one before, and the rest is in the server's cache.
    """
    before, *joint = await llamacpp_tokens(server, context, texts)
    by_text = dict(zip(texts, joint, strict=True))

    async def one(server: Server, context: str, text: str) -> Scored:
        tokens = by_text[text]
        first = first_beyond(before, tokens)
        if first == 0:  # nothing can be drawn after nothing
            raise ModelError(
                "the server gives no log-probability for the first token of a text without "
                "context; give the node a context that is not empty"
            )
        pieces: list[str] = []
        numbers: list[float | None] = []
        usage = Usage()
        for place in range(first, len(tokens)):
            piece, number, used = await _number(server, tokens[:place], tokens[place])
            pieces.append(piece)
            numbers.append(number)
            usage += used
        return covering(before, first, context, text, pieces, numbers), usage

    return one


async def _number(
    server: Server, before: Sequence[int], token: int
) -> tuple[str, float | None, Usage]:
    """The string and the log-probability of one token after others, and what it took."""
    answer = await server.ask(
        "/completion",
        {
            "prompt": list(before),
            "n_predict": 1,
            "n_probs": 1,
            "logit_bias": [[token, _FORCED]],
            "temperature": 1.0,
            "seed": 0,
            "cache_prompt": True,
            "post_sampling_probs": False,
        },
    )
    match answer:
        case {"completion_probabilities": [{"id": drawn, "token": str(piece), **rest}]}:
            pass
        case _:
            raise ModelError("the server answered without completion_probabilities")
    if drawn != token:
        raise ModelError("the server drew another token than the one that was forced")
    return piece, number_of(rest.get("logprob")), _usage(answer, len(before))


def _usage(answer: Mapping[str, Any], before: int) -> Usage:
    timings = answer.get("timings")
    cached = timings.get("cache_n") if isinstance(timings, dict) else None
    details = {"cached_tokens": cached}
    return usage_of(
        {"prompt_tokens": before, "completion_tokens": 1, "prompt_tokens_details": details}
    )
