from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from langnet.errors import CapabilityError, LangnetError
from langnet.lm.local import LocalModel, find, pull
from tests.browser import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def _heeded_interrupts() -> Iterator[None]:
    """Programs that tests start heed SIGINT, also where the tests are a job in the background."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The weights of SmolLM2, fetched where they are not there yet."""
    try:
        pull("smollm2")
    except LangnetError as error:
        pytest.skip(f"the weights of smollm2 cannot be had: {error}")
    return find("smollm2")


@pytest.fixture(scope="session")
def smollm2(smollm2_path: Path) -> Iterator[LocalModel]:
    """The embedded model, loaded once. Mark a test that asks for it with `model`."""
    try:
        model = LocalModel.open("smollm2", threads=2)
    except CapabilityError as error:
        pytest.skip(str(error))
    yield model
    model.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    """A browser for the tests of a module that are marked `tests.browser.IN_A_BROWSER`."""
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    async with playwright.async_playwright() as play:
        started = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        await started.close()
