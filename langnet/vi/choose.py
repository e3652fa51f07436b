"""The M-step: proposes candidates for a group of prompts, scores them, and chooses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from langnet.concurrency import concurrently
from langnet.graph import Graph
from langnet.lm.caller import calling
from langnet.lm.tokens import counter
from langnet.program import Program, bind
from langnet.trace import Failure
from langnet.vi.blanket import latents
from langnet.vi.calls import spared
from langnet.vi.context import Context, resolved_objective
from langnet.vi.correct import Correction, corrected
from langnet.vi.dry import DryLedger, dry_graph
from langnet.vi.ledger import Ledger
from langnet.vi.look import Look, Seen, evidence, observations
from langnet.vi.memory import known_prompts, parent_of
from langnet.vi.method import Method
from langnet.vi.objective import Evidence, Objective, likelihood, nce, rollout
from langnet.vi.pool import solved
from langnet.vi.posterior import takes_particles
from langnet.vi.proposal import Request
from langnet.vi.propose import Proposals, propose
from langnet.vi.score import Rollout, Scorer
from langnet.vi.select import Selection, select

__all__ = ["Chosen", "choose"]


class Chosen(NamedTuple):
    """What became of one group of prompts.

    Attributes:
        selections: how each was chosen.
        failures: examples on which a call failed.
        correction: what correcting a stale posterior did; `None` where it was not stale.
        raced: calls that racing spared.
    """

    selections: tuple[Selection, ...] = ()
    failures: tuple[Failure, ...] = ()
    correction: Correction | None = None
    raced: int = 0


async def choose(graph: Graph, group: Sequence[str], looked: Look, context: Context) -> Chosen:
    """Chooses the prompts of one group, all at once.

    Args:
        graph: the network with its current prompts.
        group: the names of the prompts.
        looked: the batch as it was seen, perhaps under older prompts: it is corrected then.
        context: everything else.

    Raises:
        ModelError: a call of the proposer failed.
        CapabilityError: a model cannot score what the method asks for.
    """
    method = context.method
    if not looked.seen:
        return Chosen()
    if method.skip_without_errors and all(item.value >= 1 for item in looked.seen):
        group = [name for name in group if context.directions.is_wanted(name)]
        if not group:
            return Chosen()
    shown, held = _halves(looked.seen, context)
    proposals: dict[str, Proposals] = {}
    corrections: list[Correction] = []

    async def proposing(name: str) -> None:
        proposals[name] = await _proposed(graph, name, shown, looked, context)

    async def correcting() -> None:
        nonlocal held
        if dict(looked.prompts) == graph.prompts:
            return
        program = Program(graph, looked.ledger.models(context.models, "correct"))
        held, correction = await corrected(program, held, method.inference, method.concurrency)
        if correction is not None:
            corrections.append(correction)

    # Proposals do not wait for the correction: they are scored, not trusted.
    calls: list[Callable[[], Awaitable[None]]] = [correcting]
    calls += [partial(proposing, name) for name in group]
    await concurrently(calls)
    found = await concurrently(
        partial(_selected, graph, name, proposals[name], held, looked, context) for name in group
    )
    return Chosen(
        tuple(selection for selection, _, _ in found),
        tuple(failure for _, failures, _ in found for failure in failures),
        corrections[0] if corrections else None,
        sum(raced for _, _, raced in found),
    )


def _halves(seen: tuple[Seen, ...], context: Context) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    """What proposers see, and what decides: the same, or two halves of the batch."""
    if not context.method.held_out or len(seen) < 2:  # noqa: PLR2004 - one cannot be halved
        return seen, seen
    order = (context.key / "halves").rng().sample(seen, len(seen))
    half = len(order) // 2
    return tuple(order[:half]), tuple(order[half:])


async def _proposed(
    graph: Graph, name: str, shown: Sequence[Seen], looked: Look, context: Context
) -> Proposals:
    """New candidates for one prompt."""
    method, directions = context.method, context.directions
    current = graph.prompts[name]
    memory = directions.allowed(name, context.memory)
    labels = next(
        (
            node.choices.labels
            for node in graph.nodes.values()
            if node.prompt_name == name and node.choices is not None
        ),
        (),
    )
    parent = None
    if method.remember == "pareto":
        parent = parent_of(memory, context.key / "parent")
    batch = {item.example.id for item in looked.seen}
    others = [example for example in context.pool if example.id not in batch]
    bound = bind(graph, context.models)
    request = Request(
        current=current,
        known=known_prompts(name, current, memory),
        observations=observations(graph, name, shown, directions),
        labels=labels,
        model=looked.ledger.model(context.proposer, "propose"),
        max_tokens=method.max_prompt_tokens,
        temperature=method.proposal_temperature,
        pool=tuple(item for node in graph.sharing(name) for item in solved(graph, node, others)),
        parent=None if parent is None else parent.prompts[name],
        feedback=(*method.feedback.get(name, ()), *directions.feedback.get(name, ())),
        # The prompt must fit the nodes' model, whoever proposes it.
        count_tokens=counter(bound[graph.sharing(name)[0]].model),
        banned=directions.standing.banned.get(name, frozenset()),
    )
    with calling(node=", ".join(graph.sharing(name))):
        return await propose(
            request,
            count=method.candidates,
            key=context.key.below("propose", name),
            mix=context.mix,
            proposers=method.proposers,
            turn=context.step,
            more=directions.proposals.get(name, 0),
            told=name in directions.told,
        )


async def _selected(
    graph: Graph,
    name: str,
    proposals: Proposals,
    held: Sequence[Seen],
    looked: Look,
    context: Context,
) -> tuple[Selection, tuple[Failure, ...], int]:
    """The choice of one prompt, what failed, and the calls that racing spared."""
    method = context.method
    current = graph.prompts[name]
    origins = {current: "incumbent"}
    known = known_prompts(name, current, context.directions.allowed(name, context.memory))
    entered = [
        (text, origin)
        for text, origin in context.directions.candidates.get(name, {}).items()
        if context.directions.standing.allows(name, text)
    ]
    for text, origin in [
        *((text, "memory") for text, _ in known),
        *entered,
        *proposals.kept,
    ]:
        origins.setdefault(text, origin)
    gathered = [evidence(graph, name, item, context.progress) for item in held]
    objective = resolved_objective(graph, context.models, method)
    terms = (rollout,) if objective == "rollout" else method.objectives

    texts = tuple(origins)

    def scorer(graph: Graph, ledger: Ledger, candidates: Sequence[str]) -> Scorer:
        return Scorer(
            Program(graph, ledger.models(context.models, "score")),
            name,
            candidates,
            per_token=method.per_token,
            skip=method.skip,
            rollout=Rollout(context.metric, context.key, method.rollouts),
        )

    selection, failures, missing = await select(
        scorer(graph, looked.ledger, texts),
        gathered,
        terms,
        origins=tuple(origins.values()),
        dropped=proposals.dropped,
        method=method,
        key=context.key.below("race", name),
        asked=_is_known(graph, gathered, terms, method),
    )
    raced = 0
    if any(missing):
        dry = DryLedger()
        one = scorer(dry_graph(graph)[0], dry, texts[-1:])
        raced = await spared(one, dry.tallies["score"], gathered, terms, missing)
    return selection, failures, raced


def _is_known(
    graph: Graph, gathered: Sequence[Evidence], terms: Sequence[Objective], method: Method
) -> bool:
    """Whether all that the incumbent's scores need has been asked before.

    The forward pass is its rollout. A posterior asks what its rows hold, but for the local one of
    several latent nodes, whose rows combine alternatives that never met.
    """
    if set(terms) == {rollout}:
        return method.rollouts == 1
    if not set(terms) <= {likelihood, nce}:
        return False
    return all(
        takes_particles(graph, item.example.targets, method.inference)
        or len(latents(graph, item.example.targets)) <= 1
        for item in gathered
    )
