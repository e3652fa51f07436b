"""Scores of candidate prompts as fits meet them, recorded on the embedded model for racing.py.

    python -m benchmarks.racing --record

A recording follows a fit: in each of a few steps the strategies propose prompts from the incumbent
and the best so far, every new prompt is scored on every example, and the best is the next
incumbent. What a fit scores on a batch is thereby known on many more examples, so that many
batches and sets of candidates can be drawn from it.

- dln1: log p(target | text, prompt) of the answer, in nats, normalised over the labels; above
  log ½ of two labels the answer is right, so that the metric is recorded as well.
- dln2: Σ_k w_k log p(h_k | text, prompt) of the hidden text, in nats, over the posterior's texts
  (local, three draws, guide mixture), which were inferred once under the initial prompts.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict

import numpy as np

from langnet import Graph, tasks
from langnet.cli.network import load_network
from langnet.concurrency import concurrently
from langnet.data import Example
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.connect import connect
from langnet.lm.store import default_cache_path
from langnet.program import Program
from langnet.vi.posterior import Inference, infer
from langnet.vi.proposal import Observation, Request
from langnet.vi.propose import propose

MODEL = "local:smollm2"
FILE = Path(__file__).with_name("recorded_scores.json")
NOTE = (
    "Scores of candidate prompts in nats, (example, candidate), by SmolLM2-135M-Instruct (Q4_1) "
    "on generated examples; made by `python -m benchmarks.racing --record`. `incumbents` are the "
    "candidates that a fit went on from, `origins` the strategies that proposed each, `targets` "
    "the examples' labels."
)
"""Stands at the head of the file."""


class Recording(TypedDict):
    """The scores of one fit; see `NOTE`."""

    network: str
    task: str
    seed: int
    incumbents: list[int]
    origins: list[str]
    targets: list[str]
    scores: list[list[float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """One fit to be recorded."""

    network: str
    task: str
    seed: int
    examples: int
    proposals: int
    steps: int = 3


PLANS = (
    Plan("dln1", "subjectivity", 0, examples=64, proposals=12),
    Plan("dln1", "sentiment", 0, examples=36, proposals=7),
    Plan("dln2", "subjectivity", 0, examples=28, steps=2, proposals=9),
    Plan("dln1", "subjectivity", 1, examples=48, proposals=9),
    Plan("dln1", "sentiment", 1, examples=36, proposals=7),
    Plan("dln2", "sentiment", 0, examples=28, steps=2, proposals=9),
)

Column = Callable[[str], Awaitable[list[float]]]
"""The scores of a prompt on every example."""


async def record(numbers: Sequence[int] = (0, 1, 2, 3, 4, 5), file: Path = FILE) -> None:
    """Records the fits of these numbers and puts them into the file, beside those that stay."""
    # What was scored before a recording was cut short is found again.
    async with connect(MODEL, pull=True, cache=default_cache_path()) as model:
        for number in numbers:
            found = await _recorded(PLANS[number], model)
            _keep(found, file)
            print(_name(found), np.shape(found["scores"]))


def recordings(file: Path = FILE) -> list[Recording]:
    """The recordings in the file."""
    return list(json.loads(file.read_text())["recordings"])


def _keep(found: Recording, file: Path) -> None:
    known = {_name(item): item for item in (recordings(file) if file.exists() else [])}
    known[_name(found)] = found
    lines = ",\n".join(json.dumps(known[name], separators=(",", ":")) for name in sorted(known))
    file.write_text(f'{{"note": {json.dumps(NOTE)},\n"recordings": [\n{lines}\n]}}\n')


def _name(item: Recording) -> str:
    return f"{item['network']} {item['task']} {item['seed']}"


async def _recorded(plan: Plan, model: LanguageModel) -> Recording:
    task = tasks.get(plan.task)
    source = Path(__file__).parents[1] / "graphs" / f"{plan.network}.py"
    graph = load_network(str(source)).graph(task)
    examples = task.generate(plan.examples, seed=100 + plan.seed)
    key = Key(("recorded", plan.network, plan.task, plan.seed))
    shown, column = await (_answers if plan.network == "dln1" else _thoughts)(
        graph, examples, model, key
    )
    prompt = graph.prompts["answer" if plan.network == "dln1" else "thoughts"]
    columns = {prompt: await column(prompt)}
    origins = ["incumbent"]
    incumbents = [0]
    for step in range(plan.steps):
        means = {text: float(np.mean(scores)) for text, scores in columns.items()}
        ranked = sorted(means.items(), key=lambda pair: -pair[1])
        incumbents.append(list(columns).index(ranked[0][0]))
        request = Request(
            ranked[0][0],
            tuple(ranked[:3]),
            tuple(key.below("batch", step).rng().sample(shown, 24)),
            task.labels if plan.network == "dln1" else (),
            model,
            max_tokens=200,
        )
        for text, origin in await propose(
            request, count=plan.proposals, key=key.below("propose", step), turn=step
        ):
            if text not in columns:
                columns[text] = await column(text)
                origins.append(origin)
    return {
        "network": plan.network,
        "task": plan.task,
        "seed": plan.seed,
        "incumbents": sorted(set(incumbents)),
        "origins": origins,
        "targets": [str(example.targets["answer"]) for example in examples],
        "scores": np.round(np.array(list(columns.values())).T, 4).tolist(),
    }


async def _answers(
    graph: Graph, examples: Sequence[Example], model: LanguageModel, key: Key
) -> tuple[list[Observation], Column]:
    """What a proposer sees of dln1's answers, and their scores."""

    async def run(program: Program, example: Example) -> float:
        trace = await program.run(example.inputs, key=key, given=example.targets, score=True)
        assert trace.log_weight is not None  # noqa: S101 - the model scores
        return trace.log_weight

    async def column(prompt: str) -> list[float]:
        program = Program(graph.with_prompts({"answer": prompt}), model)
        return await concurrently(partial(run, program, example) for example in examples)

    return await _observed(graph, "answer", examples, model, key), column


