"""What a step sees of its batch: forward passes, posteriors, and what each prompt makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from langnet.concurrency import each
from langnet.data import Example
from langnet.errors import ModelError, TooManyFailures
from langnet.evaluate import marked_of
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import Metric
from langnet.plate import at, reaches
from langnet.program import Models, Program
from langnet.run import run_all
from langnet.trace import Failure, Site, Trace
from langnet.vi.blanket import parents_at
from langnet.vi.directions import Directions
from langnet.vi.ledger import Ledger
from langnet.vi.method import Method
from langnet.vi.objective import Evidence
from langnet.vi.posterior import Posterior, Row, infer
from langnet.vi.proposal import Observation

__all__ = ["Look", "Seen", "check_failures", "evidence", "look", "observations"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One example of the batch.

    Attributes:
        example: the example.
        forward: its forward pass.
        value: what the metric gave the answer.
        feedback: what the metric said of it, if anything.
        posterior: what was inferred; `None` where nothing needs to be.
    """

    example: Example
    forward: Trace
    value: float
    feedback: str | None
    posterior: Posterior | None


@dataclass(frozen=True, slots=True)
class Look:
    """A batch as it was seen under one set of prompts.

    Attributes:
        prompts: the prompts it was seen under.
        seen: the examples, but for those that failed.
        failures: examples that were lost because a model's call failed.
        ledger: what has been asked for it.
    """

    prompts: Mapping[str, str]
    seen: tuple[Seen, ...]
    failures: tuple[Failure, ...]
    ledger: Ledger


async def look(
    graph: Graph,
    batch: Sequence[Example],
    *,
    models: Models,
    method: Method,
    metric: Metric,
    key: Key,
    needs_posterior: bool,
    ledger: Ledger,
) -> Look:
    """The forward pass and, where it is needed, the posterior of every example of a batch.

    Every node takes its most probable text, unless the network is fitted by rollouts: the forward
    pass is then the incumbent's first rollout, which need not be run again.

    Raises:
        TooManyFailures: more examples failed than the method allows.
        CapabilityError: a model cannot score what the posterior needs.
    """
    forwards = await run_all(
        Program(graph, ledger.models(models, "forward")),
        batch,
        key=key / "forward" if needs_posterior else key.below("rollout", 0),
        greedy=needs_posterior,
        concurrency=method.concurrency,
        max_failures=method.max_failures,
    )
    program = Program(graph, ledger.models(models, "infer"))

    async def one(pair: tuple[Example, Trace]) -> Seen | Failure:
        example, forward = pair
        marked = marked_of(forward, example, graph.target, metric)
        seen = Seen(example, forward, marked.value, marked.feedback or None, None)
        if not needs_posterior:
            return seen
        try:
            posterior = await infer(
                program,
                example,
                key=key.below("infer", example.id),
                settings=method.inference,
                forward=forward,
            )
        except ModelError as error:
            return Failure(example.id, error)
        return replace(seen, posterior=posterior)

    pairs = [
        (example, forward)
        for example, forward in zip(batch, forwards, strict=True)
        if isinstance(forward, Trace)
    ]
    seen = await each(one, pairs, limit=method.concurrency)
    failures = [outcome for outcome in (*forwards, *seen) if isinstance(outcome, Failure)]
    check_failures(failures, len(batch), method.max_failures)
    return Look(
        graph.prompts,
        tuple(item for item in seen if isinstance(item, Seen)),
        tuple(failures),
        ledger,
    )


def check_failures(failures: Sequence[Failure], size: int, share: float) -> None:
    """Raises `TooManyFailures` where more of a batch failed than the share that may."""
    if len(failures) > (max(1.0, share * size) if share else 0):
        raise TooManyFailures(
            f"{len(failures)} of {size} examples of the batch failed, more than the share of "
            f"{share:g} that max_failures allows; the last: {failures[-1].error}"
        ) from failures[-1].error


def evidence(graph: Graph, prompt: str, item: Seen, progress: float) -> Evidence:
    """What one example says about one prompt: the rows of every node that shows it."""
    nodes = graph.sharing(prompt)
    rows = () if item.posterior is None else item.posterior.rows
    return Evidence(
        item.example,
        tuple(row for row in rows if row.node in nodes),
        tuple(_forward_row(graph, item, site) for node in nodes for site in item.forward.at(node)),
        item.value < 1,
        progress,
    )


def _forward_row(graph: Graph, item: Seen, site: Site) -> Row:
    parents = parents_at(graph, item.forward.values, site.node, site.index)
    return Row(item.example.id, site.node, site.index, 1.0, parents, site.text)


def observations(
    graph: Graph, prompt: str, seen: Iterable[Seen], directions: Directions | None = None
) -> tuple[Observation, ...]:
    """What a proposer is shown of a prompt: contexts without it, outputs and targets.

    What people rated comes first, and takes the place of what the metric says of the same text.
    """
    nodes = graph.sharing(prompt)
    said = directions or Directions()
    rated = {rating: rating.observation for rating in said.ratings if rating.node in nodes}
    found: list[Observation] = []
    for node, item, observation in _by_node(graph, nodes, seen):
        rating = said.rating(item.example.id, node, observation.output)
        if rating is None:
            found.append(observation)
        elif not rating.is_whole:
            rated[rating] = replace(rating.observation, context=observation.context)
    return (*rated.values(), *found)


def _by_node(
    graph: Graph, nodes: Iterable[str], seen: Iterable[Seen]
) -> Iterator[tuple[str, Seen, Observation]]:
    items = tuple(seen)
    for node in nodes:
        for item in items:
            for observation in _of_node(graph, node, item):
                yield node, item, observation


def _of_node(graph: Graph, node: str, item: Seen) -> Iterator[Observation]:
    template = graph.structure.templates[node].bind("")
    marked = node == graph.target == graph.outputs[0]  # the metric marks this node's own text
    for site in item.forward.at(node):
        target: str | None
        if node in item.example.targets:
            target = str(item.example.targets[node])
        elif item.posterior is not None and node in item.posterior.best:
            best = item.posterior.best[node]
            target = str(at(best, site.index)) if reaches(best, site.index) else None
        else:
            target = site.text if item.value >= 1 else None
        parents = parents_at(graph, item.forward.values, node, site.index)
        right = item.value >= 1 if marked and not site.index else None
        yield Observation(template.render(parents), site.text, target, item.feedback, right)
