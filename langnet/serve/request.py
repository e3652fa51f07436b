"""What a client asks: a chat-completions request as the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Asked", "RequestError", "parsed"]

_MOST_CHOICES = 128
_REFUSED = {
    "tools": "calls no tools",
    "functions": "calls no functions",
    "audio": "does not speak",
    "logit_bias": "has no tokens to favour",
    "logprobs": "tells no log-probabilities of tokens",
    "top_logprobs": "tells no log-probabilities of tokens",
    "web_search_options": "searches nothing",
}
"""Fields of a request that ask for what no network does, and why."""
_ROLES = {
    "system": "System",
    "developer": "System",
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tool",
}


class RequestError(Exception):
    """The request cannot be served as it is.

    Attributes:
        status: of HTTP.
        message: says what is wrong and what to do.
        field: the field of the request that it is about.
        code: what OpenAI's own errors are called, where clients look at that.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        status: int = 400,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client asks.

    Attributes:
        inputs: of the network.
        model: what the client calls the network.
        number: how many answers.
        seed: decides the draws of a network that draws.
        stream: whether the answer is to come in pieces.
        with_usage: whether a stream ends with what was used.
        with_trace: whether the values of all nodes are wanted.
        stop: texts before which an answer ends.
    """

    inputs: Mapping[str, Any]
    model: str
    number: int = 1
    seed: int = 0
    stream: bool = False
    with_usage: bool = False
    with_trace: bool = False
    stop: tuple[str, ...] = ()


def parsed(body: Any, inputs: Sequence[str], main: str) -> Asked:
    """Reads a request.

    The text of the conversation goes to one input: the only message as it is, several as lines that
    begin with who spoke. Further inputs stand in the field `inputs`, which is no field of OpenAI's;
    so does `trace`, which asks for the value of every node. How a model draws, such as a
    temperature or the most tokens, has no effect: the network's nodes say how they draw. What would
    give another kind of answer, such as tools or a format, is refused.

    Args:
        body: the JSON document.
        inputs: of the network.
        main: the input that takes the conversation.

    Raises:
        RequestError: something is missing or cannot be.
    """
    if not isinstance(body, dict):
        raise RequestError("the body is no JSON object")
    _refuse(body)
    given = body.get("inputs") or {}
    if not isinstance(given, dict):
        raise RequestError("inputs maps names to values", field="inputs")
    messages = body.get("messages")
    # Who gives every input by name needs no conversation.
    is_given = messages is None and main in given
    values = given if is_given else {**given, main: _conversation(messages)}
    if unknown := sorted(values.keys() - set(inputs)):
        raise RequestError(
            f"the network has no input {unknown[0]!r}; it reads {', '.join(inputs)}", field="inputs"
        )
    if missing := [name for name in inputs if name not in values]:
        raise RequestError(
            f"the network also reads {', '.join(missing)}; give them in the field inputs, as in "
            f'{{"inputs": {{"{missing[0]}": "…"}}}}',
            field="inputs",
        )
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise RequestError("stream_options is an object", field="stream_options")
    return Asked(
        inputs=values,
        model=_of(body, "model", str, ""),
        number=_number(body),
        seed=_of(body, "seed", int, 0),
        stream=_of(body, "stream", bool, default=False),
        with_usage=_of(options, "include_usage", bool, default=False),
        with_trace=_of(body, "trace", bool, default=False),
        stop=_stop(body),
    )


def _refuse(body: Mapping[str, Any]) -> None:
    """Refuses what a client would wait for in vain."""
    for name, what in _REFUSED.items():
        if body.get(name):
            raise RequestError(f"a network {what}; leave {name} out", field=name)
    form = body.get("response_format")
    kind = form.get("type") if isinstance(form, Mapping) else form
    if kind not in {None, "text"}:
        raise RequestError(
            "a network answers with the text that its last node gives, in no other form; leave "
            "response_format out",
            field="response_format",
        )
    if set(_of(body, "modalities", list, [])) - {"text"}:
        raise RequestError("a network answers with text alone", field="modalities")


def _stop(body: Mapping[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop")
    found = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise RequestError("stop is a text, or a list of texts", field="stop")
    return tuple(filter(None, found))


def _conversation(messages: Any) -> str:
    if not isinstance(messages, list) or not messages:
        raise RequestError("messages is a list of at least one message", field="messages")
    told = [_message(message, place) for place, message in enumerate(messages)]
    if len(told) == 1:
        return told[0][1]
    return "\n".join(f"{speaker}: {text}" for speaker, text in told)


def _message(message: Any, place: int) -> tuple[str, str]:
    field = f"messages[{place}]"
    if not isinstance(message, dict):
        raise RequestError("a message is an object with role and content", field=field)
    role = message.get("role")
    if role not in _ROLES:
        raise RequestError(f"role is one of {', '.join(_ROLES)}, not {role!r}", field=field)
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        if not all(isinstance(part, str) for part in parts):
            raise RequestError("the network reads text alone; leave other parts out", field=field)
        content = "".join(str(part) for part in parts)
    elif content is None and role == "assistant":
        content = ""  # it has called a tool, elsewhere
    if not isinstance(content, str):
        raise RequestError("content is a text", field=field)
    return _ROLES[role], content


def _number(body: Mapping[str, Any]) -> int:
    number: int = _of(body, "n", int, 1)
    if not 1 <= number <= _MOST_CHOICES:
        raise RequestError(f"n lies between 1 and {_MOST_CHOICES}", field="n")
    return number


def _of(body: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not kind:
        raise RequestError(f"{name} is a {kind.__name__}, not {value!r}", field=name)
    return value
