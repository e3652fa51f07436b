"""One example: the texts that a graph is given, and what is observed of its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langnet.errors import DataError

__all__ = ["Example"]


@dataclass(frozen=True, slots=True)
class Example:
    """One item of data.

    Attributes:
        id: names the example in keys, errors and reports; unique within a data set.
        inputs: input name to value; a text, or what a function node makes use of.
        targets: node name to the text observed there. A node without a target is latent.

    Raises:
        DataError: where an attribute cannot serve, with the mend.

    >>> Example("demo:1", {"question": "2 + 2?"}, {"answer": "4"}).targets["answer"]
    '4'
    """

    id: str
    # Two examples that are equal share their id, so it alone can stand for the hash.
    inputs: Mapping[str, Any] = field(hash=False)
    targets: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not self.id:
            raise DataError(f"an example's id must be a text that is not empty, not {self.id!r}")
        for name in ("inputs", "targets"):
            object.__setattr__(self, name, _own_copy(self.id, name, getattr(self, name)))
        for node, text in self.targets.items():
            if not isinstance(text, str):
                raise DataError(
                    f"example {self.id!r}: the target of node {node!r} is {text!r}, but a target "
                    f"is a text; write {node!r}: {str(text)!r}"
                )
            if not text:
                raise DataError(
                    f"example {self.id!r}: the target of node {node!r} is empty; "
                    "leave the node out of targets where nothing was observed"
                )


def _own_copy(example: str, field_name: str, mapping: object) -> dict[str, Any]:
    """A copy that later changes to the caller's mapping cannot reach."""
    if not isinstance(mapping, Mapping):
        raise DataError(
            f"example {example!r}: {field_name} must map names to values, as in "
            f'{{"text": …}}, but is {mapping!r}'
        )
    for name in mapping:
        if not isinstance(name, str) or not name:
            raise DataError(f"example {example!r}: {field_name} has {name!r} where a name belongs")
    return dict(mapping)
