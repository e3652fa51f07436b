"""The viewer in a real browser: a run is walked, followed and steered, and nothing in it can act.

Screenshots are left in build/screenshots for a person to look at.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import time
from contextlib import asynccontextmanager

import anyio
import pytest

from langnet import Inference, Method
from langnet.guidance import Guidance
from langnet.lm.meter import MeterReading
from langnet.report.live import NodeNow, Snapshot
from langnet.testing import TableModel
from langnet.ui import viewing
from tests.browser import IN_A_BROWSER, SCREENSHOTS
from tests.report.runs import ATTACKS, fitted

SAID = "Speak of the warm sun"
pytestmark = IN_A_BROWSER


@pytest.fixture
def runs(run, tmp_path):
    """A folder with a run that is over, whose texts hold markup."""
    directory = tmp_path / "runs" / "weather"
    shutil.copytree(run, directory)
    interval = {"mean": 0.3, "low": 0.1, "high": 0.5, "n": 20, "confidence": 0.95}
    test = {"examples": ["e1"], "initial": interval, "fitted": interval, "gain": interval}
    result = {"network": f"weather {ATTACKS[0]}", "task": ATTACKS[1], "metric": "exact"}
    (directory / "result.json").write_text(json.dumps({**result, "test": test}))
    return directory.parent


@asynccontextmanager
async def opened(browser, roots, **settings):
    """A viewer in a browser that has just been let in; its pages must complain of nothing."""
    heard = []
    async with (
        viewing([roots], interval=0.05) as address,
        await browser.new_context(**settings) as context,
    ):
        page = await context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))

        async def dismiss(dialog):
            heard.append(f"alert {dialog.message}")
            await dialog.dismiss()

        page.on("dialog", dismiss)
        page.set_default_timeout(10_000)
        await page.goto(address)
        assert "token" not in page.url
        await page.wait_for_selector("html[data-ready]")
        yield page
        await page.goto("about:blank")  # so that no stream is cut off
    assert heard == []


async def enter(page, name):
    await page.locator("#runs a", has_text=name).click()
    await page.wait_for_selector(".detail h4")


def busy(directory, **values):
    """A fit's own word on how it stands, as it writes it once a second."""
    snapshot = Snapshot(
        name="weather",
        pid=os.getpid(),
        host=platform.node(),
        at=time.time(),
        **{"step": 3, "steps": 12, "phase": "score", "done": 30, "total": 80, **values},
        elapsed=75.0,
        left=212.0,
        reading=MeterReading(sample_calls=12345, prompt_tokens=2_340_000, completion_tokens=56_700),
        calls_per_second=41.5,
        tokens_per_second=8123.4,
        nodes={
            "notes": NodeNow(calls=7001, open=12, purpose="infer", calls_per_second=30.2),
            "answer": NodeNow(calls=5344, open=0, calls_per_second=11.3),
        },
    )
    (directory / "live.json").write_text(json.dumps(snapshot.to_json()))


async def test_a_run_is_walked_as_its_report_is(browser, run, runs):
    """Curves by key, a prompt's differences, a trace, and a class of errors, all asked for live."""
    async with opened(browser, runs, viewport={"width": 1280, "height": 900}) as page:
        await enter(page, "weather")
        metric = page.locator("figure.chart").first
        await metric.locator("svg").focus()
        await page.keyboard.press("ArrowLeft")
        assert "step 2" in await metric.locator(".legend").text_content()
        details = page.locator("[data-part=prompts] details").last
        await details.locator("summary").click()
        await details.locator(".candidate").first.wait_for()
        step = json.loads((run / "steps" / "0003.json").read_text())
        choice = next(one for one in step["selections"] if one["prompt"] == "answer")
        assert await details.locator(".candidate").count() == len(choice["candidates"])
        await page.select_option("[data-part=examples] select", "train")
        await page.locator(".list button").nth(1).click()
        await page.locator(".draw").first.wait_for()
        await page.locator(".confusion button").first.click()
        assert "example" in await page.locator(".pager").text_content()


async def test_what_a_model_wrote_does_nothing(browser, runs):
    """Markup in prompts, inputs, answers, results and guidance is shown as text."""
    Guidance.at(runs / "weather").feedback(f"Why {ATTACKS[1]}?", by=ATTACKS[0])
    async with opened(browser, runs) as page:
        assert ATTACKS[0] in await page.locator("#runs").inner_text()
        await enter(page, "weather")
        for details in await page.locator("[data-part=prompts] details").all():
            await details.locator("summary").click()
        await page.locator(".candidate").first.wait_for()
        await page.locator(".said li").first.wait_for()
        shown = await page.locator("body").inner_text()
        assert all(attack in shown for attack in ATTACKS)
        assert f"Why {ATTACKS[1]}?" in shown
        assert await page.locator("img").count() == 0
        assert await page.locator("b:text-is('bold')").count() == 0
        assert await page.locator("script").count() == 1


