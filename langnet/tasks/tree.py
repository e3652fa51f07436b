"""A parsed text: what a graph can be built along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from langnet.errors import DataError

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

    @classmethod
    def read(cls, text: str) -> Tree:
        """The tree that `str` has written.

        Raises:
            DataError: where it is no such text.

        >>> Tree.read("(MAX 2 (MIN 7 4))").children[1]
        Tree(symbol='MIN', children=(Tree(symbol='7', children=()), Tree(symbol='4', children=())))
        """
        found: list[list[Tree]] = [[]]
        for word in text.replace("(", " ( ").replace(")", " ) ").split():
            if word == "(":
                found.append([])
            elif word != ")":
                found[-1].append(cls(word))
            elif len(found) > 1 and found[-1] and not found[-1][0].children:
                operator, *operands = found.pop()
                found[-1].append(cls(operator.symbol, tuple(operands)))
            else:
                break
        else:
            if len(found) == len(found[0]) == 1:
                return found[0][0]
        raise DataError(f"{text!r} is no tree; write (OPERATOR OPERAND …), or one leaf")

    def nodes(self) -> Iterator[Tree]:
        """All subtrees, operands before their operator, itself last."""
        for child in self.children:
            yield from child.nodes()
        yield self

    def __str__(self) -> str:
        if not self.children:
            return self.symbol
        return f"({' '.join((self.symbol, *map(str, self.children)))})"
