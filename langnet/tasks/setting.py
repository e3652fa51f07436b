"""What can be turned about a generator of examples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from langnet.errors import DataError

__all__ = ["PART", "SPLIT_BY_LENGTH", "Setting", "Value"]

Value = bool | int | float | str
"""What a setting may be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing about a generator that can be turned.

    Attributes:
        default: its value where nothing is said; its type is that of all values.
        about: what it decides, in a few words.
        choices: all that it may be; empty where it may be any.
        least: the smallest number that it may be.
        most: the largest number that it may be.
    """

    default: Value
    about: str
    choices: tuple[Value, ...] = ()
    least: float = -math.inf
    most: float = math.inf

    def read(self, name: str, value: object) -> Value:
        """A value of the setting, from that value or from how a command line writes it.

        Raises:
            DataError: where it may not be that.
        """
        kind = type(self.default)
        found: object = value
        if isinstance(value, str) and kind is not str:
            found = _read_text(value, kind)
        if kind is float and type(found) is int:
            found = float(found)
        if type(found) is not kind:
            raise DataError(f"the setting {name} must be {_KINDS[kind]}, not {value!r}")
        if self.choices and found not in self.choices:
            raise DataError(
                f"the setting {name} must be one of {', '.join(map(str, self.choices))}, "
                f"not {value!r}"
            )
        if isinstance(found, (int, float)) and not self.least <= found <= self.most:
            raise DataError(
                f"the setting {name} must lie between {self.least} and {self.most}, not {value!r}"
            )
        return found


SPLIT_BY_LENGTH = Setting(
    "simple", "whether the test part is like the others, or longer", ("simple", "length")
)
"""The setting of generators that can hold out longer texts than any to learn from."""

PART = Setting(
    "train", "the part of the data, where the split decides it", ("train", "dev", "test")
)
"""The setting of generators whose parts differ: `Task.splits` sets it."""


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _read_text(text: str, kind: type[Value]) -> object:
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
