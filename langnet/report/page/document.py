"""The data of a report's page: a small index that is read at once, and blocks that are not.

What is shown only on demand (candidates in full, texts of examples) goes into blocks of compressed
JSON, which the page unpacks one by one as they are asked for.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langnet.report.page.story import Choice, Moment, Run, Story

__all__ = [
    "Blocks",
    "candidates_data",
    "choice_data",
    "example_data",
    "inert_json",
    "json_number",
    "run_document",
    "seen_data",
    "story_data",
]

_BLOCK = 200_000
"""Characters of JSON above which a block is closed: some milliseconds of unpacking."""
_PREVIEW = 90
"""Characters that the list of examples shows of each, and of its answers."""


class Blocks:
    """Compressed pieces of JSON by number, as base64."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, data: Any) -> int:
        """Keeps a piece and gives its number."""
        # No time in it: the same run gives the same page.
        packed = gzip.compress(json.dumps(data, separators=(",", ":")).encode(), 9, mtime=0)
        self.texts.append(base64.b64encode(packed).decode())
        return len(self.texts) - 1


def inert_json(data: Any) -> str:
    """JSON that cannot end the element that it stands in: plain ASCII without markup."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def run_document(run: Run, blocks: Blocks) -> dict[str, Any]:
    """The index of one run; what is shown on demand goes into blocks."""
    answers = _Numbered()
    names = sorted({name for step in run.steps for name in step.figures})
    phases = dict.fromkeys(name for step in run.steps for name in step.calls)
    return {
        "name": run.name,
        "metric": run.metric,
        "target": run.network.target,
        "steps": [step.number for step in run.steps],
        "figures": {
            name: [json_number(step.figures.get(name)) for step in run.steps] for name in names
        },
        "calls": {name: [step.calls.get(name, 0) for step in run.steps] for name in phases},
        "validations": [[step, json_number(value)] for step, value in run.validations],
        "prompts": [_prompt(run, name, blocks) for name in run.initial],
        "failures": [[step.number, *failure] for step in run.steps for failure in step.failures],
        "examples": [*_examples(run.stories, run.network.target, answers, blocks)],
        "answers": answers.texts,
    }


class _Numbered:
    """Texts by number, each once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        return [*self._numbers]

    def of(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))


def _prompt(run: Run, name: str, blocks: Blocks) -> dict[str, Any]:
    choices = [
        (step, choice) for step in run.steps for choice in step.choices if choice.prompt == name
    ]
    return {
        "name": name,
        "initial": run.initial[name],
        "fitted": run.fitted[name],
        "choices": [choice_data(step.number, choice) for step, choice in choices],
        "block": blocks.add([candidates_data(choice) for _, choice in choices]),
    }


def choice_data(step: int, choice: Choice) -> dict[str, Any]:
    """How a step chose a prompt, without the candidates' texts."""
    return {
        "step": step,
        "kept": choice.candidates[choice.chosen].text == choice.candidates[0].text,
        "origin": choice.candidates[choice.chosen].origin,
        "gain": json_number(choice.gain),
        "error": json_number(choice.standard_error),
        "count": len(choice.candidates),
        "chosen": choice.chosen,
        "winner": choice.winner,
        "dropped": dict(choice.dropped),
    }


def candidates_data(choice: Choice) -> list[list[Any]]:
    """The candidates of a choice: text, origin, score, examples."""
    return [
        [item.text, item.origin, json_number(item.score), item.examples]
        for item in choice.candidates
    ]


def _examples(
    stories: Sequence[Story], target: str, answers: _Numbered, blocks: Blocks
) -> Iterator[dict[str, Any]]:
    """The list of examples; their stories go into blocks, in its order."""
    shown = [story for story in stories if story.moments]
    pending: list[dict[str, Any]] = []
    size = 0
    for number, story in enumerate(shown):
        told = story_data(story)
        pending.append(told)
        size += sum(map(len, told["texts"]))
        place = len(pending) - 1
        block = len(blocks.texts)
        if size > _BLOCK or number == len(shown) - 1:
            blocks.add(pending)
            pending, size = [], 0
        yield {
            **example_data(story, target),
            "block": [block, place],
            "seen": [_glance(moment, answers) for moment in story.moments],
        }


def example_data(story: Story, target: str) -> dict[str, Any]:
    """What the list of examples shows of one besides when it was seen."""
    return {
        "id": story.id,
        "part": story.part,
        "preview": " ".join(" · ".join(story.inputs.values()).split())[:_PREVIEW],
        "target": story.targets.get(target),
    }


def seen_data(moment: Moment) -> list[Any]:
    """One moment in the index: step, whether it was a validation, value, answer."""
    answer = None if moment.answer is None else moment.answer[:_PREVIEW]
    value = _short(json_number(moment.value))
    return [moment.step, int(moment.kind == "validation"), value, answer]


def _glance(moment: Moment, answers: _Numbered) -> list[Any]:
    """One moment in the index, its answer by number."""
    *others, answer = seen_data(moment)
    return [*others, None if answer is None else answers.of(answer)]


def story_data(story: Story) -> dict[str, Any]:
    """One example in full, every text of it once."""
    texts = _Numbered()
    moments = [
        {
            "texts": {name: texts.of(text) for name, text in moment.texts.items()},
            **({"feedback": moment.feedback} if moment.feedback else {}),
            **({"error": moment.error} if moment.error else {}),
            **(
                {
                    "alternatives": [
                        [item.node, texts.of(item.text), item.weight, item.source]
                        for item in moment.alternatives
                    ]
                }
                if moment.alternatives
                else {}
            ),
        }
        for moment in story.moments
    ]
    return {
        "inputs": dict(story.inputs),
        "targets": dict(story.targets),
        "moments": moments,
        "texts": texts.texts,
    }


def json_number(value: float | None) -> float | str | None:
    """A number as JSON can hold it: infinities as text, and what is none as nothing."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    return float(f"{value:.6g}")


def _short(value: float | str | None) -> Any:
    """1 in place of 1.0: a digit each, many times over."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def interval_scale(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Ends of a scale that holds every interval."""
    ends = [value for row in rows for value in (row["low"], row["high"], row["mean"])]
    known = [float(value) for value in ends if value is not None]
    return min([0.0, *known]), max([*known, min([0.0, *known]) + 1e-9])
