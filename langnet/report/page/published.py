"""Published runs of Deep Language Networks: a JSON file that holds several, by name.

Each has under "training" a list of {"step", "layers", "metrics", "candidates"}, the candidates of
each layer with their scores, the incumbent first; and under "examples" a list of
{"input", "label", "trace"}, a trace of {"step", "hiddens", "output"}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langnet.errors import DataError
from langnet.graph import Graph
from langnet.node import Input, Node
from langnet.report.page.story import Candidate, Choice, Moment, Network, Run, Step, Story

__all__ = ["read_published"]

_FIGURES = {"acc": "batch", "elbo": "score"}
"""What published code calls the ELBO is a length-normalised score, so it is shown as a score."""


def read_published(path: Path) -> list[Run]:
    """The runs of a file, in its order.

    Raises:
        DataError: the file cannot be read as published runs.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [_run(name, value) for name, value in data.items()]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read as published runs: {error!r}") from error


def _run(name: str, data: Mapping[str, Any]) -> Run:
    training = data["training"]
    names = _names(len(training[0]["layers"]))
    steps = tuple(_steps(names, training))
    validations = tuple(
        (entry["step"], entry["metrics"]["dev_acc"])
        for entry in training
        if entry["metrics"].get("dev_acc") is not None
    )
    prompts: dict[int, Mapping[str, str]]
    prompts = {training[0]["step"]: _by_name(names, training[0]["layers"])}
    prompts.update((step.number, step.prompts) for step in steps)
    best = max(validations, key=lambda found: found[1], default=(training[-1]["step"], 0.0))[0]
    return Run(
        name=name,
        network=Network(_graph(name, names, prompts[best]), names[-1]),
        metric="accuracy",
        facts=(("source", "published"), ("layers", str(len(names))), ("steps", str(len(steps)))),
        test=None,
        steps=steps,
        validations=validations,
        initial=prompts[training[0]["step"]],
        fitted=prompts[best],
        stories=tuple(
            _story(f"{name}:{number}", names, item) for number, item in enumerate(data["examples"])
        ),
        credit=None,
        cost=None,
        settings={},
    )


def _names(layers: int) -> tuple[str, ...]:
    """The layers from the input to the output."""
    hidden = ("hidden",) if layers == 2 else tuple(f"hidden_{n}" for n in range(1, layers))  # noqa: PLR2004
    return (*hidden, "output")


def _graph(name: str, names: Sequence[str], prompts: Mapping[str, str]) -> Graph:
    nodes = []
    read = "input"
    for node in names:
        nodes.append(Node(node, f"{{prompt}}\n\n{{{read}}}", prompts[node]))
        read = node
    return Graph(Input("input"), *nodes, name=name)


def _by_name(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    return dict(zip(names, values, strict=True))


def _steps(names: Sequence[str], training: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    for entry in training[1:]:
        figures = {
            ours: entry["metrics"][theirs]
            for theirs, ours in _FIGURES.items()
            if entry["metrics"].get(theirs) is not None
        }
        choices = tuple(
            _choice(name, found, taken)
            for name, taken, found in zip(names, entry["layers"], entry["candidates"], strict=False)
            if found  # one layer has an empty list beside its own
        )
        # A candidate is whole where the prompts on record are cut short.
        prompts = _by_name(names, entry["layers"])
        prompts |= {choice.prompt: choice.candidates[choice.chosen].text for choice in choices}
        yield Step(entry["step"], figures, {}, choices, prompts)


def _choice(name: str, found: Sequence[Mapping[str, Any]], taken: str) -> Choice:
    candidates = tuple(
        Candidate(item["layer"], "" if position else "incumbent", item["score"], None)
        for position, item in enumerate(found)
    )
    scores = [item["score"] for item in found]
    winner = max(range(len(scores)), key=scores.__getitem__)
    begun = [n for n, item in enumerate(found) if item["layer"].startswith(taken)]
    chosen = max(begun or range(len(scores)), key=scores.__getitem__)
    return Choice(name, candidates, chosen, winner, scores[winner] - scores[0], None)


def _story(number: str, names: Sequence[str], item: Mapping[str, Any]) -> Story:
    story = Story(number, "dev", {"input": item["input"]}, {names[-1]: item["label"]})
    for seen in item["trace"]:
        texts = _by_name(names, [*seen["hiddens"], seen["output"]])
        story.moments.append(Moment(seen["step"], "validation", None, texts, seen["output"]))
    return story
