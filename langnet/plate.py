"""Plates: values that are tuples, nested one level per axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langnet.trace import Index

__all__ = ["at", "indices", "nested", "replaced"]


def at(value: Any, index: Index) -> Any:
    """The element at an index; a value that is no tuple holds for every element."""
    for position in index:
        if not isinstance(value, tuple):
            return value
        value = value[position]
    return value


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
