"""Plates: values that are tuples, nested one level per axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langnet.trace import Index

__all__ = ["PlateError", "at", "indices", "nested", "reaches", "replaced", "spread"]


class PlateError(ValueError):
    """A value does not have the shape of its plates; the caller reports where."""


def at(value: Any, index: Index) -> Any:
    """The element at an index; a value that is no tuple holds for every element."""
    for position in index:
        if not isinstance(value, tuple):
            return value
        value = value[position]
    return value


def reaches(value: Any, index: Index) -> bool:
    """Whether there is an element at an index: plates of two runs may differ in length."""
    for position in index:
        if not isinstance(value, tuple):
            return True
        if position >= len(value):
            return False
        value = value[position]
    return True


def indices(value: Any, depth: int) -> tuple[Index, ...]:
    """The indices of a value's elements, `depth` levels down, in order."""
    if depth == 0:
        return ((),)
    return tuple(
        (position, *rest)
        for position, element in enumerate(value)
        for rest in indices(element, depth - 1)
    )


def nested(like: Any, depth: int, results: Mapping[Index, Any], at_index: Index = ()) -> Any:
    """Results by index as tuples, in the shape of `like`."""
    if depth == 0:
        return results[at_index]
    return tuple(
        nested(element, depth - 1, results, (*at_index, position))
        for position, element in enumerate(like)
    )


def replaced(value: Any, index: Index, element: Any) -> Any:
    """The value with the element at an index changed."""
    if not index:
        return element
    first, *rest = index
    return tuple(
        replaced(old, tuple(rest), element) if position == first else old
        for position, old in enumerate(value)
    )


def spread(value: Any, like: Any, depth: int, draws: int | None = None) -> Any:
    """An observed value as tuples in the shape of a plate; what is no sequence holds throughout.

    Args:
        value: what is observed, or nested tuples or lists of it.
        like: a value that the plate runs over.
        depth: how many axes of `like` the plate has.
        draws: the length of one more axis below those, if any.

    Raises:
        PlateError: a sequence is longer or shorter than its axis.
    """
    size = len(like) if depth else draws
    if size is None:
        return value
    if not isinstance(value, tuple | list):
        value = (value,) * size
    elif len(value) != size:
        raise PlateError(f"{len(value)} values are given where the plate has {size}")
    if not depth:
        return tuple(value)
    return tuple(
        spread(part, element, depth - 1, draws) for part, element in zip(value, like, strict=True)
    )
