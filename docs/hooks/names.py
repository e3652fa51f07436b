"""Links names of langnet in running text to the reference, where that has them.

A page writes `langnet.vi.guide.Hint` in code, as it reads best in a plain file.
"""

from __future__ import annotations

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_CODE = re.compile(r"^ *```.*?^ *```$|(?<![\[`])`(langnet(?:\.\w+)+)`(?![\]`])", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Makes each name an optional reference: a link where the reference knows it."""
    del page, config, files
    return _CODE.sub(
        lambda found: (
            f'<autoref identifier="{found[1]}" optional><code>{found[1]}</code></autoref>'
            if found[1]
            else found[0]
        ),
        markdown,
    )
