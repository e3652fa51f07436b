"""What a plain Markdown file cannot say: names in code lead to the reference, files have titles.

A page writes `langnet.vi.guide.Hint` in code, and `<!-- file: NAME -->` above a block that is a
file, as they read best where pages are not rendered. What is there for the tests alone (a page's
set-up, why a block is not run) is left out.
"""

from __future__ import annotations

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_FILE = re.compile(r"^<!-- file: (\S+) -->\n```(\w+)$", re.MULTILINE)
_HIDDEN = re.compile(
    r"^<!-- (?:setup: \w+\n.*?|not run: [^\n]*|model: \w+ )-->\n", re.MULTILINE | re.DOTALL
)
_CODE = re.compile(
    r"^ *```.*?^ *```$|^<!--.*?-->$|(?<![\[`])`(langnet(?:\.\w+)+)`(?![\]`])",
    re.MULTILINE | re.DOTALL,
)


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Titles files, leaves out what is for the tests, and makes names references."""
    del page, config, files
    markdown = _HIDDEN.sub("", _FILE.sub(r'```\2 title="\1"', markdown))
    return _CODE.sub(_referenced, markdown)


def _referenced(found: re.Match[str]) -> str:
    """An optional reference: a link where the reference knows the name."""
    name = found[1]
    if name is None:
        return found[0]
    return f'<autoref identifier="{name}" optional><code>{name}</code></autoref>'
