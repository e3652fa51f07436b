"""Propositional formulas: parsed from text, written to text, drawn at random, evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random

from langnet.errors import DataError
from langnet.tasks.tree import Tree

__all__ = ["drawn", "parse", "truth", "written"]

_TOKEN = re.compile(r"\s*(\(|\)|\w+)")
_DEEPEST = 100


def parse(text: str) -> Tree:
    """Reads a formula of "not", "and", "or", brackets, and names or values.

    "not" binds closest, then "and", then "or", and equals from the left, as in Python.

    Raises:
        DataError: where it is no formula.

    >>> str(parse("a or not (b) and True"))
    '(or a (and (not b) True))'
    """
    tokens: list[str] = []
    place, text = 0, text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise DataError(f"{text!r} is no formula: {text[place:]!r} is not understood")
        tokens.append(match[1])
        place = match.end()
    tree, rest = _disjunction(tokens, 0, 0)
    if rest != len(tokens):
        raise DataError(f"{text!r} is no formula: {tokens[rest]!r} stands where an end belongs")
    return tree


def truth(tree: Tree, values: Mapping[str, bool]) -> bool:
    """Whether a formula is true under these values of its variables.

    Raises:
        DataError: where a variable has no value.
    """
    match tree.symbol:
        case "not":
            return not truth(tree.children[0], values)
        case "and":
            return all(truth(child, values) for child in tree.children)
        case "or":
            return any(truth(child, values) for child in tree.children)
        case "True" | "False":
            return tree.symbol == "True"
    if tree.symbol not in values:
        raise DataError(f"the variable {tree.symbol!r} has no value")
    return values[tree.symbol]


def written(tree: Tree) -> str:
    """The formula as text, with brackets around every "and", "or" and negated part.

    >>> written(parse("not a or b"))
    '((not a) or b)'
    """
    match tree.children:
        case ():
            return tree.symbol
        case (child,):
            return f"({tree.symbol} {written(child)})"
        case _:
            return f"({f' {tree.symbol} '.join(map(written, tree.children))})"


def drawn(rng: Random, variables: Sequence[str], operators: int) -> Tree:
    """A formula with that many operators, a third of them "not"."""
    if operators == 0:
        return Tree(rng.choice(variables))
    if rng.random() < 1 / 3:
        return Tree("not", (drawn(rng, variables, operators - 1),))
    left = rng.randrange(operators)
    return Tree(
        rng.choice(("and", "or")),
        (drawn(rng, variables, left), drawn(rng, variables, operators - 1 - left)),
    )


def _disjunction(tokens: Sequence[str], place: int, depth: int) -> tuple[Tree, int]:
    tree, place = _conjunction(tokens, place, depth)
    while place < len(tokens) and tokens[place] == "or":
        right, place = _conjunction(tokens, place + 1, depth)
        tree = Tree("or", (tree, right))
    return tree, place


def _conjunction(tokens: Sequence[str], place: int, depth: int) -> tuple[Tree, int]:
    tree, place = _negation(tokens, place, depth)
    while place < len(tokens) and tokens[place] == "and":
        right, place = _negation(tokens, place + 1, depth)
        tree = Tree("and", (tree, right))
    return tree, place


def _negation(tokens: Sequence[str], place: int, depth: int) -> tuple[Tree, int]:
    if depth > _DEEPEST:
        raise DataError(f"the formula is nested more than {_DEEPEST} deep")
    word = tokens[place] if place < len(tokens) else "its end"
    if word == "not":
        tree, place = _negation(tokens, place + 1, depth + 1)
        return Tree("not", (tree,)), place
    if word == "(":
        tree, place = _disjunction(tokens, place + 1, depth + 1)
        if place == len(tokens) or tokens[place] != ")":
            raise DataError("a bracket of the formula is not closed")
        return tree, place + 1
    if place == len(tokens) or word in {"and", "or", ")"}:
        raise DataError(f"the formula has {word!r} where a value belongs")
    return Tree(word), place + 1
