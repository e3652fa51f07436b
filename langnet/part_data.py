"""The parts of a graph as plain data, and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from langnet.errors import GraphError
from langnet.fields import Fields
from langnet.function_path import find, is_trusted, path_of
from langnet.lm.base import Choice, Decoding
from langnet.node import Choices, Function, Input, Node, Part, Prompt

__all__ = ["part_data", "part_from"]

_KINDS = ("input", "node", "function")
_NO_DECODING = Decoding()
_NO_CHOICES = Choices(())


def part_data(part: Part) -> dict[str, Any]:
    """A part as plain data, without what is left at its default; a shared prompt by name only.

    Raises:
        GraphError: a function that no import path leads to.
    """
    if isinstance(part, Input):
        return {"input": part.name, **({"plural": True} if part.plural else {})}
    if isinstance(part, Node):
        return _node_data(part)
    data: dict[str, Any] = {"function": part.name, **_code_data(part.function)}
    data |= _set(over=part.over)
    if part.plural:
        data["plural"] = True
    if part.likelihood is not None:
        code = _code_data(part.likelihood)
        data["likelihood"] = code if "arguments" in code else code["call"]
    if part.probability_of:
        data["probability_of"] = dict(part.probability_of)
    return data


def part_from(
    value: Any, place: str, shared: Mapping[str, str], faults: list[str], *, trust: bool
) -> Part | None:
    """A part from plain data; `None` where faults leave nothing to build."""
    fields = Fields(value, place, faults)
    kinds = [kind for kind in _KINDS if kind in fields]
    if len(kinds) != 1:
        if isinstance(value, Mapping):
            fields.fault(None, "must have one of the fields input, node and function")
        return None
    before = len(faults)
    name = fields.text(kinds[0])
    fields.place = f"{place} ({kinds[0]} {name!r})"
    part: Part | None
    if kinds == ["input"]:
        part = Input(name, plural=fields.take("plural", bool, default=False))
    elif kinds == ["node"]:
        part = _node_from(name, fields, shared)
    else:
        part = _function_from(name, fields, trust=trust)
    fields.end()
    return part if len(faults) == before else None


def _node_data(node: Node) -> dict[str, Any]:
    data: dict[str, Any] = {"node": node.name, "template": node.template}
    if isinstance(node.prompt, Prompt):
        data["prompt"] = {"shared": node.prompt.name}
    elif node.prompt:
        data["prompt"] = node.prompt
    if not node.trainable:
        data["trainable"] = False
    if node.choices is not None:
        choices = node.choices.choices
        data["choices"] = list(node.choices.labels)
        if any(choice.verbalisers for choice in choices):
            data["choices"] = {choice.label: [*choice.verbalisers] for choice in choices}
        if node.choices.calibrate:
            data["calibrate"] = True
        if node.choices.content_free != _NO_CHOICES.content_free:
            data["content_free"] = [*node.choices.content_free]
    data |= _set(draws=node.draws, over=node.over)
    if node.model != "default":
        data["model"] = node.model
    if decoding := _decoding_data(node.decoding):
        data["decoding"] = decoding
    return data


def _decoding_data(decoding: Decoding) -> dict[str, Any]:
    values = {
        field.name: getattr(decoding, field.name)
        for field in dataclasses.fields(decoding)
        if getattr(decoding, field.name) != getattr(_NO_DECODING, field.name)
    }
    if decoding.schema is not None:
        values["schema"] = json.loads(decoding.schema)
    return {name: [*value] if isinstance(value, tuple) else value for name, value in values.items()}


def _node_from(name: str, fields: Fields, shared: Mapping[str, str]) -> Node:
    return Node(
        name,
        fields.text("template"),
        _prompt_from(fields, shared),
        trainable=fields.take("trainable", bool, default=True),
        choices=_choices_from(fields),
        draws=fields.take("draws", int),
        over=fields.take("over", str),
        model=fields.take("model", str, default="default"),
        decoding=_decoding_from(fields),
    )


def _prompt_from(fields: Fields, shared: Mapping[str, str]) -> str | Prompt:
    value: Any = fields.take("prompt", str, dict, default="")
    if isinstance(value, str):
        return value
    inner = Fields(value, f"{fields.place}.prompt", fields.faults)
    name = inner.text("shared")
    inner.end()
    if name and name not in shared:
        inner.fault("shared", f"names {name!r}, which the file's prompts do not hold")
    return Prompt(name, shared.get(name, ""))


def _choices_from(fields: Fields) -> Choices | None:
    values = fields.texts_by_label("choices")
    calibrate = fields.take("calibrate", bool)
    content_free = fields.texts("content_free")
    if values is None:
        for name in ("calibrate", "content_free"):
            if name in fields:
                fields.fault(name, "says something of choices, but the node has none")
        return None
    items = values.items() if isinstance(values, dict) else ((label, ()) for label in values)
    return Choices(
        tuple(Choice(label, texts) for label, texts in items),
        calibrate=bool(calibrate),
        content_free=_NO_CHOICES.content_free if content_free is None else content_free,
    )


def _decoding_from(fields: Fields) -> Decoding:
    inner = Fields(
        fields.take("decoding", dict, default={}), f"{fields.place}.decoding", fields.faults
    )
    settings = {
        "temperature": inner.take("temperature", float),
        "max_tokens": inner.take("max_tokens", int),
        "stop": inner.texts("stop"),
        "top_p": inner.take("top_p", float),
        "schema": inner.take("schema", dict),
    }
    inner.end()
    try:
        return Decoding(**{name: value for name, value in settings.items() if value is not None})
    except ValueError as error:
        inner.fault(None, f"cannot be: {error}")
        return _NO_DECODING


def _function_from(name: str, fields: Fields, *, trust: bool) -> Function | None:
    function = _code_from(fields, trust=trust)
    likelihood = None
    value = fields.take("likelihood", str, dict)
    if value is not None:
        code = {"call": value} if isinstance(value, str) else value
        inner = Fields(code, f"{fields.place}.likelihood", fields.faults)
        likelihood = _code_from(inner, trust=trust)
        inner.end()
    over = fields.take("over", str)
    plural = fields.take("plural", bool, default=False)
    chances = fields.texts_by_name("probability_of")
    if function is None:
        return None
    return Function(
        name, function, over=over, plural=plural, likelihood=likelihood, probability_of=chances
    )


def _code_data(function: Callable[..., Any]) -> dict[str, Any]:
    path, arguments = path_of(function)
    return {"call": path} | _set(arguments=arguments)


def _code_from(fields: Fields, *, trust: bool) -> Callable[..., Any] | None:
    path = fields.text("call")
    arguments = fields.take("arguments", dict)
    if not path:
        return None
    if not trust and not is_trusted(path):
        fields.fault(
            "call",
            f"is {path!r}, which is not langnet's own: to import it runs its module's code; "
            "say trust=True if you trust this file and that code",
        )
        return None
    try:
        return find(path, arguments)
    except GraphError as error:
        fields.fault("call", f"is of no use: {error}")
        return None


def _set(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
