"""SGLang's own `/generate`: scores from a place on, and the probabilities of named tokens.

Read in its version 0.5.10. Its endpoint in OpenAI's form gives no log-probabilities of a prompt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from langnet.errors import ModelError
from langnet.lm.answers import number_of, usage_of
from langnet.lm.base import Usage
from langnet.lm.server_tokens import Scored, Server, covering, first_beyond, tokens_of

__all__ = ["named_at_sglang", "scorer_from_a_start"]

Triple = tuple[float | None, int, str | None]


async def scorer_from_a_start(
    server: Server, context: str, texts: Sequence[str]
) -> Callable[[Server, str, str], Awaitable[Scored]]:
    """What scores these texts by `logprob_start_len`: what lies before comes from the cache.

    The first token from there on has no number, so the scores start one token before the text.
    """
    before, *joint = await tokens_of(server, context, texts)
    by_text = dict(zip(texts, joint, strict=True))

    async def one(server: Server, context: str, text: str) -> Scored:
        tokens = by_text[text]
        first = first_beyond(before, tokens)
        start = max(0, first - 1)
        body = {
            "text": context + text,
            "sampling_params": {"max_new_tokens": 1, "temperature": 0.0},
            "return_logprob": True,
            "logprob_start_len": start,
            "return_text_in_logprobs": True,
        }
        answer = await server.ask("/generate", body)
        entries = _triples(answer, "input_token_logprobs")
        if [token for _, token, _ in entries] != tokens[start:]:
            raise ModelError("the server scored other tokens than its /tokenize gives for the text")
        del entries[: first - start]
        numbers = [number for number, _, _ in entries]
        pieces = [piece for _, _, piece in entries]
        score = covering(before, first, context, text, pieces, numbers)
        return score, _sglang_usage(answer)

    return one


async def named_at_sglang(
    server: Server, context: str, tokens: Sequence[int]
) -> tuple[dict[int, float], Usage]:
    """The log-probabilities of tokens by `token_ids_logprob`, in nats, as far as they are given."""
    answer = await server.ask(
        "/generate",
        {
            "text": context,
            "sampling_params": {"max_new_tokens": 1, "temperature": 1.0},
            "return_logprob": True,
            "token_ids_logprob": list(tokens),
        },
    )
    match answer.get("meta_info"):
        case {"output_token_ids_logprobs": [[*first], *_]}:
            entries = _read(first)
        case _:
            entries = []
    found = {token: number for number, token, _ in entries if number is not None}
    return found, _sglang_usage(answer)


def _triples(answer: Mapping[str, Any], name: str) -> list[Triple]:
    """SGLang's form: a number, a token, and its string for each."""
    match answer.get("meta_info"):
        case dict(info) if isinstance(info.get(name), list):
            return _read(info[name])
    raise ModelError(f"the server answered without {name}")


def _read(entries: Sequence[Any]) -> list[Triple]:
    read: list[Triple] = []
    for entry in entries:
        match entry:
            case [number, int(token), str() | None as piece]:
                read.append((number_of(number), token, piece))
            case _:
                raise ModelError("the server's log-probabilities are no numbers with tokens")
    return read


def _sglang_usage(answer: Mapping[str, Any]) -> Usage:
    info = answer.get("meta_info")
    if not isinstance(info, dict):
        return Usage()
    return usage_of({**info, "prompt_tokens_details": info})
