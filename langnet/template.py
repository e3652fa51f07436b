"""Templates: literal text with named fields. A node's template is its list of edges.

Only plain identifiers may stand in braces, and `{{` and `}}` stand for braces themselves.
Substitution is literal: what a model wrote is never interpreted as a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PROMPT_FIELD", "Template", "TemplateFault"]

PROMPT_FIELD = "prompt"
"""The field that a node's learnable prompt fills."""

_BRACES = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}]*)\}|[{}]")


class TemplateFault(ValueError):
    """A template cannot be read; the graph that holds it reports this among its faults."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, taken apart once.

    Attributes:
        text: the template as it was written.
        literals: the literal text before each field, and after the last.
        fields: the fields in the order in which they stand; one more literal than fields.
    """

    text: str
    literals: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Takes a template apart.

        Raises:
            TemplateFault: the braces do not match, or hold more than an identifier.
        """
        literals = [""]
        fields: list[str] = []
        end = 0
        for found in _BRACES.finditer(text):
            literals[-1] += text[end : found.start()]
            end = found.end()
            field = found["field"]
            if field is None and len(found[0]) > 1:
                literals[-1] += found[0][0]
                continue
            line = text.count("\n", 0, found.start()) + 1
            if field is None:
                raise TemplateFault(
                    f"line {line} of its template holds a lone {found[0]}; "
                    "write {{ and }} for literal braces"
                )
            if not field.isidentifier():
                raise TemplateFault(
                    f"line {line} of its template holds {{{field}}}, but a field is one plain "
                    "identifier; write {{ and }} for literal braces, and format values in a "
                    "function node"
                )
            fields.append(field)
            literals.append("")
        literals[-1] += text[end:]
        return cls(text, tuple(literals), tuple(fields))

    @property
    def parents(self) -> tuple[str, ...]:
        """The fields other than the prompt, each once, in the order in which they stand."""
        return tuple(dict.fromkeys(field for field in self.fields if field != PROMPT_FIELD))

    @property
    def has_prompt(self) -> bool:
        """Whether the template shows the node's prompt."""
        return PROMPT_FIELD in self.fields

    def bind(self, prompt: str) -> Template:
        """The template with the prompt written in.

        An empty prompt leaves no gap: at the beginning of the text or of a line it takes the white
        space that follows it along, and after a blank the blanks.
        """
        literals: list[str] = [self.literals[0]]
        fields: list[str] = []
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            if field != PROMPT_FIELD:
                fields.append(field)
                literals.append(literal)
                continue
            before = literals[-1]
            rest = literal
            if not prompt and (before.endswith("\n") if before else not fields):
                rest = literal.lstrip()
            elif not prompt and before.endswith((" ", "\t")):
                rest = literal.lstrip(" \t")
            literals[-1] = before + prompt + rest
        return Template(self.text, tuple(literals), tuple(fields))

    def renamed(self, names: Mapping[str, str]) -> str:
        """The template as text, with some fields under other names."""
        pieces = [_escaped(self.literals[0])]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            pieces += [f"{{{names.get(field, field)}}}", _escaped(literal)]
        return "".join(pieces)

    def render(self, values: Mapping[str, object]) -> str:
        """The text with every field replaced by its value."""
        pieces = [self.literals[0]]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            pieces.append(str(values[field]))
            pieces.append(literal)
        return "".join(pieces)


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")
