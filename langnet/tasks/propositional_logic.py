"""What holds between two formulas, and is a formula true? Propositional logic.

`propositional_logic` asks for one of seven relations between two formulas, each of which is
sometimes true and sometimes false; `propositional_evaluation` for the truth of one formula, given
the values of its variables. With `split=length` the test part has more operators than any formula
to learn from: learning up to 6 and being tested on 7 to 12 is what is usual.

Sources: the data of Bowman, Manning and Potts 2015, arXiv 1506.04834, with the relations of
MacCartney and Manning 2009; used by Shen et al. 2019, arXiv 1910.13466 (Ordered Memory).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import product
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.errors import DataError
from langnet.tasks import formula
from langnet.tasks.draw import balanced
from langnet.tasks.setting import PART, SPLIT_BY_LENGTH, Setting
from langnet.tasks.task import Task
from langnet.tasks.tree import Tree

__all__ = [
    "EVALUATION",
    "RELATION",
    "conclusion",
    "evaluation",
    "generate",
    "parse",
    "relation",
    "table",
]

_VARIABLES = ("a", "b", "c", "d", "e", "f")
_MOST_VARIABLES = 4
_POOL = 8
"""Formulas of each side that are drawn at once: rare relations are found among their pairs."""
_ATTEMPTS = 1_000
_RELATIONS = (
    "equivalence",
    "forward entailment",
    "reverse entailment",
    "negation",
    "alternation",
    "cover",
    "independence",
)
# Which of the pairs (true, true), (true, false), (false, true), (false, false) never come up.
_BY_EMPTY_ROWS: Mapping[tuple[bool, ...], str] = MappingProxyType(
    {
        (False, True, True, False): "equivalence",
        (False, True, False, False): "forward entailment",
        (False, False, True, False): "reverse entailment",
        (True, False, False, True): "negation",
        (True, False, False, False): "alternation",
        (False, False, False, True): "cover",
    }
)
_FORMULA = re.compile(r"^(?:First|Second|Formula): (.+)$", re.MULTILINE)
_VALUE = re.compile(r"\b([a-z]) = (True|False)")


def parse(text: str) -> Tree:
    """The text's formula as a tree; two formulas under the symbol "relation"."""
    found = tuple(map(formula.parse, _FORMULA.findall(text)))
    if not found:
        raise DataError(f"there is no formula in {text!r}")
    return found[0] if len(found) == 1 else Tree("relation", found)


def table(text: str) -> Tree:
    """What there is to evaluate in a text, as a tree whose leaves are truth values.

    Of one formula it is the formula under the values that the text gives. Of two it is "relation",
    with a "row" of both formulas for each way to give their variables values.

    >>> str(table("Values: a = True, b = False\\nFormula: (a and (not b))"))
    '(and True (not False))'
    """
    found = parse(text)
    if found.symbol != "relation":
        return _valued(found, dict(_VALUE.findall(text)))
    names = sorted({leaf.symbol for leaf in found.nodes() if not leaf.children})
    return Tree(
        "relation",
        tuple(
            Tree(
                "row",
                tuple(_valued(side, dict(zip(names, row, strict=True))) for side in found.children),
            )
            for row in product(("True", "False"), repeat=len(names))
        ),
    )


def conclusion(tree: Tree) -> str:
    """The answer once the formulas of a `table` are evaluated; empty where there is none.

    >>> conclusion(Tree.read("(relation (row True True) (row False False))"))
    'equivalence'
    """
    if tree.symbol != "relation":
        return tree.symbol
    rows = {tuple(side.symbol for side in row.children) for row in tree.children}
    if any(len({row[side] for row in rows}) == 1 for side in (0, 1)):
        return ""
    never = tuple(row not in rows for row in product(("True", "False"), repeat=2))
    return _BY_EMPTY_ROWS.get(never, "independence")


def _valued(tree: Tree, values: Mapping[str, str]) -> Tree:
    if not tree.children:
        return Tree(values.get(tree.symbol, tree.symbol))
    return Tree(tree.symbol, tuple(_valued(child, values) for child in tree.children))


def relation(text: str) -> str:
    """The relation between the first and the second formula, by their truth tables.

    Raises:
        DataError: where there are not two formulas, or one of them is always true or never.
    """
    pair = parse(text)
    if pair.symbol != "relation":
        raise DataError(f"there are not two formulas in {text!r}")
    names = sorted({leaf.symbol for leaf in pair.nodes() if not leaf.children})
    rows = [
        tuple(formula.truth(side, dict(zip(names, values, strict=True))) for side in pair.children)
        for values in product((True, False), repeat=len(names))
    ]
    if any(len({row[side] for row in rows}) == 1 for side in (0, 1)):
        raise DataError(f"a formula that is always or never true has no relation: {text!r}")
    never = tuple(row not in rows for row in product((True, False), repeat=2))
    return _BY_EMPTY_ROWS.get(never, "independence")


def evaluation(text: str) -> str:
    """Whether the formula is true under the values that the text gives."""
    values = {name: value == "True" for name, value in _VALUE.findall(text)}
    return str(formula.truth(parse(text), values))


