"""A parsed text: what a graph can be built along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Tree"]


@dataclass(frozen=True, slots=True)
class Tree:
    """An operator with its operands, or a leaf without.

    Attributes:
        symbol: the operator, such as "MAX", "and" or "+"; of a leaf the value or the variable.
        children: the operands, in their order.

    >>> tree = Tree("MAX", (Tree("2"), Tree("MIN", (Tree("7"), Tree("4")))))
    >>> str(tree), tree.depth, tree.operators
    ('(MAX 2 (MIN 7 4))', 2, 2)
    """

    symbol: str
    children: tuple[Tree, ...] = ()

    @property
    def depth(self) -> int:
        """Operators on the longest way to a leaf; 0 for a leaf."""
        return 1 + max(child.depth for child in self.children) if self.children else 0

    @property
    def operators(self) -> int:
        """How many operators there are."""
        return bool(self.children) + sum(child.operators for child in self.children)

    def nodes(self) -> Iterator[Tree]:
        """All subtrees, operands before their operator, itself last."""
        for child in self.children:
            yield from child.nodes()
        yield self

    def __str__(self) -> str:
        if not self.children:
            return self.symbol
        return f"({' '.join((self.symbol, *map(str, self.children)))})"
