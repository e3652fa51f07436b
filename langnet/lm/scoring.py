"""How a server scores given texts: one function for each way.

What a server gives is matched with what was sent, by the tokens' strings or by their numbers. Where
they do not agree a call fails: a wrong boundary would be a wrong score.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from langnet.lm.answers import echoed_logprobs, prefill_logprobs, prompt_logprobs
from langnet.lm.base import TextScore, Usage
from langnet.lm.dialects import ScoringWay
from langnet.lm.llamacpp import scorer_by_force
from langnet.lm.partial import gathered
from langnet.lm.server_tokens import Scored, Server
from langnet.lm.sglang import scorer_from_a_start

__all__ = ["text_scores"]

_SCORED = {"max_tokens": 1, "temperature": 0.0, "seed": 0}  # not every server draws no token


async def text_scores(
    server: Server, way: ScoringWay, context: str, texts: Sequence[str]
) -> list[Scored]:
    """The scores of texts after a context at temperature 1, and what each took.

    Args:
        server: how it is asked.
        way: how it scores.
        context: what comes before each text.
        texts: as they are joined to the context; an empty one takes no call.

    Raises:
        ModelError: a score failed.
    """
    wanted = list(dict.fromkeys(text for text in texts if text))
    if way in _PREPARED and wanted:
        one = await _PREPARED[way](server, context, wanted)
    else:
        one = _AT_ONCE.get(way, _echoed)
    return await gathered([partial(_unless_empty, one, server, context, text) for text in texts])


async def _unless_empty(
    one: Callable[[Server, str, str], Awaitable[Scored]], server: Server, context: str, text: str
) -> Scored:
    return await one(server, context, text) if text else (TextScore(()), Usage())


async def _echoed(server: Server, context: str, text: str) -> Scored:
    body = {"prompt": context + text, **_SCORED, "echo": True, "logprobs": 1}
    choice, usage = await server.post(body)
    return TextScore(echoed_logprobs(choice, context, text)), usage


async def _with_prompt_logprobs(server: Server, context: str, text: str) -> Scored:
    choice, usage = await server.post({"prompt": context + text, **_SCORED, "prompt_logprobs": 0})
    return TextScore(prompt_logprobs(choice, context, text)), usage


async def _with_prefill(server: Server, context: str, text: str) -> Scored:
    choice, usage = await server.post(
        {"prompt": context + text, **_SCORED, "decoder_input_details": True}
    )
    return TextScore(prefill_logprobs(choice, context, text)), usage


_PREPARED = {"logprob_start_len": scorer_from_a_start, "forced": scorer_by_force}
_AT_ONCE = {
    "echo": _echoed,
    "prompt_logprobs": _with_prompt_logprobs,
    "decoder_input_details": _with_prefill,
}
