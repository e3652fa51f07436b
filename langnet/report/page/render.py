"""The page itself: one HTML file that needs nothing else and lets nothing else in.

A policy in the page allows its own script, by digest, and no other: no request leaves it, and no
markup in a text that a model wrote can do anything, even if it were not escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langnet.drawing import as_svg
from langnet.errors import GraphError
from langnet.report.page.document import Blocks, inert_json, interval_scale, run_document
from langnet.report.page.sources import PACKAGE, asset, digest, environment, report_script
from langnet.report.page.story import Run
from langnet.report.words import amount, counted, duration, quantity

__all__ = ["render", "run_item"]


def render(runs: Sequence[Run], *, title: str) -> str:
    """The page of one run, or of several to compare.

    Args:
        runs: what to show, at least one.
        title: of the page.
    """
    from markupsafe import Markup  # noqa: PLC0415

    blocks = Blocks()
    script = report_script()
    return (
        environment(PACKAGE)
        .get_template("page.html")
        .render(
            title=title,
            digest=digest(script),
            script=Markup(script),  # noqa: S704 - the package's own
            style=Markup(asset(PACKAGE, "style.css")),  # noqa: S704 - the package's own
            data=Markup(inert_json([run_document(run, blocks) for run in runs])),  # noqa: S704 - inert
            blocks=blocks.texts,
            runs=[run_item(run) for run in runs],
            comparison=_comparison(runs) if len(runs) > 1 else None,
        )
    )


def run_item(run: Run) -> dict[str, Any]:
    """What the template `article` needs of a run.

    Raises:
        GraphError: what was read of the run is not what it should be.
    """
    from markupsafe import Markup  # noqa: PLC0415

    graph = run.network.graph
    try:
        return {
            "run": run,
            "svg": None if graph is None else Markup(as_svg(graph)),  # noqa: S704 - escaped by the drawing
            "results": [*_results(run)],
            "verdict": _verdict(run),
            "cost": _cost(run.cost),
            "credit": _credit(run.credit),
            "settings": [*_settings(run.settings)],
        }
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise GraphError(f"the run {run.name} cannot be shown: {error!r}") from error


def _results(run: Run) -> Iterator[dict[str, Any]]:
    """The rows of the comparison on held-out examples, drawn on one scale."""
    test = run.test
    if test is None:
        return
    rows = [("initial", test["initial"], test["gain"])]
    rows += [
        (name, found, found["fitted minus this"])
        for name, found in test.get("baselines", {}).items()
    ]
    rows.append(("fitted", test["fitted"], None))
    scale = interval_scale([found for _, found, _ in rows])
    for name, found, gain in rows:
        yield {
            "name": name,
            "value": _measured(found),
            "bar": _bar(found, scale),
            "gain": "" if gain is None else _measured(gain),
        }


def _comparison(runs: Sequence[Run]) -> list[dict[str, Any]]:
    fitted = [run.test["fitted"] for run in runs if run.test is not None]
    gains = [run.test["gain"] for run in runs if run.test is not None]
    scale, gain_scale = interval_scale(fitted), interval_scale(gains)
    rows = []
    for run in runs:
        test = run.test
        values = [value for _, value in run.validations]
        rows.append(
            {
                "name": run.name,
                "steps": len(run.steps),
                "best": amount(max(values)) if values else "–",
                "initial": "–" if test is None else _measured(test["initial"]),
                "fitted": "–" if test is None else _measured(test["fitted"]),
                "bar": None if test is None else _bar(test["fitted"], scale),
                "gain": "–" if test is None else _measured(test["gain"]),
                "gain_bar": None if test is None else _bar(test["gain"], gain_scale),
                "calls": "–" if run.cost is None else quantity(run.cost["calls"]),
            }
        )
    return rows


def _bar(found: Mapping[str, Any], scale: tuple[float, float]) -> dict[str, float]:
    """Where an interval stands on a scale, in per cent; the zero of the scale, too."""
    low, high = scale

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    mean = found["mean"]
    start = mean if found["low"] is None else found["low"]
    end = mean if found["high"] is None else found["high"]
    return {
        "start": place(start),
        "width": round(place(end) - place(start), 2),
        "mean": place(mean),
        "zero": place(0.0),
    }


def _measured(found: Mapping[str, Any]) -> str:
    if found["low"] is None or found["high"] is None:
        return amount(found["mean"])
    return f"{amount(found['mean'])} ({amount(found['low'])} to {amount(found['high'])})"


def _verdict(run: Run) -> str:
    """What came of it, in a sentence."""
    if run.test is None:
        values = [value for _, value in run.validations]
        if not values:
            return "Nothing has been validated yet."
        metric = "metric" if run.metric == "metric" else f"metric ({run.metric})"
        return (
            f"On validation examples the {metric} went from {amount(values[0])} to "
            f"{amount(max(values))} at best. There is no comparison on held-out examples."
        )
    gain, n = run.test["gain"], counted(len(run.test["examples"]), "held-out example")
    said = f"On {n} the gain is {_measured(gain)}"
    if gain["low"] is None:
        return f"{said}."
    if gain["low"] > 0:
        return f"{said}: a gain, since its {gain['confidence']:.0%} interval lies above zero."
    if gain["high"] < 0:
        return f"{said}: the fit made the network worse."
    return f"{said}: no clear gain, since its {gain['confidence']:.0%} interval holds zero."


def _cost(cost: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if cost is None:
        return []
    return [
        ("calls", f"{cost['calls']:,}"),
        ("prompt tokens", quantity(cost["prompt_tokens"])),
        ("drawn tokens", quantity(cost["completion_tokens"])),
        ("from the cache", f"{cost['hits']:,}"),
        ("time", duration(cost["seconds"])),
    ]


def _credit(credit: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if credit is None:
        return []
    kinds = ("swap_back", "leave_in", "shapley")
    known = [share[kind] for share in credit["shares"] for kind in kinds if share[kind] is not None]
    scale = interval_scale(known)
    return [
        {
            "prompt": share["prompt"],
            "cells": [
                None
                if share[kind] is None
                else {"value": _measured(share[kind]), "bar": _bar(share[kind], scale)}
                for kind in kinds
            ],
        }
        for share in credit["shares"]
    ]


def _settings(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Settings as a flat list: nested names joined by dots."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _settings(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield f"{before}{name}", ", ".join(map(str, value))
        else:
            yield f"{before}{name}", "none" if value is None else str(value)
