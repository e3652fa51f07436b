"""Arithmetic expressions: parsed without running anything, and evaluated exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from langnet.errors import DataError
from langnet.tasks.tree import Tree

__all__ = ["numbers", "parse", "value"]

_TOKEN = re.compile(r"\s*([0-9]+|[-+*/()])")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")"})
_LONGEST = 500
_MOST_DIGITS = 12
_DEEPEST = 50


def parse(text: str) -> Tree:
    """Reads whole numbers, + - * /, a sign in front, and brackets.

    Raises:
        DataError: where it is no expression, or is longer than 500 characters.

    >>> str(parse("(8 - 3) × 4"))
    '(* (- 8 3) 4)'
    """
    if len(text) > _LONGEST:
        raise DataError(f"an expression has at most {_LONGEST} characters, not {len(text)}")
    told = text.translate(_SIGNS).strip()
    tokens: list[str] = []
    place = 0
    while place < len(told):
        match = _TOKEN.match(told, place)
        if match is None or len(match[1]) > _MOST_DIGITS:
            raise DataError(f"{told[place:]!r:.60} is not understood")
        tokens.append(match[1])
        place = match.end()
    tree, rest = _sum(tokens, 0, 0)
    if rest != len(tokens):
        raise DataError(f"{tokens[rest]!r} stands where the expression should end")
    return tree


def value(tree: Tree) -> Fraction:
    """What the expression comes to, exactly.

    Raises:
        DataError: where it divides by zero.

    >>> value(parse("1 / 3 * 3"))
    Fraction(1, 1)
    """
    match tree.symbol, [value(child) for child in tree.children]:
        case "+", [one, other]:
            return one + other
        case "-", [one, other]:
            return one - other
        case "-", [one]:
            return -one
        case "*", [one, other]:
            return one * other
        case "/", [one, other]:
            if not other:
                raise DataError("the expression divides by zero")
            return one / other
    return Fraction(tree.symbol)


def numbers(tree: Tree) -> list[int]:
    """The numbers that stand in an expression, sorted."""
    return sorted(int(leaf.symbol) for leaf in tree.nodes() if not leaf.children)


def _sum(tokens: Sequence[str], place: int, depth: int) -> tuple[Tree, int]:
    tree, place = _product(tokens, place, depth)
    while place < len(tokens) and tokens[place] in {"+", "-"}:
        symbol = tokens[place]
        right, place = _product(tokens, place + 1, depth)
        tree = Tree(symbol, (tree, right))
    return tree, place


def _product(tokens: Sequence[str], place: int, depth: int) -> tuple[Tree, int]:
    tree, place = _factor(tokens, place, depth)
    while place < len(tokens) and tokens[place] in {"*", "/"}:
        symbol = tokens[place]
        right, place = _factor(tokens, place + 1, depth)
        tree = Tree(symbol, (tree, right))
    return tree, place


def _factor(tokens: Sequence[str], place: int, depth: int) -> tuple[Tree, int]:
    if depth > _DEEPEST:
        raise DataError(f"the expression is nested more than {_DEEPEST} deep")
    word = tokens[place] if place < len(tokens) else ""
    if word == "-":
        tree, place = _factor(tokens, place + 1, depth + 1)
        return Tree("-", (tree,)), place
    if word == "(":
        tree, place = _sum(tokens, place + 1, depth + 1)
        if place == len(tokens) or tokens[place] != ")":
            raise DataError("a bracket is not closed")
        return tree, place + 1
    if not word.isdigit():
        raise DataError(f"{word or 'the end'!r} stands where a number belongs")
    return Tree(word), place + 1
