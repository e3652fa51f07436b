"""Networks along the tree of each example: one language node evaluates all operators of a kind.

    text ─► tree_0 ─► places_1 ─► operation_1 ─► value_1 ─► tree_1 ─► … ─► tree_N ─► answer

A level evaluates the operators that lie that many above their deepest leaf, all at once: they are
a plate, empty where a tree has none. Which operators a level has is read off the tree that was
parsed, whatever the values below came out as, so the local posterior holds.

After Ordered Memory (Shen et al. 2019, arXiv 1910.13466), which also induces trees.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langnet.errors import DataError, GraphError
from langnet.functions import reads
from langnet.graph import Graph
from langnet.node import Function, Input, Node, Prompt
from langnet.tasks.tree import Tree
from langnet.template import Template

__all__ = ["OPERATION", "folded", "leaf", "reduced"]

OPERATION = "operation"
"""The field of a node's template that shows an operator with the values of its operands."""

_AGREES, _DIFFERS = math.log(0.99), math.log(0.01)


def leaf(tree: Tree) -> str:
    """The value of a tree that is evaluated; empty where it is not."""
    return "" if tree.children else tree.symbol


def folded(
    kinds: Mapping[str, Node],
    *,
    parse: Callable[[str], Tree],
    depth: int,
    source: str = "text",
    write: Callable[[Tree], str] = str,
    finish: Callable[[Tree], str] = leaf,
    name: str = "tree",
) -> Graph:
    """The graph that evaluates trees from their leaves up, whose output is `answer`.

    A target of `tree_L` is a tree in writing, whose operators up to that level have their true
    values (`reduced`): the levels above then read those, and the values below are compared one by
    one.

    Args:
        kinds: the node that evaluates an operator, by the operator's symbol; it reads
            `{operation}` and nothing else. Operators with the same node are of one kind, and all
            nodes of a kind share their prompt, which keeps the node's name.
        parse: makes a tree of the source's text.
        depth: levels of operators at most.
        source: the input that holds the text.
        write: how an operator with the values of its operands is shown.
        finish: makes the answer of what is left of the tree: operators without a kind stay.
        name: of the graph.

    Raises:
        GraphError: a node reads something else or is plural, or there is no level.

    >>> from langnet.tasks import listops
    >>> cell = Node("cell", "{prompt}\\n\\n{operation} is", "Evaluate.", choices=[*"0123456789"])
    >>> graph = folded({"MIN": cell, "MAX": cell}, parse=listops.parse, depth=2)
    >>> graph.prompts, graph.outputs
    ({'cell': 'Evaluate.'}, ('answer',))
    """
    nodes = {node.name: node for node in kinds.values()}
    if not nodes or depth < 1:
        raise GraphError("a tree needs at least one kind of operator, and one level")
    for node in kinds.values():
        plural = node.draws is not None or node.over is not None
        if plural or node.parents != (OPERATION,) or nodes[node.name] != node:
            raise GraphError(
                f"node {node.name!r} must read {{{OPERATION}}} and nothing else, have neither "
                "draws nor over, and differ in name from the nodes of other kinds"
            )
    symbols = {
        name: tuple(symbol for symbol, node in kinds.items() if node.name == name) for name in nodes
    }
    parts: list[Input | Node | Function] = [
        Input(source),
        Function("tree_0", _Parsed((source,), parse, tuple(kinds), depth)),
    ]
    for level in range(1, depth + 1):
        below = f"tree_{level - 1}"
        for kind, node in nodes.items():
            places, shown = f"places_{kind}_{level}", f"{OPERATION}_{kind}_{level}"
            found = _Places(("tree_0",), symbols[kind], tuple(kinds), level)
            parts += [
                Function(places, found, plural=True),
                Function(shown, _Shown((below, places), write), over=places),
                dataclasses.replace(
                    node,
                    name=f"{kind}_{level}",
                    template=Template.parse(node.template).renamed({OPERATION: shown}),
                    prompt=Prompt(node.prompt_name, node.prompt_text),
                    over=shown,
                ),
            ]
        values = (f"{kind}_{level}" for kind in nodes)
        put_back = _PutBack((below, *values), tuple(symbols.values()))
        parts.append(Function(f"tree_{level}", put_back, likelihood=_agreement))
    parts.append(Function("answer", _Finished((f"tree_{depth}",), finish)))
    return Graph(*parts, outputs="answer", name=name)


