"""How a server is asked, and which tokens it makes of a text: where a score begins.

Tokens are compared by their numbers: what the context alone becomes, and what it becomes with a
text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from langnet.errors import ModelError
from langnet.lm.base import TextScore, Usage
from langnet.lm.logprobs import text_logprobs
from langnet.lm.partial import gathered

__all__ = ["Scored", "Server", "covering", "first_beyond", "llamacpp_tokens", "tokens_of"]

Scored = tuple[TextScore, Usage]
"""A text's score, and what it took."""


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is asked.

    Attributes:
        post: sends a request in OpenAI's form to the model's endpoint, and gives the first choice
            and the tokens that it took.
        ask: sends any request to any path, and gives the whole answer.
        name: the model's name.
    """

    post: Callable[[Mapping[str, Any]], Awaitable[tuple[dict[str, Any], Usage]]]
    ask: Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
    name: str


async def tokens_of(
    server: Server, context: str, texts: Sequence[str], *, one_by_one: bool = False
) -> list[list[int]]:
    """The tokens of the context, and of it with each text, by `/tokenize`.

    vLLM takes one prompt in a request, SGLang several.
    """
    prompts = [context, *[context + text for text in texts]]

    async def of(prompt: str | list[str]) -> tuple[Any, Usage]:
        answer = await server.ask("/tokenize", {"model": server.name, "prompt": prompt})
        return answer.get("tokens"), Usage()

    if one_by_one:
        return _token_lists(await _each(of, prompts), len(prompts))
    found, _ = await of(prompts)
    return _token_lists(found, len(prompts))


async def llamacpp_tokens(server: Server, context: str, texts: Sequence[str]) -> list[list[int]]:
    """The same by llama.cpp's `/tokenize`, which takes one text."""

    async def of(content: str) -> tuple[Any, Usage]:
        body = {"content": content, "add_special": True, "parse_special": True}
        return (await server.ask("/tokenize", body)).get("tokens"), Usage()

    prompts = [context, *[context + text for text in texts]]
    return _token_lists(await _each(of, prompts), len(prompts))


async def _each(
    of: Callable[[str], Awaitable[tuple[Any, Usage]]], prompts: Sequence[str]
) -> list[Any]:
    try:
        return [tokens for tokens, _ in await gathered([partial(of, each) for each in prompts])]
    except ModelError as error:
        error.partial = None  # lists of tokens are no answers to whoever asked for scores
        raise


def _token_lists(found: Any, number: int) -> list[list[int]]:
    match found:
        case [*lists] if len(lists) == number and all(
            isinstance(tokens, list) and all(type(token) is int for token in tokens)
            for tokens in lists
        ):
            return lists
    raise ModelError("the server's /tokenize did not answer with lists of tokens")


def first_beyond(before: Sequence[int], tokens: Sequence[int]) -> int:
    """Where tokens first differ from those of the context alone."""
    for place, (own, joint) in enumerate(zip(before, tokens, strict=False)):
        if own != joint:
            return place
    return min(len(before), len(tokens))


def covering(
    before: Sequence[int],
    first: int,
    context: str,
    text: str,
    pieces: Sequence[str | None],
    numbers: Sequence[float | None],
) -> TextScore:
    """The numbers of the tokens that cover a text.

    Where the context's own tokens all stand at the beginning, the rest are the text's. Otherwise a
    token reaches over the boundary, and the strings say which do.
    """
    if first == len(before) and first > 0:
        known = tuple(number for number in numbers if number is not None)
        if len(known) != len(numbers):
            raise ModelError("the server gives no log-probability for one of the text's tokens")
        return TextScore(known)
    spelled = [piece or "" for piece in pieces]
    return TextScore(text_logprobs(spelled, numbers, context=context, text=text))
