"""How close given texts are to a model's own: their mean log-probability per token at a node.

Traces that a model finds likely teach it more than those of another's making, right or wrong
("Shape of Thought", arXiv 2512.22255). The same number ranks candidates for a hidden text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langnet.concurrency import each
from langnet.data import Example
from langnet.errors import DataError, GraphError
from langnet.key import Key
from langnet.program import Program

__all__ = ["closeness"]


async def closeness(
    program: Program,
    examples: Sequence[Example],
    node: str,
    *,
    key: Key,
    skip: float = 0.0,
    concurrency: int = 32,
    on_example: Callable[[], None] | None = None,
) -> tuple[float, ...]:
    """log p(text | context) / tokens of the text that each example observes at a node.

    It is the negative logarithm of the text's perplexity. Hidden texts above the node are the most
    probable ones, unless the example observes them too. In a plate every element is the observed
    text, and their mean is taken.

    Args:
        program: the graph with its models.
        examples: each has a target at the node: the text that is scored. For several texts of the
            same inputs give an example each; a model with a shared prefix reads that once.
        node: a language node without choices.
        key: what every draw's seed above the node is derived from.
        skip: the share of first tokens left out, see `TextScore.per_token`.
        concurrency: examples in flight.
        on_example: called after each example, for progress.

    Returns:
        Nats per token, at most 0 and higher for closer, as (example,).

    Raises:
        GraphError: there is no such node, or it has choices.
        DataError: an example observes no text there.
        CapabilityError: the model cannot score.
        ModelError: a call failed.
    """
    conditional = program.conditionals.get(node)
    if conditional is None or conditional.node.choices is not None:
        raise GraphError(
            f"{node!r} is no language node with free texts of {program.graph.name}; name one of "
            + (
                ", ".join(n for n, c in program.conditionals.items() if c.node.choices is None)
                or "another network's"
            )
        )
    if without := [example.id for example in examples if node not in example.targets]:
        raise DataError(f"example {without[0]!r} observes no text at node {node!r}; give it one")
    above = _ancestors(program, node)

    async def one(example: Example) -> float:
        trace = await program.run(
            example.inputs,
            key=key / example.id,
            given={name: text for name, text in example.targets.items() if name in above},
            greedy=True,
            example=example.id,
            only=above,
        )
        text = example.targets[node]
        contexts = dict.fromkeys(site.context for site in trace.at(node))
        values = [
            score.per_token(skip)
            for context in contexts
            for score in await conditional.scores(context, (text,))
        ]
        if on_example is not None:
            on_example()
        return sum(values) / len(values)

    return tuple(await each(one, examples, limit=concurrency))


def _ancestors(program: Program, node: str) -> set[str]:
    """The node and all that it depends on, inputs aside."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in program.graph.inputs:
            found.add(name)
            waiting.extend(program.graph.structure.parents[name])
    return found
