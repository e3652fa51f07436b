"""The built site in a real browser: nothing is asked of the network, and it fits narrow screens.

`make docs` builds it. Screenshots are left in build/screenshots for a person to look at.
"""

from __future__ import annotations

import functools
import http.server
import re
import threading
from pathlib import Path

import pytest

from tests.browser import IN_A_BROWSER, SCREENSHOTS

BUILD = Path(__file__).parents[1] / "build"
SITE = BUILD / "site"
SHOWN = ("index.html", "comparison.html")
LOADED = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=\"?((?:https?:)?//[^\" >]+)"
)
pytestmark = [
    pytest.mark.skipif(not SITE.is_dir(), reason="the site is not built (make docs)"),
    *IN_A_BROWSER,
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words):
        pass


@pytest.fixture(scope="module")
def address():
    """The site on a server of this machine."""
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


async def opened(context, address, page):
    """A page, and what it complained of or asked elsewhere for."""
    heard = []
    view = await context.new_page()
    view.on("console", lambda message: message.type == "error" and heard.append(message.text))
    view.on("pageerror", lambda error: heard.append(str(error)))
    view.on("request", lambda asked: asked.url.startswith(address) or heard.append(asked.url))
    await view.goto(address + page)
    return view, heard


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
async def test_pages_fit_and_ask_nothing_elsewhere(browser, address, width, scheme):
    """No page is wider than its screen, complains, or asks another host for anything."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    size = {"width": width, "height": 900}
    async with await browser.new_context(viewport=size, color_scheme=scheme) as context:
        for page in SHOWN:
            view, heard = await opened(context, address, page)
            name = page.removesuffix(".html").replace("/", "-")
            await view.screenshot(path=SCREENSHOTS / f"site-{name}-{width}-{scheme}.png")
            assert await view.evaluate("document.documentElement.scrollWidth") <= width
            assert heard == []


async def test_search_finds_a_page_without_a_network(browser, address):
    """The index of words lies on the site."""
    async with await browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        view, heard = await opened(context, address, "index.html")
        await view.locator("input.md-search__input").fill("staleness")
        await view.locator(".md-search-result__link").first.wait_for(timeout=10_000)
        assert heard == []


async def test_no_page_loads_anything_from_elsewhere():
    """No script, style, picture or frame of any page has an address outside the site."""
    pages = list(SITE.rglob("*.html"))
    loaded = {page.name: LOADED.findall(page.read_text()) for page in pages}
    assert {name: found for name, found in loaded.items() if found} == {}
    assert pages
