"""Labels that are one token each: their probabilities from one drawn token.

The prompt itself is not scored then, so the server's cache of prefixes serves it. vLLM computes a
prompt anew whose own log-probabilities are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from langnet.errors import CapabilityError, ContextOverflow, RequestRejected
from langnet.lm.answers import number_of
from langnet.lm.base import Usage
from langnet.lm.dialects import LabelWay
from langnet.lm.manner import Manner
from langnet.lm.server_tokens import Server, tokens_of
from langnet.lm.sglang import named_at_sglang

__all__ = ["NamedLabels"]

_CLAMPED = -9999.0  # what vLLM writes for minus infinity


class NamedLabels:
    """Asks for the probabilities of labels by their tokens, while the server knows how.

    Args:
        manner: how the model is asked.
    """

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._way = manner.labels

    async def scores(
        self, server: Server, context: str, texts: Sequence[str]
    ) -> tuple[dict[str, float], Usage] | None:
        """The log-probabilities of texts after a context, in nats, and what they took.

        None where this cannot be had: a text is not one token after the context's own, or the
        server ignores the field or shows no tokens, which is remembered.

        Raises:
            ModelError: the call failed.
        """
        if self._way is None:
            return None
        prompt, joint = self._manner.joined(context, texts)
        try:
            found = await _scores(server, self._way, prompt, joint)
        except ContextOverflow:
            raise
        except (CapabilityError, RequestRejected):
            self._way = None
            return None
        if found is None:
            return None
        logprobs, usage = found
        return {text: logprobs[whole] for text, whole in zip(texts, joint, strict=True)}, usage


async def _scores(
    server: Server, way: LabelWay, context: str, texts: Sequence[str]
) -> tuple[dict[str, float], Usage] | None:
    before, *joint = await tokens_of(server, context, texts, one_by_one=way == "logprob_token_ids")
    if not all(tokens[:-1] == before for tokens in joint):
        return None
    by_text = {text: tokens[-1] for text, tokens in zip(texts, joint, strict=True)}
    named = sorted(set(by_text.values()))
    found, usage = await (
        _named_at_vllm(server, context, named)
        if way == "logprob_token_ids"
        else named_at_sglang(server, context, named)
    )
    if not all(token in found for token in named):
        raise CapabilityError(f"the server ignores {way}")
    return {text: found[token] for text, token in by_text.items()}, usage


async def _named_at_vllm(
    server: Server, context: str, tokens: Sequence[int]
) -> tuple[dict[int, float], Usage]:
    choice, usage = await server.post(
        {
            "prompt": context,
            "max_tokens": 1,
            "temperature": 1.0,
            "top_p": 1.0,
            "seed": 0,
            "logprobs": 1,
            "logprob_token_ids": list(tokens),
            "return_tokens_as_token_ids": True,
        }
    )
    found: dict[int, float] = {}
    match choice.get("logprobs"):
        case {"top_logprobs": [dict(entries), *_]}:
            for token in tokens:
                number = number_of(entries.get(f"token_id:{token}"))
                if number is not None:
                    found[token] = number if number > _CLAMPED else -float("inf")
    return found, usage
