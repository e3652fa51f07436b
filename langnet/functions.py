r"""Pure functions for function nodes. Graphs that use them can be compared, pickled and saved.

Each is made for the parent that it reads, whose name becomes the edge:

>>> vote = majority("answer")
>>> vote(answer=("4", "5", "4"))
'4'
>>> join("answer", numbered=True)(answer=("yes", "no"))
'1. yes\n2. no'

A parent that is plural in several plates counts as one sequence of its elements, in their order.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langnet.errors import GraphError

__all__ = ["first", "join", "majority", "split_lines"]

_UNREAD = ("", None)


@dataclass(frozen=True)
class _Reader:
    """Reads one parent or more, whose names are the only parameters of the instance."""

    parent: str

    def __post_init__(self) -> None:
        # Settings may come from a file, where nothing has checked their types.
        for setting in dataclasses.fields(self):
            value = getattr(self, setting.name)
            given = "None" if value is None else type(value).__name__
            if given not in str(setting.type).split(" | "):
                raise GraphError(
                    f"{setting.name} of {type(self).__name__} must be {setting.type}, not {value!r}"
                )
        try:
            parameters = [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in self._read()
            ]
            signature = inspect.Signature(parameters)
        except ValueError as error:
            raise GraphError(f"{type(self).__name__} cannot read a parent: {error}") from None
        object.__setattr__(self, "__signature__", signature)

    def _read(self) -> tuple[str, ...]:
        """The names of the parents."""
        return (self.parent,)

    def _elements(self, values: dict[str, Any], parent: str | None = None) -> tuple[Any, ...]:
        name = parent or self.parent
        value = values[name]
        if not isinstance(value, tuple):
            raise GraphError(
                f"{self!r} needs a plural parent, but {name!r} is a "
                f"{type(value).__name__}; give it draws=N or plural=True"
            )
        return tuple(_flat(value))


@dataclass(frozen=True)
class majority(_Reader):  # noqa: N801 - made and used like a function
    """The most common element of a plural parent; of several, the first to appear.

    Elements are compared as they are, without normalisation. What could not be read, the empty
    text or `None`, has no vote; where nothing else is there, the empty text wins.

    Attributes:
        parent: the plural parent.
    """

    def __call__(self, **values: Any) -> Any:
        """The most common element of the parent's value."""
        counts = Counter(element for element in self._elements(values) if element not in _UNREAD)
        return max(counts, key=counts.__getitem__) if counts else ""


@dataclass(frozen=True)
class join(_Reader):  # noqa: N801 - made and used like a function
    """The elements of a plural parent as one text.

    Attributes:
        parent: the plural parent.
        separator: what stands between two elements.
        numbered: whether each element is preceded by its number, as in "1. ".
    """

    separator: str = "\n"
    numbered: bool = False

    def __call__(self, **values: Any) -> str:
        """The joined text."""
        texts = [str(element) for element in self._elements(values)]
        if self.numbered:
            texts = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
        return self.separator.join(texts)


@dataclass(frozen=True)
class first(_Reader):  # noqa: N801 - made and used like a function
    """The first element of a plural parent; the empty text where there is none.

    Attributes:
        parent: the plural parent.
    """

    def __call__(self, **values: Any) -> Any:
        """The first element of the parent's value."""
        return next(iter(self._elements(values)), "")


@dataclass(frozen=True)
class split_lines(_Reader):  # noqa: N801 - made and used like a function
    """The lines of a text without surrounding white space, blank ones left out.

    Its node is declared with `plural=True`, so that other nodes may run over the lines.

    Attributes:
        parent: the parent, which is not plural.
    """

    def __call__(self, **values: Any) -> tuple[str, ...]:
        """The lines of the parent's value."""
        lines = (line.strip() for line in str(values[self.parent]).splitlines())
        return tuple(line for line in lines if line)


def _flat(value: tuple[Any, ...]) -> Iterator[Any]:
    for element in value:
        if isinstance(element, tuple):
            yield from _flat(element)
        else:
            yield element
