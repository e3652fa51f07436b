"""Endpoints that are not OpenAI's: requests in OpenAI's form become the server's, answers OpenAI's.

So there is one reading of answers (`langnet.lm.answers`), whatever the server.
"""

from __future__ import annotations

from typing import Any

from langnet.errors import ContextOverflow

__all__ = [
    "llamacpp_asked",
    "ollama_answered",
    "ollama_asked",
    "tgi_answered",
    "tgi_asked",
    "unchanged",
]


def unchanged(_asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of a server that answers in OpenAI's form."""
    return answer


def llamacpp_asked(body: dict[str, Any]) -> dict[str, Any]:
    """A request as llama.cpp's server reads it.

    At its completions a `response_format` is ignored, and the schema stands alone.
    """
    if "prompt" not in body:
        return body
    rest = dict(body)
    schema = _schema_from(rest)
    return rest if schema is None else {**rest, "json_schema": schema}


def ollama_asked(body: dict[str, Any]) -> dict[str, Any]:
    """A request for Ollama's own `/api/chat` or `/api/generate`.

    Its endpoints in OpenAI's form take no `options`, so no length of the context. A context that is
    too long shall be refused and not be cut, which older servers do not know.
    """
    rest = dict(body)
    outside = ("model", "messages", "prompt", "keep_alive", "think")
    asked = {name: rest.pop(name) for name in outside if name in rest}
    asked |= {"stream": False, "truncate": False, "shift": False}
    if "prompt" in asked:
        asked["raw"] = True
    top, number = rest.pop("logprobs", None), rest.pop("top_logprobs", None)
    if top is not None:
        asked |= {"logprobs": True, "top_logprobs": top if number is None else number}
    schema = _schema_from(rest)
    if schema is not None:
        asked["format"] = schema
    rest["num_predict"] = rest.pop("max_tokens")
    return {**asked, "options": rest}


def ollama_answered(asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of Ollama in OpenAI's form.

    Raises:
        ContextOverflow: the context filled all of `num_ctx`, so a part of it was cut off unless it
            happened to be exactly as long.
    """
    size, seen = asked["options"].get("num_ctx"), answer.get("prompt_eval_count")
    if isinstance(size, int) and isinstance(seen, int) and seen >= size:
        raise ContextOverflow(
            f"Ollama read {seen} tokens of the context, all that num_ctx={size} holds, so the rest "
            "was cut off; raise num_ctx or shorten the prompt",
            needed=None,
            available=size,
        )
    choice: dict[str, Any] = {"finish_reason": answer.get("done_reason")}
    if "message" in answer:
        choice["message"] = answer["message"]
    elif "response" in answer:
        choice["text"] = answer["response"]
    else:
        return {}
    if answer.get("logprobs"):
        choice["logprobs"] = {"content": answer["logprobs"]}
    usage = {"prompt_tokens": seen, "completion_tokens": answer.get("eval_count")}
    return {"choices": [choice], "usage": usage}


def tgi_asked(body: dict[str, Any]) -> dict[str, Any]:
    """A request as text-generation-inference reads it: `/generate` for a text to continue.

    It refuses a temperature of 0 there, and everywhere a `top_p` of 1.
    """
    rest = dict(body)
    if rest.get("top_p", 0.0) >= 1:
        del rest["top_p"]
    schema = _schema_from(rest)
    grammar = None if schema is None else {"type": "json", "value": schema}
    if "prompt" not in rest:
        return rest if grammar is None else {**rest, "response_format": grammar}
    prompt = rest.pop("prompt")
    rest.pop("model", None)
    rest["max_new_tokens"] = rest.pop("max_tokens")
    rest["do_sample"] = rest.get("temperature") != 0
    if not rest["do_sample"]:
        del rest["temperature"]
    top = rest.pop("logprobs", None)
    if top is not None:
        rest["top_n_tokens"] = top
    if grammar is not None:
        rest["grammar"] = grammar
    return {"inputs": prompt, "parameters": {**rest, "details": True, "return_full_text": False}}


def tgi_answered(_asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of text-generation-inference in OpenAI's form; that to a chat is so already."""
    if "generated_text" not in answer:
        return answer
    details = answer.get("details")
    details = details if isinstance(details, dict) else {}
    finish = details.get("finish_reason")
    choice: dict[str, Any] = {
        "text": answer["generated_text"],
        # Its other reasons are the end token and a stop string.
        "finish_reason": finish if finish in (None, "length") else "stop",
        "prefill": details.get("prefill"),
    }
    match details.get("top_tokens"):
        case [[*tokens], *_]:
            entries = [
                {"token": token.get("text"), "logprob": token.get("logprob")}
                for token in tokens
                if isinstance(token, dict)
            ]
            choice["logprobs"] = {"content": [{"top_logprobs": entries}]}
    prefill = details.get("prefill")
    usage = {
        "prompt_tokens": len(prefill) if isinstance(prefill, list) else 0,
        "completion_tokens": details.get("generated_tokens"),
    }
    return {"choices": [choice], "usage": usage}


def _schema_from(body: dict[str, Any]) -> Any:
    """The JSON schema of a request, which is taken out of it; None where there is none."""
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            del body["response_format"]
            return schema
    return None
