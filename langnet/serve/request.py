"""What a client asks: a chat-completions request as the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Asked", "RequestError", "parsed"]

_MOST_CHOICES = 128
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
    """

    def __init__(self, message: str, *, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


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
    """

    inputs: Mapping[str, Any]
    model: str
    number: int = 1
    seed: int = 0
    stream: bool = False
    with_usage: bool = False
    with_trace: bool = False


def parsed(body: Any, inputs: Sequence[str], main: str) -> Asked:
    """Reads a request.

    The text of the conversation goes to one input: the only message as it is, several as lines that
    begin with who spoke. Further inputs stand in the field `inputs`, which is no field of OpenAI's;
    so does `trace`, which asks for the value of every node. What only a model could heed, such as a
    temperature, has no effect: the network's nodes say how they draw.

    Args:
        body: the JSON document.
        inputs: of the network.
        main: the input that takes the conversation.

    Raises:
        RequestError: something is missing or cannot be.
    """
    if not isinstance(body, dict):
        raise RequestError("the body is no JSON object")
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
    )


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
