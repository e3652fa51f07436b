"""A run directory of `langnet fit`, as a report shows it: finished, interrupted or still going."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langnet.errors import GraphError
from langnet.report.page.network import network_of
from langnet.report.page.story import (
    Alternative,
    Candidate,
    Choice,
    Moment,
    Network,
    Run,
    Step,
    Story,
)
from langnet.trace import effective_sample_size

__all__ = ["read_run"]


def read_run(directory: Path) -> Run:
    """Everything that a run directory holds.

    Raises:
        GraphError: it holds no run, or a file in it cannot be read.
    """
    if not (directory / "run.json").is_file():
        raise GraphError(f"{directory} holds no run.json, so it is no run directory of a fit")
    try:
        return _run(directory)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise GraphError(f"{directory} cannot be read as a run: {error!r}") from error


def _run(directory: Path) -> Run:
    about = _read(directory / "run.json")
    state = _read(directory / "state.json", {})
    result = _read(directory / "result.json", {})
    graph = about["graph"]
    initial = {
        _prompt_name(node): _prompt_text(node)
        for node in graph["nodes"].values()
        if "{prompt}" in node["template"]
    }
    traces = {
        int(path.name[:4]): [*_lines(path)]
        for path in sorted((directory / "steps").glob("*.traces.jsonl"))
    }
    # The batch of a step that was interrupted is there, though nothing came of it.
    done = state.get("step", 0)
    traces = {number: rows for number, rows in traces.items() if number <= done}
    validated = {
        int(path.stem): [*_lines(path)]
        for path in sorted((directory / "validations").glob("*.jsonl"))
    }
    steps = tuple(
        _step(number, _read(path), traces.get(number, ()), directory)
        for path in sorted((directory / "steps").glob("*.json"))
        for number in [int(path.stem)]
        if number <= done
    )
    return Run(
        name=directory.resolve().name,
        network=Network(network_of(directory, about, result.get("network")), graph["target"]),
        metric=str(result.get("metric") or "metric"),
        facts=tuple(_facts(about, state, result)),
        test=result.get("test"),
        steps=steps,
        validations=tuple((item["step"], item["metric"]) for item in state.get("validations", ())),
        initial=initial,
        fitted=state.get("best") or initial,
        stories=tuple(_stories(directory, graph["outputs"][0], traces, validated)),
        credit=_read(directory / "credit.json", None),
        cost=_read(directory / "cost.json", None),
        settings=_settings(directory, about),
    )


def _facts(
    about: Mapping[str, Any], state: Mapping[str, Any], result: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name in ("network", "task", "objective"):
        if result.get(name):
            yield name, str(result[name])
    yield "seed", str(about["seed"])
    yield "steps", str(state.get("step", 0))
    if result.get("reason"):
        yield "ended", str(result["reason"])
    models = {*about["models"].values()}
    for name, model in about["models"].items():
        # The rest of an identity, such as digests, stands with the settings.
        yield ("model" if len(models) == 1 else f"model of {name}"), str(model).split(" ")[0]
        if len(models) == 1:
            break
    if about["proposer"] not in models:
        yield "proposer", str(about["proposer"]).split(" ")[0]


def _settings(directory: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: about[name] for name in ("method", "models", "proposer", "train", "dev")}
    manifest = _read(directory / "manifest.json", None)
    if isinstance(manifest, Mapping):
        for name in ("arguments", "versions", "conventions"):
            if name in manifest:
                found[f"manifest: {name}"] = manifest[name]
    return found


def _step(
    number: int, data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], directory: Path
) -> Step:
    figures = {"batch": data["metric"], "score": data["score"], "ess": _sample_size(data, rows)}
    bound = data.get("bound")
    if bound is not None:
        figures["iwae"] = bound["iwae"]["mean"]
        figures["elbo"] = None if bound["elbo"] is None else bound["elbo"]["mean"]
    cost = _read(directory / "costs" / f"{number:04d}.json", {})
    figures |= {name: cost.get(name) for name in _COSTS}
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


def _stories(
    directory: Path,
    output: str,
    traces: Mapping[int, Sequence[Mapping[str, Any]]],
    validated: Mapping[int, Sequence[Mapping[str, Any]]],
) -> Iterator[Story]:
    stories = {}
    for row in _lines(directory / "examples.jsonl"):
        inputs = {name: _flat(value) for name, value in row["inputs"].items()}
        stories[row["example"]] = Story(row["example"], row["part"], inputs, row["targets"])
    for number in sorted({*traces, *validated}):
        # A validation after so many steps comes after the batch of that step.
        for row in traces.get(number, ()):
            if row["example"] in stories:
                stories[row["example"]].moments.append(_moment(number, "batch", output, row))
        for row in validated.get(number, ()):
            if row["example"] in stories:
                stories[row["example"]].moments.append(_moment(number, "validation", output, row))
    yield from stories.values()


def _moment(number: int, kind: Any, output: str, row: Mapping[str, Any]) -> Moment:
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


_COSTS = ("prompt_tokens", "completion_tokens", "seconds")
_NEEDED: Any = object()


def _read(path: Path, default: Any = _NEEDED) -> Any:
    if default is not _NEEDED and not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"{path} cannot be read as JSON: {error}") from error


def _lines(path: Path) -> Iterator[Any]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise GraphError(f"{path}, line {number} cannot be read: {error}") from error
