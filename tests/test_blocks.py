"""Every code block of the README and the docs is run, and the runner finds what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from math import isfinite
from pathlib import Path

import anyio
import pytest

from langnet import Key, connect
from langnet.lm.base import Choice, Decoding
from tests.blocks import EMBEDDED, BlockError, plain, run_page
from tests.loopback import loopback
from tests.pages import ROOT, copy_repository, manner, standing_in

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def name_of(page):
    return str(page.relative_to(ROOT))


def pages(*, embedded):
    return [page for page in PAGES if page.read_text().startswith(EMBEDDED) is embedded]


@pytest.fixture(scope="module")
def address():
    with loopback() as found:
        yield found


def ran(page, folder, address=None):
    text = page.read_text()
    if re.search(r"^\s*curl ", text, re.MULTILINE) and shutil.which("curl") is None:
        pytest.skip("the page calls curl, which is not there")
    copy_repository(folder / "page")
    return run_page(page, folder / "page", manner(text, folder, address=address))


@pytest.mark.parametrize("page", pages(embedded=False), ids=name_of)
def test_the_page_runs(page, tmp_path, address):
    """Every block of the page does what it says, on a server with a made-up model."""
    with standing_in():
        ran(page, tmp_path, address)


@pytest.mark.model
@pytest.mark.parametrize("page", pages(embedded=True), ids=name_of)
def test_the_page_runs_on_the_embedded_model(page, tmp_path):
    """Every block of a page that needs the embedded model does what it says."""
    ran(page, tmp_path)


def page_with(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(textwrap.dedent(text))
    return page


FAULTS = {
    "an error in Python": ("```python\nfirst = 1\nfirst / 0\n```", r"page.md:2: ZeroDivisionError"),
    "a wrong option": ("```bash\nlangnet show --nothing\n```", "page.md:2: langnet show .* with 2"),
    "work that fails": ("```bash\nlangnet show none.py\n```", "page.md:2: langnet show .* with"),
    "a shell's error": ("text\n\n```bash\ntrue | false\n```", "page.md:4: exit code 1"),
    "langnet's in a shell": (
        "```bash\nlangnet show --nothing; true\n```",
        "page.md:2: exit code 2",
    ),
    "no language": ("```\nmake\n```", "page.md:2: a block has the language ''"),
    "an unknown language": ("```pyhton\n1\n```", "the language 'pyhton'"),
    "a block without end": ("```bash\nls\n", "a block is not closed: '```bash'"),
    "no data": ("```yaml\na: [\n```", "page.md:2: ParserError"),
    "no JSON": ("```json\n{1}\n```", "page.md:2: JSONDecodeError"),
    "a reason of one's own": ("<!-- not run: later -->\n```bash\nls\n```", "'later' is no reason"),
    "no Python": ("<!-- not run: fragment -->\n```python\nif\n```", "page.md:3: SyntaxError"),
    "a hidden error": ("<!-- setup: python\nx\n-->", "page.md:2: NameError"),
    "a server that ends": ("```bash\nlangnet serve none.py\n```", "page.md:2: nothing listens"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_runner_finds(fault, tmp_path, address):
    """A page that is wrong fails, and the error names the page and the line."""
    text, message = FAULTS[fault]
    with standing_in(), pytest.raises(BlockError, match=message):
        ran(page_with(tmp_path, text), tmp_path / "run", address)


def test_a_page_is_one_session(tmp_path, address):
    """Blocks share a namespace, files, a folder and hidden code, and leave nothing behind."""
    before = dict(os.environ), list(sys.path), Path.cwd(), set(sys.modules)
    page = page_with(
        tmp_path,
        """
        <!-- setup: python
        import os
        number = 41
        os.environ["OF_THE_PAGE"] = "1"
        -->

        <!-- file: of_the_page.py -->
        ```python
        async def more(number):
            return number + 1
        ```

        - In a list:

          ```python
          from of_the_page import more
          number = await more(number)
          ```

        ```python
        import asyncio
        assert asyncio.run(more(number)) == 43  # no loop is running
        ```

        ```bash
        # A word in quotation marks is a word.
        langnet show graphs/dln1.py --format json \\
            > "shown.json"   # and files are written
        test -s shown.json && echo $OF_THE_PAGE > one.txt
        ```

        <!-- not run: installs packages -->
        ```bash
        exit 1
        ```
        """,
    )
    with standing_in():
        assert ran(page, tmp_path / "run", address) == 6
    folder = tmp_path / "run" / "page"
    assert (folder / "one.txt").read_text() == "1\n"
    assert '"dln1"' in (folder / "shown.json").read_text()
    assert (dict(os.environ), list(sys.path), Path.cwd()) == before[:3]
    assert "of_the_page" not in sys.modules


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        (
            'langnet run a.yaml --input text="A b."  # says',
            ["run", "a.yaml", "--input", "text=A b."],
        ),
        ("langnet show 'a b' --format x#y", ["show", "a b", "--format", "x#y"]),
        ('langnet export --context "{text}|"', ["export", "--context", "{text}|"]),
        ("langnet run a.yaml | head", None),
        ("langnet run $NETWORK", None),
        ("FOO=1 langnet run", None),
        ('langnet run "$NETWORK"', None),
    ],
)
def test_a_plain_line_is_read_as_a_shell_reads_it(line, arguments):
    """A line that needs no shell has a shell's arguments; any other is left to the shell."""
    call = plain(line)
    assert (call and call.arguments) == arguments


def test_the_made_up_server_draws_scores_and_chooses(address):
    """The server in place of all others does what its address claims, the same each time."""

    async def found():
        async with connect(
            f"openai:x@http://{address}/v1?endpoint=completions&scoring=echo"
        ) as one:
            drawn = await one.sample("Yes or No?", decoding=Decoding(), keys=[Key(("k",))])
            labels = await one.choose("Yes or No?", [Choice("Yes"), Choice("No")])
            scores = await one.score("Yes or", ["No"], decoding=Decoding(), end=False)
        async with connect(f"openai:x@http://{address}/v1?choose=1") as chat:
            tops = await chat.choose("Yes or No?", [Choice("Yes"), Choice("No")])
        return drawn[0].text, labels.logprobs, scores.scores[0].token_logprobs, tops.logprobs

    first, again = anyio.run(found), anyio.run(found)
    assert first == again
    assert all(map(isfinite, (*first[1], *first[2], *first[3])))
