"""Plots of what was measured, by matplotlib (`pip install "langnet[plot]"`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from langnet.errors import CapabilityError
from langnet.sweep import Point

__all__ = ["plot_points"]

_FORMATS = {".svg", ".png", ".pdf"}


def plot_points(points: Sequence[Point], path: str | Path, *, metric: str) -> None:
    """Draws the metric of each point against its tokens per example, with intervals.

    Without points it only checks whether it could.

    Raises:
        CapabilityError: matplotlib is not installed, or the file's ending is none that it draws.
    """
    if Path(path).suffix.lower() not in _FORMATS:
        raise CapabilityError(f"{path}: a plot ends in {', '.join(sorted(_FORMATS))}")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - optional
        from matplotlib.figure import Figure  # noqa: PLC0415
        from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter  # noqa: PLC0415
    except ImportError as error:
        raise CapabilityError('plots need matplotlib: pip install "langnet[plot]"') from error
    if not points:
        return
    # Without pyplot, which keeps figures in a global list.
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    names = list(points[0].settings)
    *_, along = names
    series: dict[tuple[str, ...], list[Point]] = {}
    for point in points:
        key = tuple(f"{name}={point.settings[name]}" for name in names if name != along)
        series.setdefault(key, []).append(point)
    for key, members in series.items():
        ordered = sorted(members, key=lambda point: point.tokens)
        means = [point.metric.mean for point in ordered]
        axes.errorbar(
            [point.tokens for point in ordered],
            means,
            yerr=[
                [m - (p.metric.low or m) for m, p in zip(means, ordered, strict=True)],
                [(p.metric.high or m) - m for m, p in zip(means, ordered, strict=True)],
            ],
            marker="o",
            capsize=2,
            label=", ".join(key) or None,
        )
        for point, mean in zip(ordered, means, strict=True):
            axes.annotate(
                f"{along}={point.settings[along]}",
                (point.tokens, mean),
                textcoords="offset points",
                xytext=(4, 4),
                fontsize="x-small",
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("tokens per example")
    axes.set_ylabel(metric)
    axes.grid(visible=True, alpha=0.3)
    if len(series) > 1:
        axes.legend(fontsize="small")
    figure.savefig(path)
