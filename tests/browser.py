"""A real browser for the tests of pages: chromium, where there is one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("LANGNET_CHROMIUM") or shutil.which("chromium")
SCREENSHOTS = Path(__file__).parents[1] / "build" / "screenshots"
"""Where pictures are left for a person to look at."""

IN_A_BROWSER = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (apt install it)"),
    pytest.mark.asyncio(loop_scope="module"),  # one browser for all
]
"""The marks of a module whose tests take the fixture `browser`."""
