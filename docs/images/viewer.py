"""Makes viewer.png: the viewer while a fit on the embedded model goes on.

    python docs/images/viewer.py [--out viewer.png] [--browser /usr/bin/chromium]

Needs playwright, a Chromium, and the model (`langnet models pull smollm2`); takes some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from langnet.guidance import Guidance
from langnet.ui import viewing

_FIT = (
    "fit graphs/dln2.py --steps 4 --batch-size 12 --candidates 3 --draws 2 --train-size 60 "
    "--dev-size 24 --test-size 8 --mix phrasing=3,demonstrations=1"
)
_DONE = 2
"""Steps after which the picture is taken, in the midst of the next one."""


async def picture(run: Path, out: Path, browser: str) -> None:
    """Takes the picture as soon as enough steps are done and calls are open."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - optional

    async with viewing([run.parent]) as address, async_playwright() as play:
        opened = await play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = await opened.new_page(viewport={"width": 1280, "height": 1400})
        while _step(run) < _DONE:  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(1)
        Guidance.at(run).feedback(
            "Name what gives the sentence away, in one line.", prompt="thoughts", by="Ada"
        )
        await page.goto(address)
        await page.locator("#runs a").first.click()
        await page.wait_for_selector(".detail h4")
        await page.locator(".network g.part.busy").first.wait_for(timeout=120_000)
        await page.screenshot(path=out)
        await opened.close()


def _step(run: Path) -> int:
    try:
        return int(json.loads((run / "state.json").read_text())["step"])
    except (OSError, ValueError):
        return 0


def main() -> None:
    """Fits, looks, and lets the fit go."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "viewer.png")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "runs" / "dln2-subjectivity"
        places = ["--out", str(run), "--cache", str(Path(scratch) / "cache")]
        command = [sys.executable, "-m", "langnet", *_FIT.split(), *places]
        fit = subprocess.Popen(command)  # noqa: S603 - our own program
        try:
            asyncio.run(picture(run, given.out, given.browser))
        finally:
            fit.terminate()
            fit.wait()


if __name__ == "__main__":
    main()
