"""Drawings of graphs: for a terminal, for documents, and for a browser.

None needs another program or anything from the network, and all text is escaped.
"""

from __future__ import annotations

from langnet.drawing.dot import as_dot
from langnet.drawing.html import as_html
from langnet.drawing.mermaid import as_mermaid
from langnet.drawing.png import as_png
from langnet.drawing.svg import as_svg
from langnet.drawing.text import as_text

__all__ = ["as_dot", "as_html", "as_mermaid", "as_png", "as_svg", "as_text"]