def reduced(
    tree: Tree, level: int, evaluate: Callable[[Tree], str], operators: frozenset[str]
) -> Tree:
    """A tree whose operators up to a level have their values: what `tree_L` should be.

    Args:
        tree: the whole tree.
        level: operators that lie no higher above their deepest leaf are evaluated.
        evaluate: gives the value of a subtree.
        operators: the symbols that count as operators.
    """
    if tree.symbol in operators and tree.children and _height(tree, operators) <= level:
        return Tree(evaluate(tree))
    children = (reduced(child, level, evaluate, operators) for child in tree.children)
    return Tree(tree.symbol, tuple(children))


def _agreement(target: str, value: Any) -> float:
    """Σ log p over leaves, 0.99 where right, else 0.01: one wrong value hides no other."""
    wanted, found = (dict(_subtrees(_tree(tree))) for tree in (target, value))
    return math.fsum(
        _AGREES if path in found and found[path].symbol == subtree.symbol else _DIFFERS
        for path, subtree in wanted.items()
        if not subtree.children
    )


def _tree(value: Tree | str) -> Tree:
    """A tree, which is a text where it was observed."""
    return Tree.read(value) if isinstance(value, str) else value


def _height(tree: Tree, operators: frozenset[str]) -> int:
    """Operators with a kind on the longest way to a leaf."""
    below = max((_height(child, operators) for child in tree.children), default=0)
    return below + (bool(tree.children) and tree.symbol in operators)


def _subtrees(tree: Tree, path: str = "") -> Iterator[tuple[str, Tree]]:
    """All subtrees by their paths, such as ".0.2" for the third operand of the first one."""
    yield path, tree
    for number, child in enumerate(tree.children):
        yield from _subtrees(child, f"{path}.{number}")


def _places(
    tree: Tree, kind: tuple[str, ...], operators: frozenset[str], level: int
) -> Iterator[str]:
    """The paths of the operators of a kind that lie so high above their deepest leaf."""
    for path, subtree in _subtrees(tree):
        is_one = subtree.children and subtree.symbol in kind
        if is_one and _height(subtree, operators) == level:
            yield path


@dataclass(frozen=True)
class _Part:
    """A function of named parents."""

    parents: tuple[str, ...] = field(repr=False)  # they are its edges

    def __post_init__(self) -> None:
        object.__setattr__(self, "__signature__", reads(self, *self.parents))


@dataclass(frozen=True)
class _Parsed(_Part):
    parse: Callable[[str], Tree] = field(repr=False)
    symbols: tuple[str, ...] = field(repr=False)
    depth: int

    def __call__(self, **values: Any) -> Tree:
        tree = self.parse(values[self.parents[0]])
        height = _height(tree, frozenset(self.symbols))
        if height > self.depth:
            raise DataError(
                f"{values[self.parents[0]]!r} has {height} levels of operators, but the graph has "
                f"{self.depth}; make it with depth={height}"
            )
        return tree


@dataclass(frozen=True)
class _Places(_Part):
    """The places of one level's operators of one kind. It reads the shape of the tree alone."""

    kind: tuple[str, ...]
    symbols: tuple[str, ...] = field(repr=False)
    level: int

    def __call__(self, **values: Any) -> tuple[str, ...]:
        tree = values[self.parents[0]]
        return tuple(_places(tree, self.kind, frozenset(self.symbols), self.level))


@dataclass(frozen=True)
class _Shown(_Part):
    write: Callable[[Tree], str] = field(repr=False)

    def __call__(self, **values: Any) -> str:
        tree, path = (values[name] for name in self.parents)
        return self.write(dict(_subtrees(_tree(tree)))[path])


@dataclass(frozen=True)
class _PutBack(_Part):
    """The tree with the values of one level. Below it there are leaves: its places are the next."""

    kinds: tuple[tuple[str, ...], ...] = field(repr=False)

    def __call__(self, **values: Any) -> Tree:
        below, *texts = (values[name] for name in self.parents)
        tree = _tree(below)
        operators = frozenset(symbol for kind in self.kinds for symbol in kind)
        found = {
            path: text
            for kind, of_kind in zip(self.kinds, texts, strict=True)
            for path, text in zip(_places(tree, kind, operators, 1), of_kind, strict=True)
        }

        def put(tree: Tree, path: str) -> Tree:
            if path in found:
                return Tree(found[path])
            children = (put(child, f"{path}.{n}") for n, child in enumerate(tree.children))
            return Tree(tree.symbol, tuple(children))

        return put(tree, "")


@dataclass(frozen=True)
class _Finished(_Part):
    finish: Callable[[Tree], str] = field(repr=False)

    def __call__(self, **values: Any) -> str:
        return self.finish(_tree(values[self.parents[0]]))
