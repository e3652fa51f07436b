"""What pages are made of: templates, styles and scripts, this package's own or another's."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["PACKAGE", "SCRIPTS", "asset", "digest", "environment", "joined", "report_script"]

PACKAGE = "langnet.report.page"
"""Whose assets the report's are."""
SCRIPTS = ("dom", "diff", "chart", "curves", "prompts", "errors", "examples", "view")
"""The scripts that show a run, wherever its data come from."""


def report_script() -> str:
    """The one script of a report's page."""
    return joined(asset(PACKAGE, f"{name}.js") for name in ("blocks", *SCRIPTS, "main"))


def environment(*packages: str) -> Environment:
    """Templates in the assets of packages, which escape whatever they are given."""
    # Needed for a page alone, and takes long to load.
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "assets") for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def joined(scripts: Iterable[str]) -> str:
    """Scripts as one that leaves nothing outside itself."""
    return '(() => {\n"use strict";\n' + "\n".join(scripts) + "\n})();"


def digest(text: str) -> str:
    """How a policy names a script or a style: its SHA-256, as base64."""
    return base64.b64encode(sha256(text.encode()).digest()).decode()


def asset(package: str, name: str) -> str:
    """A file in the assets of a package."""
    return files(package).joinpath("assets", name).read_text(encoding="utf-8")
