"""Runs the code blocks of a page, as a reader would who types them in one after the other.

    python tests/blocks.py docs/tutorial.md

What a page says, and what is done with it:

- Blocks in ```python run in order, in one namespace; they may await at the top level.
- Blocks in ```bash run by `bash -euo pipefail`, with this interpreter's programs first on the path.
  A line `langnet serve …` or `langnet ui …` is started, waited for, and ended with the page.
- Blocks in ```yaml, json, jsonl, toml and csv are parsed; ```text and ```mermaid are only shown.
- A block after a line `<!-- file: NAME -->` is written to that file instead.
- A block after a line `<!-- not run: REASON -->` is left out, for one of `REASONS`.
- `<!-- setup: python` (or bash), lines of code, `-->` runs too, and is not shown to readers.
- A page that begins with `<!-- model: embedded -->` runs on the embedded model, whatever the tests
  put in its place elsewhere.

All that a page does happens in one folder. Nothing here needs more than the standard library and
langnet as it is installed, so that a page can be run where there is no repository.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import contextlib
import csv
import glob
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import textwrap
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EMBEDDED = "<!-- model: embedded -->"
REASONS = ("installs packages", "needs an account", "takes long", "fragment")
SHOWN = ("text", "mermaid")
SERVERS = ("serve", "ui")
USUAL_PORT = "8321"
"""Where `langnet serve` listens unless it is told; the viewer takes any port."""
_FENCE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)\n"
    r"(?P<body>.*?)^[ \t]*(?P=fence)[ \t]*$"
    r"|^<!-- setup: (?P<setup>\w+)\n(?P<hidden>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
_MARK = re.compile(r"<!-- (file|not run): (.+?) -->\s*\Z")
_WORD = re.compile(r"""(?:[^\s"'<>#]|"[^"]*"|'[^']*'|(?<=\S)#)+|[<>]|#.*|\S""")
_SHELL = re.compile(r"""^[^"]*[|&;()]|[$`\\]|^['"]$""")
"""What makes a word more than an argument."""
_START = 60.0
"""Seconds that a server may take to listen, and to end."""


class BlockError(Exception):
    """A block that does not do what the page says; the message names page and line."""


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, its text, where its text begins, and its mark if any."""

    language: str
    text: str
    line: int
    file: str | None = None
    left_out: str | None = None


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page's text, in order, those set up out of sight among them.

    Raises:
        BlockError: one of them has no end.
    """
    found = []
    if left := re.search(r"^[ \t]*(```|~~~).*", _FENCE.sub("", page), re.MULTILINE):
        raise BlockError(f"a block is not closed: {left[0]!r}")
    for match in _FENCE.finditer(page):
        line = page.count("\n", 0, match.start()) + 2
        if match["setup"]:
            found.append(Block(match["setup"], match["hidden"], line))
            continue
        mark = _MARK.search(page, 0, match.start())
        named = {mark[1]: mark[2]} if mark else {}
        language = (match["info"].split() or [""])[0]
        text = textwrap.dedent(match["body"])
        found.append(Block(language, text, line, named.get("file"), named.get("not run")))
    return found


def logical_lines(text: str) -> list[str]:
    """The lines of a script, those that end in a backslash joined with the next."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


@dataclass(frozen=True)
class Command:
    """A line that calls langnet alone: its arguments, and the files that it reads and writes."""

    arguments: list[str]
    reads: str | None = None
    writes: str | None = None


def plain(line: str) -> Command | None:
    """A line as a call of langnet; None where it takes a shell."""
    words = _WORD.findall(line)
    words = words[: next((place for place, word in enumerate(words) if word[0] == "#"), None)]
    bare = [re.sub(r"'[^']*'", "", word) for word in words]
    if not words or words[0] != "langnet" or any(map(_SHELL.search, bare)):
        return None
    arguments: list[str] = []
    files: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        if word in {"<", ">"}:
            files[word] = next(rest)
        elif {"'", '"'} & set(word):
            arguments += shlex.split(word)
        else:
            arguments += sorted(glob.glob(word)) or [word]  # noqa: PTH207 - a shell's patterns
    return Command(arguments, files.get("<"), files.get(">"))


@dataclass
class Manner:
    """How a page is run.

    Attributes:
        rewrite: changes a block's text before anything is done with it.
        langnet: runs a plain call of langnet, and returns its exit code; None leaves it to bash.
        arguments: changes the arguments of a server's command.
        program: what such a command is a call of.
        path: folders that come first where programs are looked for.
        environment: variables for all that the page does.
        tell: is told each block before it runs and the seconds that it took.
    """

    rewrite: Callable[[str], str] = lambda text: text
    langnet: Callable[[Command], int] | None = None
    arguments: Callable[[list[str]], list[str]] = lambda arguments: arguments
    program: list[str] = field(default_factory=lambda: [sys.executable, "-m", "langnet"])
    path: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    tell: Callable[[Block, float | None], None] = lambda block, seconds: None


class Session:
    """One page while it runs: its namespace, its event loop and its servers."""

    def __init__(self, name: str, manner: Manner) -> None:
        self.name, self.manner = name, manner
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.loop = asyncio.Runner()
        self.servers: list[subprocess.Popen[bytes]] = []

    def close(self) -> list[int]:
        """Ends what still runs; the exit codes of its servers, 0 where one ended in order."""
        try:
            self.loop.close()
        finally:
            codes = [_ended(server) for server in self.servers]
        return codes

    def run(self, block: Block) -> None:
        """Does what a block says.

        Raises:
            BlockError: it fails, or the block is not as it should be.
        """
        where = f"{self.name}:{block.line}"
        if block.language not in _KINDS:
            raise BlockError(
                f"{where}: a block has the language {block.language!r}; take one of "
                f"{', '.join(_KINDS)}, text for output"
            )
        if block.left_out not in {None, *REASONS}:
            raise BlockError(f"{where}: {block.left_out!r} is no reason; {REASONS} are")
        try:
            self._run(block, self.manner.rewrite(block.text), where)
        except (BlockError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise BlockError(f"{where}: {type(error).__name__}: {error}") from error

    def _run(self, block: Block, text: str, where: str) -> None:
        parse = _KINDS[block.language]
        if parse is not None:
            parse(text)
        if block.left_out is not None:
            return
        if block.file is not None:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif block.language == "python":
            self._python(text, block)
        elif block.language == "bash":
            self._bash(text, where)

    def _python(self, text: str, block: Block) -> None:
        # Line numbers are those of the page.
        code = compile(
            "\n" * (block.line - 1) + text, self.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )
        if code.co_flags & 0x80:  # it awaits; else it may have a loop of its own
            self.loop.run(_awaited(code, self.namespace))
        else:
            exec(code, self.namespace)  # noqa: S102 - a page of the project

    def _bash(self, text: str, where: str) -> None:
        lines = [line for line in logical_lines(text) if not line.lstrip().startswith("#")]
        calls = [plain(line) for line in lines]
        by_shell = self.manner.langnet is None or None in calls
        rest = [
            line
            for line, call in zip(lines, calls, strict=True)
            if call is None or call.arguments[:1] == [] or call.arguments[0] not in SERVERS
        ]
        for line in lines:
            if line not in rest:
                self._serve(line, where)
            elif not by_shell:
                self._call(line, where)
        if by_shell and rest:
            self._shell(text if rest == lines else "\n".join(rest), where)

    def _call(self, line: str, where: str) -> None:
        call = plain(line)  # only now are the files there that its patterns stand for
        if call is None or self.manner.langnet is None:
            raise AssertionError(line)
        if code := self.manner.langnet(call):
            raise BlockError(f"{where}: langnet {shlex.join(call.arguments)} exits with {code}")

    def _shell(self, script: str, where: str) -> None:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=False)  # noqa: S603, S607
        if done.returncode:
            raise BlockError(f"{where}: exit code {done.returncode} of\n{script}")

    def _serve(self, line: str, where: str) -> None:
        call = plain(line)
        if call is None:
            raise AssertionError(line)
        arguments = self.manner.arguments(call.arguments)
        if "--port" not in arguments:
            usual = USUAL_PORT if arguments[0] == "serve" else free_port()
            arguments = [*arguments, "--port", usual]
        port = int(arguments[arguments.index("--port") + 1])
        command = [*self.manner.program, *arguments]
        server = subprocess.Popen(command, start_new_session=True)  # noqa: S603
        last = time.monotonic() + _START
        while time.monotonic() < last and server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                self.servers.append(server)
                return
            time.sleep(0.05)
        _ended(server)
        raise BlockError(f"{where}: nothing listens at {port} after {shlex.join(arguments)}")


async def _awaited(code: Any, namespace: dict[str, Any]) -> None:
    await eval(code, namespace)  # noqa: S307 - a page of the project


def free_port() -> str:
    """A port that nothing listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def _ended(server: subprocess.Popen[bytes]) -> int:
    """Ends a server in order; its exit code, 0 too where it says that it was interrupted."""
    server.send_signal(signal.SIGTERM)
    try:
        code = server.wait(_START)
    except subprocess.TimeoutExpired:
        server.kill()
        code = server.wait()
    return 0 if code in {0, 130, -signal.SIGTERM} else code


_KINDS: dict[str, Callable[[str], Any] | None] = {
    "python": lambda text: compile(text, "page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT),
    "bash": None,
    **dict.fromkeys(SHOWN),
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines() if line.strip()],
    "toml": tomllib.loads,
    "csv": lambda text: list(csv.reader(io.StringIO(text), strict=True)),
}


def run_page(page: Path, folder: Path, manner: Manner) -> int:
    """Runs a page's blocks in a folder; how many there were.

    Raises:
        BlockError: a block does not do what the page says.
    """
    text = page.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    variables = {
        **os.environ,
        **manner.environment,
        "PATH": os.pathsep.join(
            (*manner.path, str(Path(sys.executable).parent), os.environ["PATH"])
        ),
    }
    found = blocks_of(text)
    with _surroundings(folder, variables):
        session = Session(page.name, manner)
        try:
            for block in found:
                manner.tell(block, None)
                began = time.monotonic()
                session.run(block)
                manner.tell(block, time.monotonic() - began)
        finally:
            codes = session.close()
    if any(codes):
        raise BlockError(f"{page.name}: its servers end with {codes}")
    return len(found)


@contextlib.contextmanager
def _surroundings(folder: Path, variables: dict[str, str]) -> Iterator[None]:
    """What a page finds: folder, variables, path, modules. Afterwards all is as it was."""
    before, path, modules = dict(os.environ), list(sys.path), set(sys.modules)
    here = str(folder.resolve())
    os.environ.update(variables)
    sys.path.insert(0, here)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(here):
                del sys.modules[name]


def main() -> None:
    """Runs pages in the current folder, and tells each block and its seconds."""
    parser = argparse.ArgumentParser(description="Run the code blocks of pages, one by one.")
    parser.add_argument("pages", nargs="+", type=Path)
    began = time.monotonic()

    def tell(block: Block, seconds: float | None) -> None:
        if block.language in SHOWN:
            return
        if seconds is not None:
            print(f"--- line {block.line}: {seconds:.1f} s", flush=True)  # noqa: T201
            return
        head = f"file {block.file}" if block.file else f"not run: {block.left_out}"
        head = head if block.file or block.left_out else block.language
        shown = textwrap.indent(block.text, "  ")
        print(f"\n=== line {block.line} ({head})\n{shown}", end="", flush=True)  # noqa: T201

    for page in parser.parse_args().pages:
        try:
            number = run_page(page, Path.cwd(), Manner(tell=tell))
        except BlockError as error:
            if error.__cause__ is not None:
                traceback.print_exception(error.__cause__)
            sys.exit(str(error))
        print(f"{page.name}: {number} blocks, {time.monotonic() - began:.0f} s in all")  # noqa: T201


if __name__ == "__main__":
    main()
