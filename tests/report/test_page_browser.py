"""Pages in a real browser: they can be walked, they fit, and nothing in them can act.

Screenshots are left in build/screenshots for a person to look at.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager

import pytest

from langnet.report.page import report_page
from tests.browser import IN_A_BROWSER, SCREENSHOTS
from tests.report.runs import ATTACKS

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def page_file(run, tmp_path_factory):
    """The page of a run with a result, credit and texts that hold markup."""
    directory = tmp_path_factory.mktemp("pages") / "weather"
    shutil.copytree(run, directory)
    interval = {"mean": 0.3, "low": 0.1, "high": 0.5, "n": 20, "confidence": 0.95}
    test = {
        "examples": ["e1"],
        "initial": interval,
        "fitted": {**interval, "mean": 0.6, "low": 0.4, "high": 0.8},
        "gain": interval,
        "baselines": {f"empty {ATTACKS[0]}": {**interval, "fitted minus this": interval}},
    }
    result = {"network": "weather", "task": ATTACKS[1], "metric": "exact", "test": test}
    (directory / "result.json").write_text(json.dumps(result))
    share = {"prompt": "answer", "swap_back": interval, "leave_in": interval, "shapley": None}
    (directory / "credit.json").write_text(json.dumps({"shares": [share]}))
    (directory / "costs").mkdir(exist_ok=True)
    for number, cost in enumerate((0.25, 0.5, 0.25), start=1):
        spent = json.dumps({"known_cost": cost, "unpriced_tokens": 0})
        (directory / "costs" / f"{number:04d}.json").write_text(spent)
    file = directory / "report.html"
    file.write_text(report_page([directory]))
    return file


@asynccontextmanager
async def opened(browser, file, **settings):
    """A page as nobody has seen it yet; it must say, ask and alert nothing."""
    heard = []
    async with await browser.new_context(**settings) as context:
        page = await context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))

        async def dismiss(dialog):
            heard.append(f"alert {dialog.message}")
            await dialog.dismiss()

        page.on("dialog", dismiss)
        page.set_default_timeout(10_000)
        await page.goto(file.as_uri())
        await page.wait_for_selector(".detail h4")
        yield page
    assert heard == [file.as_uri()]


async def texts(locator):
    return await locator.all_text_contents()


async def test_a_run_can_be_walked(browser, run, page_file):
    """Curves by key, every candidate's difference, an example over time, and a class of errors."""
    async with opened(browser, page_file, viewport={"width": 1280, "height": 900}) as page:
        metric = page.locator("figure.chart").first
        assert "step 3" in await metric.locator(".legend").text_content()
        await metric.locator("svg").focus()
        await page.keyboard.press("ArrowLeft")
        assert "step 2" in await metric.locator(".legend").text_content()
        money = page.locator("figure.chart", has_text="Money")
        assert "spent 1" in await money.locator(".legend").text_content()

        step = json.loads((run / "steps" / "0003.json").read_text())
        choice = next(one for one in step["selections"] if one["prompt"] == "answer")
        details = page.locator("[data-part=prompts] details").last
        await details.locator("summary").focus()
        await page.keyboard.press("Enter")
        await details.locator(".candidate").first.wait_for()
        before = choice["candidates"][0]["text"]
        shown = await details.locator(".candidate .text").evaluate_all(
            """(all) => all.map((one) => ["INS", "DEL"].map((other) => [...one.childNodes]
                .filter((node) => node.nodeName !== other)
                .map((node) => node.textContent).join("")))"""
        )
        assert {after for _, after in shown} == {one["text"] for one in choice["candidates"]}
        assert {old for old, _ in shown} == {before}
        taken = details.locator(".candidate.taken .row")
        assert "taken: the best mean of all that stayed, gain" in (await texts(taken))[0]

        await page.select_option("[data-part=examples] select", "train")
        await page.locator(".list button").nth(1).click()
        when = page.locator(".detail input[type=range]")
        await when.focus()
        await page.keyboard.press("Home")
        assert "batch of step" in await page.locator(".when").text_content()
        assert await page.locator(".draw").count() == 4
        assert "forward" in await page.locator(".draw").first.locator("..").text_content()
        weights = [float(text[:5]) for text in await texts(page.locator(".weight"))]
        assert weights == sorted(weights, reverse=True)

        cell = page.locator(".confusion button").first
        count = int(await cell.text_content())
        await cell.click()
        assert f"{count} example" in await page.locator(".pager").text_content()
        assert await page.locator(".list button").count() == count


async def test_what_a_model_wrote_does_nothing(browser, page_file):
    """Markup in prompts, inputs, answers and results is shown as text, and none of it runs."""
    async with opened(browser, page_file) as page:
        for details in await page.locator("details").all():
            await details.locator("summary").click()
        await page.locator(".candidate").first.wait_for()
        shown = await page.locator("body").inner_text()
        assert all(attack in shown for attack in ATTACKS)
        assert await page.locator("img").count() == 0
        assert await page.locator("b:text-is('bold')").count() == 0
        assert await page.locator("script:not([type])").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_and_stays_where_it_is(browser, page_file, scheme):
    """At 1280 and 400 pixels nothing sticks out or jumps, and the ground follows the scheme."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width in (1280, 400):
        viewport = {"width": width, "height": 900}
        async with opened(browser, page_file, viewport=viewport, color_scheme=scheme) as page:
            await page.locator("[data-part=prompts] details.taken summary").first.click()
            await page.locator(".candidate").first.wait_for()
            sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            scroll, client = await page.evaluate(sizes)
            assert scroll <= client
            colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (colour == "rgb(255, 255, 255)") is (scheme == "light")
            jumps = await page.evaluate(
                """() => new Promise((done) => new PerformanceObserver((list, self) => {
                    self.disconnect();
                    done(list.getEntries().filter((one) => !one.hadRecentInput)
                        .reduce((sum, one) => sum + one.value, 0));
                }).observe({ type: "layout-shift", buffered: true })
                    ?? setTimeout(() => done(0), 200))"""
            )
            assert jumps < 0.1
            file = SCREENSHOTS / f"report-{scheme}-{width}.png"
            await page.screenshot(path=file, full_page=True)
            assert file.stat().st_size > 20_000


async def test_runs_are_compared(browser, run, page_file, tmp_path):
    """Of several runs all stand in a table, and each can be opened."""
    file = tmp_path / "both.html"
    file.write_text(await asyncio.to_thread(report_page, [page_file.parent, run]))
    async with opened(browser, file) as page:
        assert await page.locator("#comparison tbody tr").count() == 2
        await page.locator("#comparison tbody button").nth(1).click()
        assert await page.locator("article.run:visible").count() == 1
        assert await page.locator("#run-1 .list button").count() > 0
        await page.select_option("#run", "0")
        assert await page.locator("#run-0").is_visible()
        assert await page.locator("#run-1").is_hidden()
