"""A run directory of `langnet fit`, as a report shows it: finished, interrupted or still going."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from langnet.errors import GraphError
from langnet.report.page.network import network_of
from langnet.report.page.run_files import (
    initial_prompts,
    read_example,
    read_json,
    read_lines,
    read_moment,
    read_step,
)
from langnet.report.page.story import Network, Run, Story

__all__ = ["read_outline", "read_run"]


def read_run(directory: Path) -> Run:
    """Everything that a run directory holds.

    Raises:
        GraphError: it holds no run, or a file in it cannot be read.
    """
    outline = read_outline(directory)
    with _readable(directory):
        return _whole(directory, outline)


def read_outline(directory: Path) -> Run:
    """What a run directory says of its run, without the steps and the examples.

    Raises:
        GraphError: it holds no run, or a file in it cannot be read.
    """
    if not (directory / "run.json").is_file():
        raise GraphError(f"{directory} holds no run.json, so it is no run directory of a fit")
    with _readable(directory):
        return _outline(directory)


@contextmanager
def _readable(directory: Path) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise GraphError(f"{directory} cannot be read as a run: {error!r}") from error


def _outline(directory: Path) -> Run:
    about = read_json(directory / "run.json")
    state = read_json(directory / "state.json", {})
    result = read_json(directory / "result.json", {})
    initial = initial_prompts(about)
    target = about["graph"]["target"]
    return Run(
        name=directory.resolve().name,
        network=Network(network_of(directory, about, result.get("network")), target),
        metric=str(result.get("metric") or "metric"),
        facts=tuple(_facts(about, state, result)),
        test=result.get("test"),
        steps=(),
        validations=tuple((item["step"], item["metric"]) for item in state.get("validations", ())),
        initial=initial,
        fitted=state.get("best") or initial,
        stories=(),
        credit=read_json(directory / "credit.json", None),
        cost=read_json(directory / "cost.json", None),
        settings=_settings(directory, about),
    )


def _whole(directory: Path, outline: Run) -> Run:
    # The batch of a step that was interrupted is there, though nothing came of it.
    done = read_json(directory / "state.json", {}).get("step", 0)
    traces = {
        number: [*read_lines(path)]
        for path in sorted((directory / "steps").glob("*.traces.jsonl"))
        if (number := int(path.name[:4])) <= done
    }
    validated = {
        int(path.stem): [*read_lines(path)]
        for path in sorted((directory / "validations").glob("*.jsonl"))
    }
    steps = tuple(
        read_step(
            number,
            read_json(path),
            traces.get(number, ()),
            read_json(directory / "costs" / f"{number:04d}.json", {}),
        )
        for path in sorted((directory / "steps").glob("*.json"))
        if (number := int(path.stem)) <= done
    )
    output = read_json(directory / "run.json")["graph"]["outputs"][0]
    stories = tuple(_stories(directory, output, traces, validated))
    return replace(outline, steps=steps, stories=stories)


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
    manifest = read_json(directory / "manifest.json", None)
    if isinstance(manifest, Mapping):
        for name in ("arguments", "versions", "conventions"):
            if name in manifest:
                found[f"manifest: {name}"] = manifest[name]
    return found


def _stories(
    directory: Path,
    output: str,
    traces: Mapping[int, Sequence[Mapping[str, Any]]],
    validated: Mapping[int, Sequence[Mapping[str, Any]]],
) -> Iterator[Story]:
    stories = {}
    for row in read_lines(directory / "examples.jsonl"):
        stories[row["example"]] = read_example(row)
    for number in sorted({*traces, *validated}):
        # A validation after so many steps comes after the batch of that step.
        for row in traces.get(number, ()):
            if row["example"] in stories:
                stories[row["example"]].moments.append(read_moment(number, "batch", output, row))
        for row in validated.get(number, ()):
            if row["example"] in stories:
                stories[row["example"]].moments.append(
                    read_moment(number, "validation", output, row)
                )
    yield from stories.values()
