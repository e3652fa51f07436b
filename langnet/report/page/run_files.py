"""The files of a run directory one by one, as a report shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from langnet.errors import GraphError
from langnet.report.page.story import Alternative, Candidate, Choice, Moment, Step, Story
from langnet.trace import effective_sample_size

__all__ = [
    "initial_prompts",
    "read_example",
    "read_json",
    "read_lines",
    "read_moment",
    "read_step",
]

_COSTS = ("prompt_tokens", "completion_tokens", "seconds")
_NEEDED: Any = object()


def initial_prompts(about: Mapping[str, Any]) -> dict[str, str]:
    """The prompts that a fit began with, by what run.json says."""
    return {
        _prompt_name(node): _prompt_text(node)
        for node in about["graph"]["nodes"].values()
        if "{prompt}" in node["template"]
    }


def read_step(
    number: int,
    data: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    cost: Mapping[str, Any],
) -> Step:
    """One step.

    Args:
        number: which one, from 1.
        data: its file.
        rows: its batch as it was seen, where that was kept.
        cost: its file of costs; empty where there is none.
    """
    figures = {"batch": data["metric"], "score": data["score"], "ess": _sample_size(data, rows)}
    bound = data.get("bound")
    if bound is not None:
        figures["iwae"] = bound["iwae"]["mean"]
        figures["elbo"] = None if bound["elbo"] is None else bound["elbo"]["mean"]
    figures |= {name: cost.get(name) for name in _COSTS}
    # Where a part has no known price, neither has the whole.
    figures["money"] = None if cost.get("unpriced_tokens") else cost.get("known_cost")
    return Step(
        number,
        {name: value for name, value in figures.items() if value is not None},
        data["calls"]["sent"],
        tuple(_choice(item) for item in data["selections"]),
        data["prompts"],
        tuple((item["example"], item["error"]) for item in data["failures"]),
    )


def _sample_size(data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> float | None:
    """How many draws the weighted ones are worth, on average: particles, or of a hidden text."""
    if data.get("bound") is not None:
        return float(data["bound"]["effective_sample_size"]["mean"])
    sizes = [
        effective_sample_size(found["weights"])
        for row in rows
        for found in row.get("alternatives", ())
    ]
    return sum(sizes) / len(sizes) if sizes else None


def _choice(data: Mapping[str, Any]) -> Choice:
    return Choice(
        data["prompt"],
        tuple(
            Candidate(item["text"], item["origin"], item["score"], item["examples"])
            for item in data["candidates"]
        ),
        data["chosen"],
        data["winner"],
        data["gain"],
        data["standard_error"],
        data["dropped"],
    )


def read_example(row: Mapping[str, Any]) -> Story:
    """One example that has not been seen yet, of a line of examples.jsonl."""
    inputs = {name: _flat(value) for name, value in row["inputs"].items()}
    return Story(row["example"], row["part"], inputs, row["targets"])


def read_moment(
    number: int, kind: Literal["batch", "validation"], output: str, row: Mapping[str, Any]
) -> Moment:
    """One example as it was seen once.

    Args:
        number: the step, or how many were done.
        kind: where it was seen.
        output: the network's first output.
        row: a line of what a fit saw; see `langnet.record`.
    """
    texts = {name: _flat(value) for name, value in row.get("texts", {}).items()}
    return Moment(
        number,
        kind,
        row.get("value"),
        texts,
        texts.get(output),
        row.get("feedback", ""),
        tuple(_alternatives(row)),
        row.get("error", ""),
    )


def _alternatives(row: Mapping[str, Any]) -> Iterator[Alternative]:
    for found in row.get("alternatives", ()):
        place = "".join(f"[{number}]" for number in found["index"])
        sources = found["sources"] or [""] * len(found["texts"])
        for text, weight, source in zip(found["texts"], found["weights"], sources, strict=True):
            yield Alternative(found["node"] + place, text, weight, source)
    for number, found in enumerate(row.get("particles", ()), start=1):
        for name, text in found["texts"].items():
            source = f"particle {number}, {found['sources'][name]}"
            yield Alternative(name, _flat(text), found["weight"], source)


def _flat(value: Any) -> str:
    """The elements of plates one below the other, each with its place."""
    if not isinstance(value, list):
        return "" if value is None else str(value)
    return "\n".join(f"[{number}] {_flat(element)}" for number, element in enumerate(value))


def _prompt_name(node: Mapping[str, Any]) -> str:
    prompt = node["prompt"]
    return str(prompt["name"] if isinstance(prompt, Mapping) else node["name"])


def _prompt_text(node: Mapping[str, Any]) -> str:
    prompt = node["prompt"]
    return str(prompt["text"] if isinstance(prompt, Mapping) else prompt)


def read_json(path: Path, default: Any = _NEEDED) -> Any:
    """The JSON in a file.

    Args:
        path: the file.
        default: what there is where there is no file.

    Raises:
        GraphError: the file cannot be read.
    """
    if default is not _NEEDED and not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"{path} cannot be read as JSON: {error}") from error


def read_lines(path: Path) -> Iterator[Any]:
    """The JSON in each line of a file; none where there is no file.

    Raises:
        GraphError: a line cannot be read.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise GraphError(f"{path}, line {number} cannot be read: {error}") from error
