"""Gives what lies outside `docs/` a place on the site, so that links to it hold there too.

Pages link to graphs, tests and examples, and to the changelog, as files of the repository: so they
work on a code host and in an editor. On the site a Markdown file of `PAGES` becomes a page, and any
other file that a page links to becomes a page that shows it.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]

PAGES: Mapping[str, str] = MappingProxyType(
    {
        "README.md": "overview.md",
        "CHANGELOG.md": "changelog.md",
        "CONTRIBUTING.md": "contributing.md",
        "benchmarks/README.md": "benchmarks.md",
    }
)
"""Files of the repository that are pages of the site; the home page has a text of its own."""

_ORIGINS = {page: file for file, page in PAGES.items()}
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"^ *(`{3,}|~{3,})")
_LANGUAGES = {".py": "python", ".sh": "bash", ".toml": "toml", ".yaml": "yaml", ".json": "json"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages made from files outside `docs/`."""
    for page, origin in _ORIGINS.items():
        text = (ROOT / origin).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    targets = {
        path
        for file in list(files.documentation_pages())
        for path in outside(_origin(file.src_uri), file.content_string)
    }
    folders = [path for path in targets if (ROOT / path).is_dir()]
    targets.update(path for folder in folders for path in _held(folder))
    for path in sorted(targets):
        shown = File.generated(config, _shown(path), content=_listing(path))
        shown.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(shown)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Points links to files of the repository to their pages."""
    del config, files
    origin = _origin(page.file.src_uri)

    def moved(target: str) -> str:
        path, mark, anchor = target.partition("#")
        found = _resolved(origin, path)
        place = None if found is None else _place(found)
        if place is None:
            return target
        return posixpath.relpath(place, posixpath.dirname(page.file.src_uri) or ".") + mark + anchor

    return "\n".join(
        _LINK.sub(lambda found: found[1] + moved(found[2]) + found[3], part) if is_prose else part
        for part, is_prose in _parts(markdown)
    )


def outside(origin: str, markdown: str) -> Iterator[str]:
    """The files outside `docs/` that a page links to and that are no pages, from the root."""
    for part, is_prose in _parts(markdown):
        for match in _LINK.finditer(part) if is_prose else ():
            path = _resolved(origin, match[2].partition("#")[0])
            if path is not None and path not in PAGES and not path.startswith("docs/"):
                yield path


def _origin(page: str) -> str:
    """Where a page's text lies in the repository."""
    return _ORIGINS.get(page, f"docs/{page}")


def _resolved(origin: str, link: str) -> str | None:
    """The file or folder of the repository that a link leads to; None where there is none."""
    if not link or "://" in link or link.startswith(("/", "mailto:")):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
    return path if not path.startswith("..") and (ROOT / path).exists() else None


def _place(path: str) -> str | None:
    """Where the site shows a file of the repository, from the site's root."""
    if path in PAGES:
        return PAGES[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else _shown(path)


def _shown(path: str) -> str:
    return f"source/{path}/index.md" if (ROOT / path).is_dir() else f"source/{path}.md"


def _held(folder: str) -> list[str]:
    """The Python files of a folder."""
    return sorted(f"{folder}/{file.name}" for file in (ROOT / folder).glob("*.py"))


def _listing(path: str) -> str:
    """A page that shows a text file, or what a folder holds."""
    place = ROOT / path
    if place.is_dir():
        names = (posixpath.basename(file) for file in _held(path))
        return f"# {path}/\n\n" + "".join(f"- [`{name}`]({name}.md)\n" for name in names)
    text = place.read_text(encoding="utf-8")
    if place.suffix == ".ipynb":
        return "\n\n".join(_cells(json.loads(text)))  # its first cell has a title
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"# {path}\n\n{fence}{_LANGUAGES.get(place.suffix, 'text')}\n{text.rstrip()}\n{fence}\n"


def _cells(notebook: dict[str, Any]) -> Iterator[str]:
    """The cells of a notebook: its words as they are, its code in fences."""
    for cell in notebook["cells"]:
        text = "".join(cell["source"]).strip()
        if text:
            yield text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"


def _parts(markdown: str) -> list[tuple[str, bool]]:
    """The text in parts, and whether each is prose: links run over lines, and code has none."""
    parts: list[tuple[list[str], bool]] = []
    fence = ""
    for line in markdown.split("\n"):
        match = _FENCE.match(line)
        is_prose = not fence and match is None
        if not parts or parts[-1][1] is not is_prose:
            parts.append(([], is_prose))
        parts[-1][0].append(line)
        if match and not fence:
            fence = match[1]
        elif match and line.strip() == fence:
            fence = ""
    return [("\n".join(lines), is_prose) for lines, is_prose in parts]
