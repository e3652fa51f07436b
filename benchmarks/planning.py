"""What a step of DLN-2 asks: planned, sent, and beside it what the published code would ask.

    python benchmarks/planning.py [--weights smollm2] [--examples 20] [--draws 5] [--candidates 20]
        [--variants default,unraced,unpruned] [--json]

The two-layer network of graphs/dln2.py takes one step on generated examples (subjectivity) with
the embedded model, nothing cached and nothing remembered, each variant on an engine of its own:

- default: as a fit takes it;
- unraced: without racing;
- unpruned: without racing, and every draw scored, whatever its weight, and none but the draws. It
  asks the published questions; what it saves, it saves by how it asks them.

Planned calls are those of `langnet.vi.plan`, before anything is sent. What the published code would
prefill is counted in the model's own tokens from the texts of that very step: its contexts, draws,
proposals and candidates (see published.py). The candidates are counted with the current prompt, as
the published code does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from planning_table import Outcome, show
from published import costs, formula, requests
from recording import Embedded, Recording

from langnet import Example, Graph, Inference, Key, Method, tasks
from langnet.cli.network import load_network
from langnet.lm.local import LocalModel
from langnet.metrics import exact
from langnet.vi.context import Context
from langnet.vi.plan import plan
from langnet.vi.step import improve, observe

GRAPH = Path(__file__).parent.parent / "graphs" / "dln2.py"
TASK = "subjectivity"
VARIANTS = ("default", "unraced", "unpruned")


Load = Callable[[], Awaitable[AbstractAsyncContextManager[Embedded]]]


def varied(method: Method, variant: str) -> Method:
    """The method of a variant."""
    if variant == "default":
        return method
    inference = method.inference
    if variant == "unpruned":
        inference = replace(inference, min_weight=0.0, include_forward=False)
    return replace(method, racing=None, inference=inference)


async def step(
    variant: str,
    graph: Graph,
    batch: Sequence[Example],
    pool: Sequence[Example],
    method: Method,
    load: Load,
) -> Outcome:
    """Plans a step, takes it on a model of its own, and counts both ways."""
    method = varied(method, variant)
    async with await load() as model:
        context = Context(
            models=model,
            proposer=model,
            metric=exact,
            method=method,
            key=Key(("planning",)),
            pool=pool,
        )
        planned = await plan(graph, batch, context)
        ledger = Recording(model)
        began = time.perf_counter()
        looked = await observe(graph, batch, context, ledger=ledger)
        result = await improve(graph, batch, context, looked=looked)
        seconds = time.perf_counter() - began
        texts = {
            choice.prompt: [candidate.text for candidate in choice.candidates]
            for choice in result.selections
        }
        asked = requests(
            graph,
            looked,
            draws=method.inference.draws,
            drawn=ledger.contexts("infer"),
            proposed=ledger.contexts("propose"),
            candidates=texts,
        )
        more = dict.fromkeys(("sample", "score", "choose"), 0)
        for question in ledger.questions:
            more[question.kind] += question.texts - 1
        return Outcome(
            variant,
            planned,
            planned.account(result.calls),
            result.calls.repeated,
            more["sample"] + more["score"],
            more["choose"],
            {name: len(found) for name, found in texts.items()},
            ledger.work(),
            costs(asked, model.count_tokens),
            seconds,
        )


async def measure(arguments: argparse.Namespace, load: Load) -> list[Outcome]:
    """A step of each variant that is asked for."""
    task = tasks.get(TASK)
    graph = load_network(str(GRAPH)).graph(task)
    examples = task.generate(3 * arguments.examples, seed=0, node=graph.target)
    method = Method(
        batch_size=arguments.examples,
        candidates=arguments.candidates - 1,  # the current prompt is one more
        inference=Inference(draws=arguments.draws),
        memory=0,
    )
    outcomes = []
    batch = examples[: arguments.examples]
    for variant in arguments.variants:
        outcomes.append(await step(variant, graph, batch, examples, method, load))
        print(f"{variant}: {outcomes[-1].seconds:.0f} s", file=sys.stderr)
    return outcomes


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--weights", default="smollm2", help="a name in the catalogue or a file")
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=20, help="with the current prompt")
    parser.add_argument("--variants", type=_variants, default=VARIANTS, help=",".join(VARIANTS))
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    arguments = parser.parse_args()
    outcomes = asyncio.run(measure(arguments, lambda: LocalModel.load(arguments.weights)))
    published = formula(arguments.examples, arguments.draws, arguments.candidates)
    if arguments.json:
        found = {"formula": published, "steps": [outcome.to_json() for outcome in outcomes]}
        print(json.dumps(found, indent=2))
    else:
        show(outcomes, published)


def _variants(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in VARIANTS]:
        raise argparse.ArgumentTypeError(
            f"there is no variant {unknown[0]!r}; use some of {', '.join(VARIANTS)}"
        )
    return names


if __name__ == "__main__":
    main()
