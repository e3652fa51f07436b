"""Graphs as HTML for notebooks and reports: the picture, and a table of the prompts below it."""

from __future__ import annotations

from langnet.drawing.svg import as_svg
from langnet.drawing.words import escaped
from langnet.graph import Graph

__all__ = ["as_html"]

_STYLE = """\
.langnet-graph { overflow-x: auto; font: 13px system-ui, sans-serif; }
.langnet-graph table { border-collapse: collapse; margin: 0.6em 0; }
.langnet-graph th, .langnet-graph td { text-align: left; vertical-align: top; }
.langnet-graph th, .langnet-graph td { padding: 4px 12px 4px 0; }
.langnet-graph tr { border-top: 1px solid #8892a855; background: none; }
.langnet-graph th { font-weight: 600; }
.langnet-graph pre { margin: 0; white-space: pre-wrap; max-width: 70ch; }
.langnet-graph pre { overflow-wrap: anywhere; }"""


def as_html(graph: Graph) -> str:
    """The graph as a piece of HTML that needs nothing else."""
    rows = [
        f"<tr><td>{escaped(prompt)}</td><td>{escaped(', '.join(shown_by))}</td>"
        f"<td>{'trainable' if prompt in graph.trainable else 'frozen'}</td>"
        f"<td><pre>{escaped(graph.prompts[prompt])}</pre></td></tr>"
        for prompt, shown_by in _holders(graph).items()
    ]
    table = (
        "<table><thead><tr><th>prompt</th><th>shown by</th><th></th><th>text</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return (
        f'<div class="langnet-graph"><style>{_STYLE}</style>\n{as_svg(graph)}\n'
        f"{table if rows else ''}</div>"
    )


def _holders(graph: Graph) -> dict[str, list[str]]:
    holders: dict[str, list[str]] = {}
    for name, node in graph.nodes.items():
        if graph.structure.templates[name].has_prompt:
            holders.setdefault(node.prompt_name, []).append(name)
    return holders
