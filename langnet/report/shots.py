"""Baselines that show solved examples: k-shot, and KATE, which picks them anew for each input.

Both put training examples into the node that answers, in the layout of its own template.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langnet.data import Example
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import joined
from langnet.node import Function, Input
from langnet.program import Models, Program
from langnet.run import run_all
from langnet.trace import Trace
from langnet.vi.blanket import parents_at
from langnet.vi.similarity import nearest

__all__ = ["Nearest", "Shot", "k_shot", "kate", "no_shots", "shots"]

_POOL = 300
"""Training examples that are compared with an input, at most."""
_FIELD = "nearest_examples"


@dataclass(frozen=True, slots=True)
class Shot:
    """A solved example in the layout of the node that answers.

    Attributes:
        query: its inputs as one text, by which examples are compared.
        text: what is shown.
        target: the right answer.
    """

    query: str
    text: str
    target: str


def no_shots(graph: Graph) -> str | None:
    """Why the node that answers cannot be shown solved examples; `None` where it can."""
    node = graph.nodes.get(graph.target)
    if node is None:
        return f"the target {graph.target!r} is a function, which reads no examples"
    if not graph.structure.templates[node.name].has_prompt:
        return f"the template of {node.name!r} shows no prompt, so there is no place for examples"
    if any(isinstance(part, Input) and part.plural for part in graph.parts.values()):
        return "an input is plural, so examples cannot be laid out as one text"
    return None


async def shots(
    graph: Graph,
    examples: Sequence[Example],
    *,
    models: Models,
    key: Key,
    concurrency: int = 32,
    max_failures: float = 0.1,
) -> list[Shot]:
    """Training examples, laid out for the node that answers; at most 300, chosen by the key.

    Hidden texts that the node reads are those of the examples where they observe them, else what
    the network writes. Where it reads inputs alone, no model is called.

    Raises:
        TooManyFailures: more examples failed than `max_failures` allows.
    """
    name = graph.target
    solved = [example for example in examples if name in example.targets]
    if len(solved) > _POOL:
        solved = key.below("pool").rng().sample(solved, _POOL)
    above = _above(graph, name)
    read = tuple(parent for parent in graph.structure.parents[name] if parent in above)
    hidden = tuple(parent for parent in read if not isinstance(graph.parts[parent], Input))
    values: list[Any] = [example.inputs for example in solved]
    if hidden:
        part = Graph(*(graph.parts[part] for part in graph.parts if part in above), outputs=hidden)
        traces = await run_all(
            Program(part, models),
            [
                replace(
                    example, targets={k: v for k, v in example.targets.items() if k in part.nodes}
                )
                for example in solved
            ],
            key=key.below("shots"),
            observe=True,
            greedy=True,
            concurrency=concurrency,
            max_failures=max_failures,
        )
        values = [trace.values if isinstance(trace, Trace) else None for trace in traces]
    template = graph.structure.templates[name].bind("")
    first = (0,) * len(graph.structure.domain[name])
    found = []
    for example, known in zip(solved, values, strict=True):
        if known is not None:
            context = template.render(parents_at(graph, known, name, first)).strip()
            target = str(example.targets[name])
            found.append(Shot(_query(example.inputs), context + joined(context, target), target))
    return found


def k_shot(graph: Graph, found: Sequence[Shot], k: int, key: Key) -> Graph:
    """The graph with k examples after the prompt of the node that answers, each label in turn."""
    queues: dict[str, list[Shot]] = {}
    rng = key.rng()
    for shot in rng.sample(found, len(found)):
        labelled = graph.nodes[graph.target].choices is not None
        queues.setdefault(shot.target if labelled else "", []).append(shot)
    chosen: list[Shot] = []
    while queues and len(chosen) < k:
        for target in list(queues):
            chosen.append(queues[target].pop())
            if not queues[target]:
                del queues[target]
    chosen = chosen[:k]
    rng.shuffle(chosen)
    node = graph.nodes[graph.target]
    text = "\n\n".join(filter(None, (node.prompt_text, *(shot.text for shot in chosen))))
    # Nodes that share the prompt keep theirs.
    return graph.replace(node.name, prompt=text)


def kate(graph: Graph, found: Sequence[Shot], k: int) -> Graph:
    """The graph with the k examples that are most like each input, the nearest last (KATE).

    Liu et al. 2022 (arXiv 2101.06804) compare sentence embeddings; here texts are compared by
    TF-IDF (`langnet.vi.similarity`), which needs no model.
    """
    node = graph.nodes[graph.target]
    name = _FIELD
    while name in graph:
        name += "_"
    shown = Function(name, Nearest(graph.inputs, tuple(found), k))
    # Not a literal "{{prompt}}".
    template = re.sub(r"(?<!\{)\{prompt\}", f"{{prompt}}\n\n{{{name}}}", node.template, count=1)
    parts = [
        replace(node, template=template) if part.name == node.name else part
        for part in graph.parts.values()
    ]
    return Graph(*parts, shown, outputs=graph.outputs, target=graph.target, name=graph.name)


@dataclass(frozen=True)
class Nearest:
    """A function of a graph's inputs that gives the solved examples that are most like them.

    Attributes:
        inputs: the names of the inputs.
        pool: the examples.
        k: how many are given.
    """

    inputs: tuple[str, ...]
    pool: tuple[Shot, ...] = field(repr=False)
    k: int

    def __post_init__(self) -> None:
        signature = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in self.inputs]
        )
        object.__setattr__(self, "__signature__", signature)

    def __call__(self, **values: Any) -> str:
        """The examples as one text, the nearest last."""
        order = nearest(_query(values), [shot.query for shot in self.pool])[: self.k]
        return "\n\n".join(self.pool[position].text for position in reversed(order))


def _query(inputs: Any) -> str:
    return "\n".join(str(inputs[name]) for name in sorted(inputs))


def _above(graph: Graph, name: str) -> set[str]:
    """All that a part depends on."""
    found: set[str] = set()
    frontier = [*graph.structure.parents[name]]
    while frontier:
        part = frontier.pop()
        if part not in found:
            found.add(part)
            frontier += graph.structure.parents[part]
    return found