async def test_what_somebody_says_changes_the_next_proposal(browser, tmp_path):
    """A paused fit's proposer is shown what the page said, and the page shows what it proposes."""
    directory = tmp_path / "runs" / "weather"
    shown = []

    def propose(context):
        shown.append(context)
        return {"Mind the warm sun." if SAID in context else "Say what it is now.": 1.0}

    Guidance.at(directory).pause()
    proposer = TableModel(propose, identity="proposer")
    mix = {"feedback": 1.0}
    method = Method(
        steps=2, batch_size=8, candidates=2, mix=mix, inference=Inference(draws=2), memory=0
    )
    async with opened(browser, tmp_path / "runs") as page, anyio.create_task_group() as tasks:

        async def fit():
            await fitted(directory, proposer=proposer, method=method)

        tasks.start_soon(fit)
        await page.locator("#runs a", has_text="weather").click()
        await page.locator(".status", has_text="pausing").wait_for()
        assert not shown
        await page.get_by_label("Feedback").fill(SAID)
        await page.get_by_label("your name").fill("Ada")
        await page.get_by_label("prompt that it is about").select_option("answer")
        await page.get_by_role("button", name="Send feedback").click()
        await page.locator(".said li", has_text=SAID).wait_for()
        assert "Ada" in await page.locator(".said li", has_text=SAID).text_content()
        await page.get_by_label("Feedback").fill("half a thought")
        assert not shown
        await page.get_by_role("button", name="Resume").click()

        await page.locator(".said li", has_text=SAID).locator(".took").wait_for()
        await page.locator("[data-part=prompts] details").nth(3).wait_for()
        assert any(SAID in context for context in shown)
        answers = page.locator("[data-part=prompts] details", has_text="Step 1").last
        await answers.locator("summary").click()
        await answers.locator(".candidate", has_text="Mind the warm sun.").wait_for()
        assert await page.get_by_label("Feedback").input_value() == "half a thought"
        await page.locator("figure.chart").first.wait_for()
    (entry,) = [one for one in Guidance.at(directory).entries() if one.kind == "feedback"]
    assert (entry.text, entry.prompt, entry.by) == (SAID, "answer", "Ada")
    state = json.loads((directory / "state.json").read_text())
    assert [one["step"] for one in state["guidance"] if one["id"] == entry.id] == [0]


async def test_a_running_fit_is_followed_without_losing_the_place(browser, run, tmp_path):
    """New steps, validations and states appear; an open example, a typed remark and scroll stay."""
    directory = tmp_path / "runs" / "weather"
    shutil.copytree(run, directory)
    state = json.loads((directory / "state.json").read_text())
    early = {**state, "step": 2, "validations": state["validations"][:3]}
    (directory / "state.json").write_text(json.dumps(early))
    (directory / "validations" / "0003.jsonl").rename(tmp_path / "later")
    busy(directory, step=2)
    async with opened(browser, tmp_path / "runs") as page:
        await page.locator(".status.running").wait_for()
        await enter(page, "weather")
        await page.locator(".now", has_text="2 of 12 steps done, score 30/80").wait_for()
        await page.locator(".network g.part.busy").wait_for()
        assert await page.locator(".network .open text").text_content() == "12"
        third = page.locator(".list button").nth(2)
        await third.click()
        title = await third.get_attribute("data-id")
        await page.locator(".detail h4", has_text=title).first.wait_for()
        remark = page.locator(".detail input[type=text]").first
        await remark.fill("because")
        scrolled = await page.evaluate("scrollY")
        (tmp_path / "later").rename(directory / "validations" / "0003.jsonl")
        (directory / "state.json").write_text(json.dumps(state))
        busy(directory, status="finished", step=12)
        await page.locator("[data-part=prompts] details", has_text="Step 3").first.wait_for()
        await page.get_by_role("button", name="seen again since").wait_for()
        assert "step 3" in await page.locator("figure.chart .legend").first.text_content()
        await page.locator(".status.finished").wait_for()
        assert await page.locator(".network g.part.busy").count() == 0
        assert await page.locator(".detail h4").first.text_content() == title
        assert await remark.input_value() == "because"
        assert abs(await page.evaluate("scrollY") - scrolled) < 200
        await page.get_by_role("button", name="seen again since").click()
        assert "validation after 3 steps" in await page.locator(".when").text_content()


