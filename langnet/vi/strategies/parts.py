"""A prompt taken apart: its instruction, sentence by sentence, and the demonstrations after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from langnet.vi.proposal import Request

__all__ = ["Parts", "instruction_line", "joined_sentences", "parted", "sentences"]

_SENTENCE = re.compile(r".+?(?:(?<![\s\d])[.!?]+(?=\s)|\n|\Z)\s*", re.DOTALL)
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Parts:
    """A prompt taken apart.

    Attributes:
        instruction: the text in front.
        demonstrations: solved examples, each in the layout that the node itself uses.
    """

    instruction: str
    demonstrations: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The prompt."""
        return _GAP.join(filter(None, (self.instruction, *self.demonstrations)))


def parted(prompt: str, request: Request) -> Parts:
    """Takes a prompt apart.

    A demonstration is known by its context, or else by what all contexts end with, such as
    "Answer:". With only the latter to go by, the instruction is taken to be the first paragraph.
    """
    seen = (item.context.strip() for item in (*request.observations, *request.pool))
    contexts = list(dict.fromkeys(filter(None, seen)))
    tail = _layout(contexts)
    starts = sorted(place for context in contexts for place in _places(prompt, context))
    place = starts[0] if starts else len(prompt)
    if tail and prompt.find(tail, 0, place) >= 0 and _GAP in prompt[:place]:
        place = prompt.index(_GAP)
    instruction, rest = prompt[:place].strip(), prompt[place:].strip()
    if tail:
        pattern = rf".+?{re.escape(tail)}.*?(?:{_GAP}|\Z)|.+"
        blocks = re.findall(pattern, rest, flags=re.DOTALL)
    else:
        ends = [*starts[1:], len(prompt)]
        blocks = [prompt[start:end] for start, end in zip(starts, ends, strict=False)]
    return Parts(instruction, tuple(block.strip() for block in blocks if block.strip()))


def instruction_line(prompt: str, request: Request) -> str:
    """The instruction of a prompt in one line, without the examples that follow it."""
    return " ".join(parted(prompt, request).instruction.split())


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, each with the white space that follows it.

    >>> sentences("Add. Mind the sign!\\n1. Say so.")
    ['Add. ', 'Mind the sign!\\n', '1. Say so.']
    """
    return _SENTENCE.findall(text)


def joined_sentences(found: Iterable[str]) -> str:
    """Sentences as one text, parted where the white space between them was lost."""
    text = ""
    for sentence in found:
        gap = "" if not text or text[-1].isspace() else " "
        text += gap + sentence
    return text.strip()


def _layout(contexts: Sequence[str]) -> str:
    """The whole lines that all contexts end with; empty where there are none."""
    if len(contexts) < 2:  # noqa: PLR2004 - one context has nothing in common
        return ""
    backwards = zip(*(context[::-1] for context in contexts), strict=False)
    common = [letters[0] for letters in takewhile(lambda column: len(set(column)) == 1, backwards)]
    _, line, rest = "".join(reversed(common)).partition("\n")
    return line + rest if any(letter.isalnum() for letter in rest) else ""


def _places(prompt: str, context: str) -> list[int]:
    """Where a context begins a block of a prompt."""
    found = [match.start() for match in re.finditer(re.escape(context), prompt)]
    return [place for place in found if not place or prompt[:place].endswith(_GAP)]
