r"""Pure functions for function nodes. Graphs that use them can be compared, pickled and saved.

Each is made for the parent that it reads, whose name becomes the edge:

>>> vote = majority("answer")
>>> vote(answer=("4", "5", "4"))
'4'
>>> join("answer", numbered=True)(answer=("yes", "no"))
'1. yes\n2. no'

A parent that is plural in several plates counts as one sequence of its elements, in their order.

A branch is a plate of one element or of none, so that a branch which is not taken costs nothing:

>>> hard = only_if("question", "route", "hard")  # its node is plural, and others run over it
>>> hard(question="Why?", route="hard"), hard(question="Why?", route="easy")
(('Why?',), ())
>>> either("long_answer", "short_answer")(long_answer=(), short_answer=("Because.",))
'Because.'

Solved examples that an example brings along become one text:

>>> few_shot("exemplars", "{question} {answer}", end="\n")(
...     exemplars=({"question": "2 + 2?", "answer": "4"},)
... )
'2 + 2? 4\n'
"""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langnet.errors import GraphError
from langnet.template import Template, TemplateFault

__all__ = [
    "either",
    "few_shot",
    "first",
    "join",
    "majority",
    "only_if",
    "same",
    "split_lines",
]

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
        object.__setattr__(self, "__signature__", reads(self, *self._read()))

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
        return tuple(flat(value))


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
class few_shot(_Reader):  # noqa: N801 - made and used like a function
    """Solved examples as one text, which a node's template shows before its own question.

    It is empty where there are none, and each example ends with what separates them, so that a
    template such as "{shown}Question: {question}" has no gap then.

    Attributes:
        parent: the plural parent, whose elements map names to texts.
        template: how one of them is shown; its fields are names of the elements.
        most: how many are shown, the first ones; all unless given.
        end: what follows each.
    """

    template: str
    most: int | None = None
    end: str = "\n\n"

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            Template.parse(self.template)
        except TemplateFault as error:
            raise GraphError(f"few_shot({self.parent!r}): {error}") from None

    def __call__(self, **values: Any) -> str:
        """The text of the examples."""
        template = Template.parse(self.template)
        shown = self._elements(values)[: self.most]
        for element in shown:
            missing = [name for name in template.fields if name not in element]
            if missing:
                raise GraphError(
                    f"{self!r} shows {missing[0]!r}, but an element of {self.parent!r} has "
                    f"{', '.join(element) or 'nothing'}"
                )
        return "".join(template.render(element) + self.end for element in shown)


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
class same(_Reader):  # noqa: N801 - made and used like a function
    """The value of the parent as it is, plural where that is.

    With `Function.probability_of` it is the probability of a label, for whoever reads the run.

    Attributes:
        parent: the parent.
    """

    def __call__(self, **values: Any) -> Any:
        """The parent's value."""
        return values[self.parent]


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


@dataclass(frozen=True, init=False)
class only_if:  # noqa: N801 - made and used like a function
    """A value as a plate of one element where a decision is for it, else as an empty plate.

    Its node is declared with `plural=True`. Nodes over it run once or not at all: this is how a
    network routes, ends early, or repairs only what is wrong. Where the decision is a latent text,
    infer with particles: the local posterior cannot compare plates of different length.

    Attributes:
        parent: the value.
        decision: the parent that decides; compared as text.
        equals: the decisions that are for it.
    """

    parent: str
    decision: str
    equals: tuple[str, ...]

    def __init__(self, parent: str, decision: str, equals: str | Sequence[str]) -> None:
        put = object.__setattr__
        put(self, "parent", parent)
        put(self, "decision", decision)
        put(self, "equals", _texts(self, equals))
        put(self, "__signature__", reads(self, parent, decision))

    def __call__(self, **values: Any) -> tuple[Any, ...]:
        """The value, alone in a tuple, or the empty tuple."""
        # What comes from another branch is a plate itself, empty where that was not taken.
        elements = tuple(flat(values[self.parent]))
        decisions = tuple(flat(values[self.decision]))
        taken = decisions and str(decisions[-1]) in self.equals
        return elements[-1:] if taken else ()

    def always(self, **values: Any) -> tuple[Any, ...]:
        """What it gives where the decision is for it."""
        return tuple(flat(values[self.parent]))[-1:]


@dataclass(frozen=True, init=False)
class either:  # noqa: N801 - made and used like a function
    """The last element of the first parent that has one; the empty text where none has.

    It brings together the branches of `only_if`. A parent that is not plural always has one.

    Attributes:
        parents: the branches, in the order in which they are looked at.
    """

    parents: tuple[str, ...]

    def __init__(self, *names: str, parents: Sequence[str] = ()) -> None:
        object.__setattr__(self, "parents", _texts(self, [*names, *parents]))
        object.__setattr__(self, "__signature__", reads(self, *self.parents))

    def __call__(self, **values: Any) -> Any:
        """The value of the branch that was taken."""
        for parent in self.parents:
            elements = tuple(flat(values[parent]))
            if elements:
                return elements[-1]
        return ""


def _texts(function: object, given: str | Sequence[str]) -> tuple[str, ...]:
    texts = (given,) if isinstance(given, str) else given
    is_list = isinstance(texts, list | tuple) and texts
    if not is_list or not all(isinstance(text, str) for text in texts):
        raise GraphError(f"{type(function).__name__} takes texts, one or more, not {given!r}")
    return tuple(texts)


def reads(function: object, *parents: str) -> inspect.Signature:
    """The signature of a function of these parents: what an object that is called declares.

    Raises:
        GraphError: a name that cannot be a parameter's.
    """
    try:
        return inspect.Signature(
            [inspect.Parameter(parent, inspect.Parameter.KEYWORD_ONLY) for parent in parents]
        )
    except (TypeError, ValueError) as error:
        raise GraphError(f"{type(function).__name__} cannot read a parent: {error}") from None


def flat(value: Any) -> Iterator[Any]:
    """The elements of nested tuples in their order; a value that is no tuple is its own element."""
    if isinstance(value, tuple):
        for element in value:
            yield from flat(element)
    else:
        yield value