async def test_outputs_and_prompts_are_judged(browser, runs):
    """Ratings come one after the other by keyboard; prompts are edited, pinned and banned."""
    guidance = Guidance.at(runs / "weather")
    async with opened(browser, runs) as page:
        await enter(page, "weather")
        await page.get_by_role("button", name="Review outputs").click()
        dialog = page.locator("dialog")
        for key in ("g", "b"):
            await dialog.locator(".case .asked").wait_for()
            before = await dialog.locator(".tools .soft").first.text_content()
            await page.keyboard.press(key)
            if key == "b":
                await page.keyboard.type("too cold")
                await page.keyboard.press("Enter")
            await page.wait_for_function(
                "(before) => document.querySelector('dialog .tools .soft').textContent !== before",
                arg=before,
            )
        await page.keyboard.press("Escape")
        await page.locator(".said li").nth(1).wait_for()
        ratings = guidance.entries()
        assert [(one.good, one.text, one.node) for one in ratings] == [
            (True, "", "answer"),
            (False, "too cold", "answer"),
        ]
        assert len({one.example for one in ratings}) == 2
        assert all({*one.texts} == {"notes"} for one in ratings)

        notes = page.locator(".present").first
        await notes.get_by_role("button", name="Edit").click()
        area = notes.locator("textarea")
        assert await area.input_value() == "Note it."
        await area.fill("Note the warmth.")
        await notes.get_by_role("button", name="Try it as a candidate").click()
        await page.locator(".said li").nth(2).wait_for()
        await notes.get_by_role("button", name="Pin", exact=True).click()
        await notes.get_by_role("button", name="Unpin").wait_for()
        details = page.locator("[data-part=prompts] details").last
        await details.locator("summary").click()
        candidate = details.locator(".candidate").last
        await candidate.get_by_role("button", name="Ban").click()
        await candidate.get_by_role("button", name="Allow again").wait_for()
        await page.get_by_role("button", name="Ask for more").click()
        await page.locator(".said li").nth(5).wait_for()
        said = [(one.kind, one.prompt, one.text) for one in guidance.entries()[2:5]]
        assert said[:2] == [
            ("candidate", "notes", "Note the warmth."),
            ("pin", "notes", "Note it."),
        ]
        assert said[2][:2] == ("ban", "answer")
        assert guidance.entries()[5].count == 4


async def test_runs_are_compared(browser, runs):
    """Two runs that are ticked stand over each other, and open as one report."""
    await asyncio.to_thread(shutil.copytree, runs / "weather", runs / "other")
    async with opened(browser, runs) as page:
        for box in await page.locator("#runs input").all():
            await box.check()
        await page.locator("#overlay .curve").nth(1).wait_for()
        await page.goto(await page.locator("#report").evaluate("(one) => one.href"))
        assert await page.locator("#comparison tbody tr").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits(browser, runs, scheme):
    """At 1280 and 400 pixels nothing sticks out, and the ground follows the scheme."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(shutil.copytree, runs / "weather", runs / "going")
    busy(runs / "going")
    said = Guidance.at(runs / "going")
    said.feedback("Say more of the weather, and less of the number.", by="Ada")
    said.rate("e101", good=False, node="answer", output="icy", feedback="The sun is out.")
    async with opened(browser, runs, color_scheme=scheme) as page:
        for width in (1280, 400):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.goto(page.url.split("/runs/")[0])
            await page.wait_for_selector("html[data-ready]")
            await fits(page, f"viewer-index-{scheme}-{width}.png", scheme)
            await enter(page, "going")
            await page.locator(".network g.part.busy").wait_for()
            await fits(page, f"viewer-run-{scheme}-{width}.png", scheme)
            await page.get_by_role("button", name="Review outputs").click()
            await page.locator("dialog .case .asked").wait_for()
            await page.screenshot(path=SCREENSHOTS / f"viewer-review-{scheme}-{width}.png")


async def fits(page, name, scheme):
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    scroll, client = await page.evaluate(sizes)
    assert scroll <= client
    colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(255, 255, 255)") is (scheme == "light")
    file = SCREENSHOTS / name
    await page.screenshot(path=file, full_page=True)
    assert file.stat().st_size > 10_000
