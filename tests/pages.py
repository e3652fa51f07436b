"""How the tests run a page of the docs: on a server of their own, small, and in one process.

- `http://127.0.0.1:PORT` and the server that `OPENAI_BASE_URL` names are a server of the tests
  (`tests/loopback.py`). A port that `langnet serve` or `langnet ui` takes on the page is replaced
  by a free one.
- The embedded model's place is taken by a made-up one (`tests.loopback.StandIn`), whatever
  `local:…` a page names: no server's model scores at the temperatures that the networks draw at.
- Commands are run small: every option in `SMALL` that a command has is added to its arguments,
  where the last one given holds. A fit `--from-manifest` stays as it was. In Python the parts
  `train=N, dev=N, test=N` of a task are at most `FEW` examples each.
- A line that calls langnet alone is called in this process; importing it takes a second.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner

from langnet.cli import main
from langnet.lm import providers
from langnet.lm.spec import Declaration
from tests.blocks import (
    SERVERS,
    USUAL_PORT,
    Command,
    Manner,
    blocks_of,
    free_port,
    logical_lines,
    plain,
)
from tests.loopback import StandIn

ROOT = Path(__file__).parent.parent
SMALL = {
    "--steps": "1",
    "--batch-size": "4",
    "--candidates": "2",
    "--train-size": "6",
    "--dev-size": "4",
    "--test-size": "4",
    "--draws": "2",
    "--rounds": "1",
    "--collect": "2",
    "--tries": "3",
    "--screen": "3",
    "--confirm": "2",
}
FEW = 12
_PARTS = re.compile(r"\b(train|dev|test)=(\d+)\b")
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_EMBEDDED = "LANGNET_PAGE_EMBEDDED"


def in_small(given: list[str]) -> list[str]:
    """A command's arguments, with small sizes after them."""
    command = main.commands.get(given[0]) if given else None
    if command is None or {"--help", "--from-manifest"} & set(given):
        return given
    known = {name for parameter in command.params for name in parameter.opts}
    if given[0] == "collect":
        known -= {"--draws"}  # how many there are of each of two pools says what they cost
    more = [word for name, size in SMALL.items() if name in known for word in (name, size)]
    if "--seeds" in given:
        seeds = given[given.index("--seeds") + 1].split(",")
        more += ["--seeds", ",".join(seeds[:2])]
    return [*given, *more]


def standing_in() -> Any:
    """Whoever opens an embedded model gets a made-up one, inside the block that this begins."""

    def opener(declaration: Declaration) -> Any:
        async def opened(**_download: object) -> StandIn:
            return StandIn(declaration.name)

        return opened

    return patch.object(providers, "_local", opener)


def called(call: Command) -> int:
    """Calls langnet in this process, and prints what it prints; its exit code."""
    text = Path(call.reads).read_text() if call.reads else "y\n"  # whoever is asked says yes
    done = CliRunner().invoke(main, call.arguments, input=text, prog_name="langnet")
    if call.writes:
        Path(call.writes).write_text(done.stdout)
    sys.stdout.write(f"$ langnet {shlex.join(call.arguments)}\n{done.output}")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code


def ports_served(page: str) -> dict[str, str]:
    """The ports that commands of a page listen at, and a free one for each."""
    found = {}
    for block in blocks_of(page):
        for call in map(plain, logical_lines(block.text)):
            if call is not None and call.arguments[:1] and call.arguments[0] in SERVERS:
                words = call.arguments
                port = words[words.index("--port") + 1] if "--port" in words else USUAL_PORT
                found[port] = free_port()
    return found


def manner(page: str, folder: Path, *, address: str | None) -> Manner:
    """How a page is run.

    Args:
        page: its text.
        folder: where it may leave what it needs itself.
        address: host and port of the server for all models; None for the embedded one.
    """
    served = ports_served(page)

    def rewrite(text: str) -> str:
        text = _PARTS.sub(lambda part: f"{part[1]}={min(int(part[2]), FEW)}", text)
        for port, other in served.items():
            text = re.sub(rf"(127\.0\.0\.1:|--port ){port}\b", rf"\g<1>{other}", text)
        if address is None:
            return text
        port, kept = address.split(":")[1], set(served.values())
        return _PORT.sub(lambda match: match[0] if match[0] in kept else port, text)

    def langnet(call: Command) -> int:
        return called(Command(in_small(call.arguments), call.reads, call.writes))

    def serving(given: list[str]) -> list[str]:
        is_told = "--port" in given or given[0] != "serve"
        return given if is_told else [*given, "--port", served[USUAL_PORT]]

    tools = folder / "bin"
    tools.mkdir(parents=True)
    program = tools / "langnet"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tests.pages "$@"\n')
    program.chmod(0o755)
    environment = {
        _EMBEDDED: "" if address else "1",
        "PYTHONPATH": str(ROOT),
        "LANGNET_CACHE": str(folder / "cache"),
        "BROWSER": "true",  # `--open` opens nothing
        "MPLBACKEND": "Agg",
    }
    if address:
        keys = {"OPENAI_API_KEY": "sk-none", "ANTHROPIC_API_KEY": "sk-none"}
        environment |= {"OPENAI_BASE_URL": f"http://{address}/v1", **keys}
    return Manner(rewrite, langnet, serving, [str(program)], (str(tools),), environment)


def copy_repository(folder: Path) -> None:
    """Puts what pages expect of the repository into a folder."""
    for name in ("graphs", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


if __name__ == "__main__":  # langnet, as a shell finds it on a page
    with nullcontext() if os.environ[_EMBEDDED] else standing_in():
        main.main(in_small(sys.argv[1:]), prog_name="langnet")
