"""What the embedded model computes in a second: labels of many inputs, and texts.

    python benchmarks/local_model.py [--weights smollm2] [--instructions 12] [--inputs 40] [--json]

Two workloads of a fit: every instruction's labels for every input (as when candidate prompts are
compared), and some texts for every input under one instruction (as when hidden texts are drawn).
Seconds of the processor hold on a busy machine, too, with `--threads 1` the most; seconds of the
wall do only on an idle one.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import random
import time
from functools import partial
from typing import TYPE_CHECKING

from langnet.concurrency import concurrently
from langnet.key import Key
from langnet.lm.base import Choice, Decoding
from langnet.lm.local import LocalModel, Work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

DECODING = Decoding(max_tokens=12, temperature=1.0)
WORDS = """
the a film story young man woman who finds her his way with little wit and some charm but it never
quite becomes more than pleasant while an old friend returns to town for money love or revenge in
this slow yet moving portrait of family life by first time director
""".split()  # noqa: SIM905 - a list of fifty words reads worse
OPENINGS = (
    "Read the following sentence, then choose whether it is subjective or objective.",
    "Decide if the sentence below tells an opinion or states a fact.",
    "A sentence about a film either gives somebody's view of it or tells what happens in it.",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """What some requests cost.

    Attributes:
        units: calls, or drawn tokens.
        seconds: of the wall.
        processor_seconds: of all threads together.
        work: what the engine computed.
    """

    units: int
    seconds: float
    processor_seconds: float
    work: Work

    def figures(self) -> dict[str, float]:
        """All that is printed."""
        share = self.work.prefilled_share
        return {
            "seconds": round(self.seconds, 3),
            "processor_seconds": round(self.processor_seconds, 3),
            "units": self.units,
            "units_per_second": round(self.units / self.seconds, 2),
            "units_per_processor_second": round(self.units / self.processor_seconds, 2),
            **({} if share is None else {"prefilled_share": round(share, 4)}),
            **dataclasses.asdict(self.work),
        }


def sentence(generator: random.Random, words: int) -> str:
    """Words in no order: to the engine any text costs the same."""
    return " ".join(generator.choice(WORDS) for _ in range(words)).capitalize() + "."


def context(instruction: str, text: str) -> str:
    """A prompt for the model."""
    return f"{instruction}\n\n{text}\n\nAnswer:"


async def measured(
    model: LocalModel, calls: Iterable[Callable[[], Awaitable[object]]], units: int | None
) -> Cost:
    """Makes calls together and says what they cost; the units are drawn tokens where None."""
    before, wall, processor = model.work, time.perf_counter(), time.process_time()
    await concurrently(calls)
    seconds, used = time.perf_counter() - wall, time.process_time() - processor
    work = model.work - before
    return Cost(
        units=work.drawn_tokens if units is None else units,
        seconds=seconds,
        processor_seconds=used,
        work=work,
    )


async def run(arguments: argparse.Namespace) -> dict[str, Cost]:
    """Both workloads, on a model that is loaded for them."""
    generator = random.Random(0)
    inputs = [sentence(generator, 22) for _ in range(arguments.inputs)]
    instructions = [
        f"{OPENINGS[index % len(OPENINGS)]} {sentence(generator, 16)}"
        for index in range(arguments.instructions)
    ]
    choices = [Choice(label) for label in arguments.labels.split(",")]
    prompts = [context(instruction, text) for instruction in instructions for text in inputs]
    async with await LocalModel.load(arguments.weights, threads=arguments.threads) as model:
        await model.choose("Warm up:", choices)
        labels = await measured(
            model, [partial(model.choose, prompt, choices) for prompt in prompts], len(prompts)
        )
        texts = await measured(
            model,
            [
                partial(
                    model.sample,
                    context("Say in a few words what the sentence is about.", text),
                    decoding=DECODING,
                    keys=[Key(("draw", index, draw)) for draw in range(arguments.draws)],
                )
                for index, text in enumerate(inputs)
            ],
            None,
        )
    return {"labels, calls": labels, "texts, drawn tokens": texts}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Measure the embedded model.")
    parser.add_argument("--weights", default="smollm2", help="a name in the catalogue or a file")
    parser.add_argument("--instructions", type=int, default=12)
    parser.add_argument("--inputs", type=int, default=40)
    parser.add_argument("--draws", type=int, default=5, help="texts for each input")
    parser.add_argument("--labels", default="subjective,objective")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    found = {name: cost.figures() for name, cost in asyncio.run(run(arguments)).items()}
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(name)
        for key, value in figures.items():
            print(f"  {key:28}{value:>12}")


if __name__ == "__main__":
    main()