def generate(
    kind: str,
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    operators: int = 6,
    split: str = "simple",
    part: str = "train",
) -> list[Example]:
    """Generates n distinct questions, with each label equally often, give or take one.

    Args:
        kind: "propositional_logic" or "propositional_evaluation".
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the answer observes.
        exclude: examples whose texts must not come up.
        operators: of the longer formula, at most.
        split: simple, or length: the test part has more operators, up to twice as many.
        part: train, dev or test.

    Raises:
        DataError: where no further question is found.
    """
    task, draw = _KINDS[kind]
    task = task.configured(operators=operators, split=split, part=part)
    longer = split == "length" and part == "test"
    least, most = (operators + 1, 2 * operators) if longer else (1, operators)
    return balanced(
        n,
        name=task.spec,
        input_name=task.input,
        labels=task.labels,
        draw=partial(draw, least=least, most=most),
        seed=seed,
        node=node,
        exclude=exclude,
    )


def _draw_relation(rng: Random, label: str, *, least: int, most: int) -> str:
    """A pair with that relation, from pools of formulas with the same variables."""
    for _ in range(_ATTEMPTS):
        variables = rng.sample(_VARIABLES, rng.randint(2, _MOST_VARIABLES))
        size = rng.randint(least, most)
        # One of the two has that many operators, the other no more.
        longer = [_with_mask(formula.drawn(rng, variables, size)) for _ in range(_POOL)]
        others = [
            _with_mask(formula.drawn(rng, variables, rng.randint(1, size))) for _ in range(_POOL)
        ]
        pairs = [
            (left, right)
            for first, second in product(longer, others)
            # Where formulas are the same there is nothing to find out.
            if first != second
            for (left, one), (right, other) in ((first, second), (second, first))
            if _by_masks(one, other) == label
        ]
        if pairs:
            left, right = rng.choice(pairs)
            return f"First: {formula.written(left)}\nSecond: {formula.written(right)}"
    raise DataError(f"no formulas with the relation {label!r} were found; allow more operators")


def _with_mask(tree: Tree) -> tuple[Tree, int]:
    return tree, _mask(tree)


def _by_masks(one: int, other: int) -> str | None:
    """The relation from the sets of rows in which the formulas are true; `None` without one."""
    if not (0 < one < _ALL and 0 < other < _ALL):
        return None
    if one == other:
        return "equivalence"
    if one & other == 0:
        return "negation" if one | other == _ALL else "alternation"
    if one | other == _ALL:
        return "cover"
    if one & other in {one, other}:
        return "forward entailment" if one & other == one else "reverse entailment"
    return "independence"


_ROWS = 1 << len(_VARIABLES)
_ALL = (1 << _ROWS) - 1
_MASKS = {
    name: sum(1 << row for row in range(_ROWS) if row >> index & 1)
    for index, name in enumerate(_VARIABLES)
}


def _mask(tree: Tree) -> int:
    """The rows of the truth table in which a formula is true, as bits."""
    match tree.symbol, [_mask(child) for child in tree.children]:
        case "not", [one]:
            return _ALL ^ one
        case "and", [one, other]:
            return one & other
        case "or", [one, other]:
            return one | other
    return _MASKS[tree.symbol]


def _draw_evaluation(rng: Random, label: str, *, least: int, most: int) -> str:
    while True:
        variables = rng.sample(_VARIABLES, rng.randint(2, _MOST_VARIABLES))
        tree = formula.drawn(rng, variables, rng.randint(least, most))
        row = rng.randrange(_ROWS)
        if (_mask(tree) >> row & 1) == (label == "True"):
            values = ", ".join(
                f"{name} = {bool(_MASKS[name] >> row & 1)}" for name in sorted(variables)
            )
            return f"Values: {values}\nFormula: {formula.written(tree)}"


_SETTINGS = {
    "operators": Setting(6, "operators of a formula, at most", least=2, most=50),
    "split": SPLIT_BY_LENGTH,
    "part": PART,
}

RELATION = Task(
    "propositional_logic",
    "Say how the first formula is related to the second: equivalence, forward entailment (the "
    "first implies the second), reverse entailment, negation (exactly one of them is true), "
    "alternation (they are never both true), cover (at least one is always true) or independence.",
    "text",
    _RELATIONS,
    summary="Which of seven relations holds between two formulas?",
    settings=_SETTINGS,
    parse=parse,
    answer=relation,
    make=partial(generate, "propositional_logic"),
)
"""The task of relations."""

EVALUATION = Task(
    "propositional_evaluation",
    "Say whether the formula is true for the given values. Answer True or False.",
    "text",
    ("True", "False"),
    summary="Is a formula true for given values of its variables?",
    settings=_SETTINGS,
    parse=parse,
    answer=evaluation,
    make=partial(generate, "propositional_evaluation"),
)
"""The task of evaluation."""

_KINDS = {
    RELATION.name: (RELATION, _draw_relation),
    EVALUATION.name: (EVALUATION, _draw_evaluation),
}
