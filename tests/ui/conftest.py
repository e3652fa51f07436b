"""A run to look at, fitted once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.report.runs import fitted


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The directory of a fit whose texts hold markup."""
    directory = tmp_path_factory.mktemp("runs") / "weather"
    # In a thread, since a test's own loop may be running.
    thread = threading.Thread(target=lambda: asyncio.run(fitted(directory)))
    thread.start()
    thread.join()
    return directory