async def _thoughts(
    graph: Graph, examples: Sequence[Example], model: LanguageModel, key: Key
) -> tuple[list[Observation], Column]:
    """What a proposer sees of dln2's hidden texts, and their scores."""
    program = Program(graph, model)

    async def posterior(example: Example) -> list[tuple[float, str]]:
        forward = await program.run(example.inputs, key=key.below("forward", example.id))
        found = await infer(
            program,
            example,
            key=key.below("infer", example.id),
            settings=Inference(draws=3),
            forward=forward,
        )
        return [(row.weight, row.text) for row in found.rows if row.node == "thoughts"]

    rows = await concurrently(partial(posterior, example) for example in examples)

    async def column(prompt: str) -> list[float]:
        conditional = Program(graph.with_prompts({"thoughts": prompt}), model).conditionals[
            "thoughts"
        ]
        template = graph.structure.templates["thoughts"].bind(prompt)

        async def one(example: Example, weighted: list[tuple[float, str]]) -> float:
            context = template.render(example.inputs)
            values = await conditional.logprobs(context, [text for _, text in weighted])
            return sum(weight * value for (weight, _), value in zip(weighted, values, strict=True))

        return await concurrently(
            partial(one, example, weighted)
            for example, weighted in zip(examples, rows, strict=True)
        )

    shown = await _observed(graph, "thoughts", examples, model, key)
    best = [max(weighted)[1] for weighted in rows]
    targets = zip(shown, best, strict=True)
    return [Observation(item.context, item.output, text) for item, text in targets], column


async def _observed(
    graph: Graph, node: str, examples: Sequence[Example], model: LanguageModel, key: Key
) -> list[Observation]:
    program = Program(graph, model)
    template = graph.structure.templates[node].bind("")

    async def one(example: Example) -> Observation:
        trace = await program.run(example.inputs, key=key.below("seen", example.id), greedy=True)
        target = example.targets.get(node)
        return Observation(
            template.render(example.inputs),
            trace.values[node],
            None if target is None else str(target),
        )

    return await concurrently(partial(one, example) for example in examples)
