"""What is tried and what it is tried on: how much to look at, which examples, which variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langnet.data import Example, split
from langnet.diagnose.bench import Bench
from langnet.diagnose.variants import Variant, variants
from langnet.errors import DataError, GraphError
from langnet.graph import Graph
from langnet.key import Key
from langnet.program import Program
from langnet.vi.look import Seen, observations
from langnet.vi.method import Method
from langnet.vi.proposal import Request

__all__ = ["Effort", "parts", "prepared"]

_DEMONSTRATED = 8
"""Examples that are kept apart for demonstrations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much a diagnosis looks at.

    A network of one call needs tries · screen + 3 · confirm calls at most, and a few for
    demonstrations.

    Attributes:
        tries: variants of each prompt, the current one among them.
        screen: examples that every variant is tried on.
        confirm: further examples for the best variants, where the first do not decide.
        couple: examples for each pair of prompts.
        pairs: pairs of prompts that are tested for coupling.
        infer: examples whose hidden texts are inferred.
    """

    tries: int = 10
    screen: int = 24
    confirm: int = 120
    couple: int = 48
    pairs: int = 3
    infer: int = 4

    def __post_init__(self) -> None:
        for name, least in (("tries", 3), ("screen", 2), ("couple", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        for name in ("confirm", "pairs", "infer"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}")


def parts(
    examples: Sequence[Example], target: str, effort: Effort, seed: int
) -> tuple[list[Example], list[Example], list[Example]]:
    """Examples to show in demonstrations, to try all variants on, and to confirm the best on.

    Where what is left to confirm on would be less than what was screened on, the variants see it
    all: one good look is better than two poor ones.
    """
    for example in examples:
        if target not in example.targets:
            raise DataError(
                f"example {example.id!r} has no target at node {target!r}, so no prompt can be "
                "judged by it; give it one, or leave it out"
            )
    shown = min(_DEMONSTRATED, len(examples) // 6)
    rest = len(examples) - shown
    screen, confirm = min(effort.screen, rest), min(effort.confirm, rest - effort.screen)
    if confirm < screen:
        screen = min(rest, 2 * effort.screen if effort.confirm else effort.screen)
        confirm = 0
    if screen < 2:  # noqa: PLR2004 - one example has no spread
        raise DataError(f"{len(examples)} examples are too few to diagnose on; give at least 20")
    parts = split(examples, sizes=(shown, screen, confirm), seed=seed, stratify=target)
    return parts[0], parts[1], parts[2]


async def prepared(
    bench: Bench,
    graph: Graph,
    examples: Sequence[Example],
    method: Method,
    tries: int,
    extra: Mapping[str, Sequence[str]],
    key: Key,
) -> dict[str, tuple[Variant, ...]]:
    """The variants of every trainable prompt, with demonstrations drawn from the examples.

    Raises:
        GraphError: extra variants are given for what is no trainable prompt.
    """
    unknown = [name for name in extra if name not in graph.trainable]
    if unknown:
        raise GraphError(
            f"variants are given for {unknown[0]!r}, which is no trainable prompt; there is "
            f"{', '.join(graph.trainable)}"
        )
    bench.phase("examples for demonstrations", len(examples))
    column = await bench.column(graph, examples, tolerant=True)
    seen = [
        Seen(example, trace, value, None, None)
        for example, trace, value in zip(examples, column.traces, column.values, strict=True)
        if trace is not None
    ]
    found = {}
    for name in graph.trainable:
        nodes = [graph.nodes[node] for node in graph.sharing(name)]
        request = Request(
            current=graph.prompts[name],
            known=((graph.prompts[name], 0.0),),
            observations=observations(graph, name, seen),
            labels=next((node.choices.labels for node in nodes if node.choices), ()),
            model=Program(graph, bench.models).conditionals[nodes[0].name].model,
            max_tokens=method.max_prompt_tokens,
        )
        found[name] = await variants(
            request,
            count=tries,
            key=key.below("variants", name),
            given=extra.get(name, ()),
        )
    return found
