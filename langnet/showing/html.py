"""Views as HTML: nothing but text, tables and one drawing, with the colours of the page around.

There are no scripts, no ids and nothing from elsewhere. All texts are escaped; what they hold is
never markup.
"""

from __future__ import annotations

from collections.abc import Iterable

from langnet.drawing.words import escaped
from langnet.report.words import amount
from langnet.showing.blocks import Block, Cell, Changed, Curve, Line, Long, Table, Title

__all__ = ["html_of"]

_STYLE = """\
.langnet-view { font: 13px system-ui, sans-serif; color: inherit; overflow-x: auto; }
.langnet-view table { border-collapse: collapse; margin: 0.5em 0; border: 0; }
.langnet-view table { font: inherit; color: inherit; }
.langnet-view th, .langnet-view td { text-align: left; vertical-align: top; border: 0; }
.langnet-view th, .langnet-view td { padding: 3px 14px 3px 0; color: inherit; }
.langnet-view th { font-weight: 600; }
.langnet-view tr { background: none; border-top: 1px solid #8892a855; }
.langnet-view .number { text-align: right; font-variant-numeric: tabular-nums; }
.langnet-view .title { font-weight: 600; }
.langnet-view .warns { border-left: 3px solid #c9861a; padding-left: 8px; }
.langnet-view pre { margin: 0; padding: 0; background: none; color: inherit; font-size: 12px; }
.langnet-view pre { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 70ch; }
.langnet-view pre { max-height: 24em; overflow-y: auto; }
.langnet-view summary { opacity: 0.7; cursor: pointer; }
.langnet-view del { background: #d1242f38; color: inherit; }
.langnet-view ins { background: #2da44e40; color: inherit; text-decoration: none; }
.langnet-view svg text { font: 11px system-ui, sans-serif; fill: currentColor; }"""
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _EDGE = 420.0, 110.0, 46.0, 14.0, 18.0


def html_of(blocks: Iterable[Block]) -> str:
    """A piece of HTML that needs nothing else."""
    inner = "\n".join(map(_block, blocks))
    return f'<div class="langnet-view"><style>{_STYLE}</style>\n{inner}\n</div>'


def _block(block: Block) -> str:
    match block:
        case Title():
            return f'<div class="title">{escaped(block.text)}</div>'
        case Line():
            warns = ' class="warns"' if block.warns else ""
            return f"<div{warns}>{escaped(block.text)}</div>"
        case Table():
            return _table(block)
        case Curve():
            return _curve(block)


def _table(table: Table) -> str:
    head = ""
    if any(table.columns):
        cells = (
            f"<th{_kind(table, place)}>{escaped(name)}</th>"
            for place, name in enumerate(table.columns)
        )
        head = f"<thead><tr>{''.join(cells)}</tr></thead>"
    rows = (
        "".join(f"<td{_kind(table, place)}>{_cell(cell)}</td>" for place, cell in enumerate(row))
        for row in table.rows
    )
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _kind(table: Table, place: int) -> str:
    return ' class="number"' if place in table.numbers else ""


def _cell(cell: Cell) -> str:
    match cell:
        case Long():
            seen = (
                f"<details><summary>what it saw</summary><pre>{escaped(cell.seen)}</pre></details>"
            )
            return f"<pre>{escaped(cell.text)}</pre>" + (seen if cell.seen else "")
        case Changed():
            tag = "ins" if cell.added else "del"
            pieces = (
                f"<{tag}>{escaped(piece)}</{tag}>" if is_other else escaped(piece)
                for piece, is_other in cell.words
            )
            return f"<pre>{''.join(pieces)}</pre>"
        case str():
            return escaped(cell)


def _curve(curve: Curve) -> str:
    """A line over the steps, with the best point filled and the ends of both axes named."""
    steps = [step for step, _ in curve.points]
    values = [value for _, value in curve.points]
    low, high = min(values), max(values)

    def x(step: int) -> float:
        span = max(steps[-1] - steps[0], 1)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (step - steps[0]) / span

    def y(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * share

    best = values.index(high)
    line = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in curve.points)
    dots = "".join(
        f'<circle cx="{x(step):.1f}" cy="{y(value):.1f}" r="{4 if place == best else 2.5}" '
        f'fill="{"#5661d6" if place == best else "currentColor"}">'
        f"<title>step {step}: {amount(value)}</title></circle>"
        for place, (step, value) in enumerate(curve.points)
    )
    labels = [(_LEFT - 8, y(high) + 4, "end", amount(high))]
    if high > low:
        labels.append((_LEFT - 8, y(low) + 4, "end", amount(low)))
    labels += [
        (x(steps[0]), _HEIGHT - 2, "middle", str(steps[0])),
        (x(steps[-1]) + 4, _HEIGHT - 2, "end", f"step {steps[-1]}"),
    ]
    texts = "".join(
        f'<text x="{at:.1f}" y="{down:.1f}" text-anchor="{anchor}">{escaped(text)}</text>'
        for at, down, anchor, text in labels
    )
    return (
        f"<div>{escaped(curve.name)}</div>"
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}" '
        f'viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" '
        f'aria-label="{escaped(curve.name)} over steps">'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-opacity="0.6" '
        f'stroke-width="1.5"/>{dots}{texts}</svg>'
    )
