"""Entries: one thing each that somebody said of a fit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

from langnet.errors import DataError

__all__ = ["CONTROLS", "LISTED", "Entry", "Kind"]

LISTED = "list-"
"""How the ids begin of candidates that come from a file of prompts; see `langnet.exchange`."""

Kind = Literal[
    "rating",
    "feedback",
    "candidate",
    "pin",
    "unpin",
    "ban",
    "unban",
    "proposals",
    "pause",
    "resume",
    "stop",
]
"""What an entry does; `Guidance` has a method for each."""

CONTROLS: tuple[Kind, ...] = ("pause", "resume", "stop")
"""Kinds that say when a fit goes on; they change no number."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "rating": ("example", "node", "output", "good"),
    "feedback": ("text",),
    "candidate": ("prompt", "text"),
    "pin": ("prompt", "text"),
    "unpin": ("prompt",),
    "ban": ("prompt", "text"),
    "unban": ("prompt", "text"),
    "proposals": ("count",),
}
"""What an entry of a kind must say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that somebody said of a fit.

    Attributes:
        kind: what it does.
        prompt: the name of the prompt that it is about; `None` is every prompt.
        text: the feedback, the remark that goes with a rating, or the prompt itself.
        example: the rated example, by its id.
        node: the rated node.
        output: the rated text of the node.
        good: whether it is good.
        texts: what the node's parents said, by their names, where the example does not tell.
        count: how many proposals are asked for, beyond those of the method.
        step: the number of the step, from 0, before which it is not taken; `None` is the next one.
        part: which of several takings before that step, from 0; a fit takes what is new before a
            step once, but again where it was interrupted in between.
        by: who said it.
        at: when, in ISO 8601.
        id: tells it from every other.

    Raises:
        DataError: something is missing, or not of its kind.
    """

    kind: Kind
    prompt: str | None = None
    text: str = ""
    example: str | None = None
    node: str | None = None
    output: str | None = None
    good: bool | None = None
    texts: Mapping[str, str] = field(default_factory=dict, hash=False)
    count: int = 0
    step: int | None = None
    part: int | None = None
    by: str = ""
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise DataError(
                f"there is no guidance of the kind {self.kind!r}; use one of "
                f"{', '.join(get_args(Kind))}"
            )
        for name, wanted in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, wanted) or (isinstance(value, bool) and name != "good"):
                raise DataError(f"guidance of the kind {self.kind!r} has {name}={value!r}")
        for name in _NEEDED.get(self.kind, ()):
            if getattr(self, name) in (None, 0) or (name == "text" and not self.text.strip()):
                # False == 0, and a rating may well be bad.
                if name == "good" and self.good is not None:
                    continue
                raise DataError(f"guidance of the kind {self.kind!r} must say its {name}")
        if min(self.count, self.step or 0, self.part or 0) < 0:
            raise DataError("the count, the step and the part of guidance are at least 0")
        if not all(isinstance(item, str) for pair in self.texts.items() for item in pair):
            raise DataError(f"guidance of the kind {self.kind!r} has texts={self.texts!r}")
        object.__setattr__(self, "texts", dict(self.texts))

    @property
    def origin(self) -> str:
        """What records call a candidate's origin: "list" for one of a file, else "person"."""
        return "list" if self.id.startswith(LISTED) else "person"

    def to_json(self) -> dict[str, Any]:
        """The entry as plain data, without what it leaves open."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", {})}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The entry from plain data.

        Raises:
            DataError: it is none.
        """
        if not isinstance(data, Mapping):
            raise DataError(f"guidance is a mapping, not {data!r}")
        if unknown := set(data) - {item.name for item in fields(cls)}:
            raise DataError(f"guidance has no {', '.join(sorted(map(str, unknown)))}")
        if "kind" not in data:
            raise DataError("guidance must say its kind")
        return cls(**data)


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "prompt": (str, type(None)),
    "text": str,
    "example": (str, type(None)),
    "node": (str, type(None)),
    "output": (str, type(None)),
    "good": (bool, type(None)),
    "texts": Mapping,
    "count": int,
    "step": (int, type(None)),
    "part": (int, type(None)),
    "by": str,
    "at": str,
    "id": str,
}
