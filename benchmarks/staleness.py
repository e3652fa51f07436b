"""Staleness against quality and wall time: a table and a plot of what `pipelining.py` measured.

    python benchmarks/pipelining.py --staleness 0,1,2,4 --seeds 0,1,2 --json > rows.json
    python benchmarks/staleness.py rows.json [--plot staleness.svg]

Each fit is compared with the one of staleness 0 that has the same seed; intervals are those of
Student's t over the seeds, at 95 %.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from langnet.metrics import Interval
from langnet.report.seeds import over_seeds

PREFIX = "staleness "


@dataclass(frozen=True, slots=True)
class Line:
    """What the fits with one staleness came to, over their seeds.

    Attributes:
        staleness: in steps.
        held_out: the metric of the best prompts on held-out examples.
        difference: the same, minus that of staleness 0 with the same seed.
        time: the median seconds of a step, as a share of those of staleness 0 with the same seed.
        whole: the same for the seconds of the whole fit.
        requests: that reached the server.
        share: of the draws that corrected weights are worth, where they were corrected.
    """

    staleness: int
    held_out: Interval
    difference: Interval
    time: Interval
    whole: Interval
    requests: Interval
    share: float | None


def lines(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """One line for each staleness, the least first.

    Args:
        rows: the fits of `pipelining.py --json`.
    """
    fits: dict[int, dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        if row["loop"].startswith(PREFIX):
            staleness = int(row["loop"].removeprefix(PREFIX))
            fits.setdefault(staleness, {})[row["seed"]] = row
    found = []
    for staleness, by_seed in sorted(fits.items()):
        pairs = [(row, fits[0][seed]) for seed, row in by_seed.items()]
        corrections = [step for row, _ in pairs for step in row["correction"]]
        found.append(
            Line(
                staleness,
                over_seeds([row["held_out"] for row, _ in pairs]),
                over_seeds([row["held_out"] - base["held_out"] for row, base in pairs]),
                over_seeds([row["step_seconds"] / base["step_seconds"] for row, base in pairs]),
                over_seeds([row["seconds"] / base["seconds"] for row, base in pairs]),
                over_seeds([float(row["requests"]) for row, _ in pairs]),
                fmean(step["effective_share"] for step in corrections) if corrections else None,
            )
        )
    return found


def table(found: Sequence[Line]) -> str:
    """The lines as Markdown."""
    rows = [
        "| staleness | held out | minus staleness 0 | time of a step | of the fit | requests |",
        "|---|---|---|---|---|---|",
    ]
    for line in found:
        cells = (
            str(line.staleness),
            _cell(line.held_out, "{:.3f}"),
            _cell(line.difference, "{:+.3f}").replace("-", "−"),
            _cell(line.time, "{:.2f}"),
            _cell(line.whole, "{:.2f}"),
            f"{line.requests.mean:,.0f}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def plot(found: Sequence[Line], path: Path) -> None:
    """Draws quality and wall time against staleness, with intervals."""
    import matplotlib as mpl  # noqa: PLC0415 - the table needs none of it
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    places = [line.staleness for line in found]
    _with_bars(left, places, [line.difference for line in found])
    left.axhline(0, color="grey", linewidth=0.8)
    left.set_ylabel("held-out accuracy, minus staleness 0")
    _with_bars(right, places, [line.time for line in found])
    right.set_ylabel("time of a step, share of staleness 0")
    right.set_ylim(0, 1.05)
    for axes in (left, right):
        axes.set_xlabel("staleness, in steps")
        axes.set_xticks(places)
        axes.grid(visible=True, alpha=0.3)
    # The same figures make the same file.
    with mpl.rc_context({"svg.hashsalt": "staleness", "svg.fonttype": "none"}):
        is_svg = path.suffix == ".svg"
        figure.savefig(path, metadata={"Date": None} if is_svg else None)


def _with_bars(axes: Any, places: Sequence[int], found: Sequence[Interval]) -> None:
    means = [each.mean for each in found]
    low = [each.mean - (each.mean if each.low is None else each.low) for each in found]
    high = [(each.mean if each.high is None else each.high) - each.mean for each in found]
    axes.errorbar(places, means, yerr=[low, high], marker="o", capsize=3)


def _cell(found: Interval, form: str) -> str:
    mean = form.format(found.mean)
    if found.low is None or found.high is None or found.low == found.high:
        return mean
    return f"{mean} ({form.format(found.low)} to {form.format(found.high)})"


def main() -> None:
    """Reads, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("rows", type=Path, help="what pipelining.py --json printed")
    parser.add_argument("--plot", type=Path, help="a file for the plot: .svg, .png or .pdf")
    arguments = parser.parse_args()
    document = json.loads(arguments.rows.read_text(encoding="utf-8"))
    found = lines(document["fits"])
    print(table(found))
    for line in found:
        if line.share is not None:
            print(f"staleness {line.staleness}: {line.share:.2f} of the draws after correction")
    if arguments.plot is not None:
        plot(found, arguments.plot)


if __name__ == "__main__":
    main()
