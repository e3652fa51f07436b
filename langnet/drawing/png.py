"""Graphs as PNG pictures: the same as the SVG on light ground, on machines without any fonts too.

Painted by matplotlib, which brings its own (DejaVu).
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from langnet.drawing.figure import CORNERS, PLATE_CORNER, Curve, Figure, Point, figure_of
from langnet.drawing.layout import Box
from langnet.drawing.words import printable
from langnet.errors import CapabilityError
from langnet.graph import Graph

__all__ = ["as_png"]

_LARGEST = 2**26
"""Pixels of a picture, at most; four bytes each while it is painted."""
_ARC = 4 * (math.sqrt(2) - 1) / 3
"""How far the controls of a cubic curve stand, in radii, that comes closest to a quarter circle."""
_GREY = "#8892a8"
_COLOURS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "input": ("#f4f5f7", _GREY),
        "trainable": ("#e4e7ff", "#5661d6"),
        "frozen": ("#eceef2", "#7a8194"),
        "function": ("#fff0d6", "#b97a10"),
    }
)
_TITLE = ("DejaVu Sans Mono", "bold", 13.0, "#1d2129")
_SUBTITLE = ("DejaVu Sans", "normal", 11.0, "#4a5163")
_LABEL = ("DejaVu Sans", "bold", 11.0, "#7a8194")
_OTHERS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Hiragino Sans", "Microsoft YaHei")
"""Fonts with signs that DejaVu lacks, taken where they are there."""


def as_png(graph: Graph, *, scale: float = 2.0) -> bytes:
    """The graph as a PNG file.

    Args:
        graph: the graph.
        scale: pixels for each pixel of the SVG, so that 1 has the size that `as_svg` gives, and 2
            looks sharp on most screens.

    Raises:
        CapabilityError: matplotlib is not installed.
        ValueError: the scale is not above 0, or makes a picture too large or without a pixel.
    """
    figure = figure_of(graph)
    width, height = figure.layout.width, figure.layout.height
    if not 0 < scale < math.inf:
        raise ValueError(f"the scale of a picture is a number above 0, not {scale}")
    if not 1 <= min(width, height) * scale <= width * height * scale * scale <= _LARGEST:
        raise ValueError(
            f"the picture would have {width * scale:,.0f} × {height * scale:,.0f} pixels; "
            f"another scale makes at least one each way, and {_LARGEST:,} at most"
        )
    outputs = frozenset(graph.outputs)
    try:
        return _Painter.of(figure, scale).painted(outputs)
    except ImportError as error:
        raise CapabilityError(
            'PNG pictures need matplotlib: pip install "langnet[plot]"; SVG needs nothing'
        ) from error


@dataclass(frozen=True, slots=True)
class _Painter:
    """Paints one figure.

    Attributes:
        figure: what to paint.
        canvas: matplotlib's figure, one point for each pixel of the SVG.
        at: matplotlib's transform from the figure's places, whose y grows downwards.
        families: of fonts that take the place of missing signs.
    """

    figure: Figure
    canvas: Any
    at: Any
    families: tuple[str, ...]

    @classmethod
    def of(cls, figure: Figure, scale: float) -> _Painter:
        from matplotlib import font_manager  # noqa: PLC0415 - optional
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure as Canvas  # noqa: PLC0415
        from matplotlib.transforms import Affine2D  # noqa: PLC0415

        # Without pyplot, which keeps figures in a global list. An inch has 72 points.
        width, height = figure.layout.width, figure.layout.height
        canvas = Canvas(figsize=(width / 72, height / 72), dpi=72 * scale, facecolor="white")
        FigureCanvasAgg(canvas)
        at = Affine2D().scale(1 / 72, -1 / 72).translate(0, height / 72) + canvas.dpi_scale_trans
        there = {font.name for font in font_manager.fontManager.ttflist}
        return cls(figure, canvas, at, tuple(name for name in _OTHERS if name in there))

    def painted(self, outputs: frozenset[str]) -> bytes:
        """The PNG file, with a thicker border around the outputs."""
        figure = self.figure
        for plate, box in figure.layout.plates.items():
            self._box(box, PLATE_CORNER, facecolor=_GREY + "1a", edgecolor=_GREY, linewidth=1.0)
            self._text(box.x + 10, box.y + 15, figure.labels[plate], _LABEL, ha="left")
        for curve in figure.curves:
            self._curve(curve)
        for name, box in figure.layout.parts.items():
            kind = figure.kinds[name]
            fill, line = _COLOURS[kind]
            self._box(
                box,
                CORNERS[kind],
                facecolor=fill,
                edgecolor=line,
                linewidth=2.6 if name in outputs else 1.4,
                linestyle=(0, (4, 3)) if kind == "frozen" else "solid",
            )
            above, below = figure.words[name]
            self._text(box.middle, box.y + 20, above, _TITLE, width=box.width)
            self._text(box.middle, box.y + 36, below, _SUBTITLE, width=box.width)
        file = io.BytesIO()
        self.canvas.savefig(file, format="png", dpi="figure", metadata={"Software": None})
        return file.getvalue()

    def _box(self, box: Box, corner: float, **looks: Any) -> None:
        from matplotlib.patches import PathPatch  # noqa: PLC0415
        from matplotlib.path import Path  # noqa: PLC0415

        places = _rounded(box, corner)
        codes = [Path.MOVETO, *[Path.CURVE4] * 3]
        codes += [Path.LINETO, *[Path.CURVE4] * 3] * 3 + [Path.CLOSEPOLY]
        path = Path([*places, places[0]], codes)
        self.canvas.add_artist(PathPatch(path, transform=self.at, **looks))

    def _curve(self, curve: Curve) -> None:
        from matplotlib.patches import PathPatch, Polygon  # noqa: PLC0415
        from matplotlib.path import Path  # noqa: PLC0415

        places, codes = [curve.start], [Path.MOVETO]
        for one, other, upper, lower in curve.segments():
            places += [one, other, upper, lower]
            codes += [Path.CURVE4] * 3 + [Path.LINETO]
        line = Path(places, codes)
        edge = PathPatch(line, fill=False, edgecolor=_GREY, linewidth=1.4, transform=self.at)
        edge.set_capstyle("butt")
        self.canvas.add_artist(edge)
        tip = Polygon(curve.arrow, facecolor=_GREY, edgecolor="none", transform=self.at)
        self.canvas.add_artist(tip)

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        font: tuple[str, str, float, str],
        *,
        ha: str = "center",
        width: float = math.inf,
    ) -> None:
        """Writes a line on its base line, smaller where it would not stay within a width."""
        family, weight, size, colour = font
        shown = self.canvas.text(
            x,
            y,
            printable(text),
            transform=self.at,
            family=[family, *self.families],
            weight=weight,
            size=size,
            color=colour,
            ha=ha,
            va="baseline",
            parse_math=False,
        )
        taken = shown.get_window_extent().width / self.canvas.dpi * 72
        room = width - 12
        if taken > room > 0:
            shown.set_size(size * room / taken)


def _rounded(box: Box, corner: float) -> list[Point]:
    """A rectangle's outline: where each corner begins, two controls, and where it ends."""
    radius = min(corner, box.width / 2, box.height / 2)
    near = radius * (1 - _ARC)
    right, bottom = box.x + box.width, box.y + box.height
    places = []
    for x, y, across, down in (
        (box.x, box.y, 1, 1),
        (right, box.y, -1, 1),
        (right, bottom, -1, -1),
        (box.x, bottom, 1, -1),
    ):
        upright = [Point(x, y + down * radius), Point(x, y + down * near)]
        level = [Point(x + across * near, y), Point(x + across * radius, y)]
        places += [*upright, *level] if across == down else [*level[::-1], *upright[::-1]]
    return places
