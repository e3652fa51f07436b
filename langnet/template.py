"""Templates: literal text with named fields. A node's template is its list of edges.

Only plain identifiers may stand in braces, and `{{` and `}}` stand for braces themselves.
Substitution is literal: what a model wrote is never interpreted as a template.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PROMPT_FIELD", "Template", "TemplateFault"]

PROMPT_FIELD = "prompt"
"""The field that a node's learnable prompt fills."""


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
        literals: list[str] = []
        fields: list[str] = []
        pending = ""
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as error:
            raise TemplateFault(
                f"its template cannot be read ({error}); write {{{{ and }}}} for literal braces"
            ) from None
        for literal, field, spec, conversion in pieces:
            pending += literal
            if field is None:
                continue
            if not field.isidentifier() or spec or conversion:
                written = field + (f"!{conversion}" if conversion else "")
                written += f":{spec}" if spec else ""
                raise TemplateFault(
                    f"its template holds {{{written}}}, but a field is one plain identifier; "
                    "write {{ and }} for literal braces, and format values in a function node"
                )
            literals.append(pending)
            fields.append(field)
            pending = ""
        return cls(text, (*literals, pending), tuple(fields))

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

        An empty prompt takes the white space that follows it along where it stands at the
        beginning of the text or of a line, so that a context holds no gap in its place.
        """
        literals: list[str] = [self.literals[0]]
        fields: list[str] = []
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            if field != PROMPT_FIELD:
                fields.append(field)
                literals.append(literal)
                continue
            before = literals[-1]
            gap = not prompt and (before[-1].isspace() if before else not fields)
            literals[-1] = before + prompt + (literal.lstrip() if gap else literal)
        return Template(self.text, tuple(literals), tuple(fields))

    def render(self, values: Mapping[str, object]) -> str:
        """The text with every field replaced by its value."""
        pieces = [self.literals[0]]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            pieces.append(str(values[field]))
            pieces.append(literal)
        return "".join(pieces)
