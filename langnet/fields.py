"""Reading a mapping from a file field by field: every fault is noted with its place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

__all__ = ["Fields"]

_MEANINGS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


class Fields:
    """One mapping of a file. A field that is left out, or null, takes its default.

    A fault does not stop the reading: it is noted, and the default stands in.

    Attributes:
        place: where in the file the mapping stands.
        faults: every fault found so far, shared with other mappings of the file.
    """

    __slots__ = ("_known", "_values", "faults", "place")

    def __init__(self, value: Any, place: str, faults: list[str]) -> None:
        self.place = place
        self.faults = faults
        self._known: list[str] = []
        self._values: Mapping[Any, Any] = {}
        if isinstance(value, Mapping):
            self._values = value
        else:
            self.fault(None, f"must be a mapping of fields, not {_shown(value)}")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def fault(self, name: str | None, what: str) -> None:
        """Notes a fault of one field, or of the mapping itself."""
        place = ".".join(filter(None, (self.place, name)))
        self.faults.append(f"{place or 'the file'} {what}")

    def take(self, name: str, *kinds: type, default: Any = None, required: bool = False) -> Any:
        """The value of a field, if it is of one of the kinds; a whole number is a number, too."""
        self._known.append(name)
        value = self._values.get(name)
        if value is None:
            if required:
                self.fault(name, "is missing")
            return default
        if type(value) in kinds or (type(value) is int and float in kinds):
            return value
        wanted = " or ".join(_MEANINGS[kind] for kind in kinds)
        mend = "; put it in quotes" if str in kinds and not isinstance(value, list | dict) else ""
        self.fault(name, f"must be {wanted}, not {_shown(value)}{mend}")
        return default

    def text(self, name: str) -> str:
        """A text that must be there."""
        found: str = self.take(name, str, default="", required=True)
        return found

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, or one text for itself."""
        value = self.take(name, list, str)
        if value is None or isinstance(value, str):
            return None if value is None else (value,)
        return self._texts(name, value)

    def texts_by_name(self, name: str, *, required: bool = False) -> dict[str, str]:
        """A mapping of names to texts."""
        inner = Fields(self.take(name, dict, default={}, required=required), name, self.faults)
        return {key: inner.text(key) for key in inner.keys()}  # noqa: SIM118 - no mapping itself

    def texts_by_label(self, name: str) -> dict[str, tuple[str, ...]] | tuple[str, ...] | None:
        """A list of labels, or a mapping of labels to their texts."""
        value = self.take(name, list, dict)
        if isinstance(value, dict):
            inner = Fields(value, f"{self.place}.{name}", self.faults)
            return {key: inner.texts(key) or () for key in inner.keys()}  # noqa: SIM118
        return None if value is None else self._texts(name, value)

    def keys(self) -> list[str]:
        """The names of the fields that are there; a name that is no text is a fault."""
        for key in self._values:
            if not isinstance(key, str):
                self.fault(None, f"has the field {_shown(key)}, which is no text; put it in quotes")
        return [key for key in self._values if isinstance(key, str)]

    def end(self) -> None:
        """Notes every field that nothing has asked for."""
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(str(key), self._known, n=1)
                mend = f"did you mean {near[0]!r}?" if near else "take it out"
                self.fault(None, f"has an unknown field {_shown(key)}; {mend}")

    def _texts(self, name: str, values: list[Any]) -> tuple[str, ...]:
        for position, value in enumerate(values):
            if not isinstance(value, str):
                mend = "" if isinstance(value, list | dict) else "; put it in quotes"
                self.fault(f"{name}[{position}]", f"must be text, not {_shown(value)}{mend}")
        return tuple(value for value in values if isinstance(value, str))


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | dict):
        return _MEANINGS[type(value)]
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004 - a line's worth
