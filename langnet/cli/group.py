"""What all commands share: exit codes, grouped help, `--json` and `--debug`, interruption."""

from __future__ import annotations

import asyncio
import inspect
import json
import shlex
import signal
import sys
import textwrap
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import anyio
import click
from rich.console import Console, RenderableType

from langnet.cli import event_loop
from langnet.errors import LangnetError, RunDeadlineExceeded
from langnet.lm.connect import SpecError

__all__ = [
    "CUT_OFF",
    "Command",
    "Group",
    "Main",
    "Option",
    "arguments",
    "command_line",
    "common",
    "note",
    "on_interrupt",
    "output",
    "print_json",
    "print_report",
    "run_async",
]

CUT_OFF = 3
"""The exit code where the deadline of the run came first."""
_INTERRUPTED = 130
_WIDTH = 100
_DEBUG = "langnet.debug"
_ARGUMENTS = "langnet.arguments"
_HINT = "langnet.hint"

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class _WithExamples(click.Command):
    """Shows the lines below "Examples:" in its help as they are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help, _, examples = inspect.cleandoc(self.help or "").partition("\n\nExamples:\n")
        self.examples = textwrap.dedent(examples).strip()

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the help's text and the examples."""
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write(textwrap.indent(self.examples, "  ") + "\n")


class Group(_WithExamples, click.Group):
    """A group of commands that does something by itself."""


class Main(Group):
    """The group of all commands: turns errors into messages and exit codes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remembers the arguments, so that a message can repeat them."""
        ctx.meta[_ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except SpecError as error:
            _trace(ctx)
            raise click.UsageError(str(error)) from error
        except BrokenPipeError:
            raise  # who read has enough, and click ends quietly
        except (LangnetError, OSError) as error:
            _trace(ctx)
            click.echo(f"Error: {error}", err=True)
            for line in getattr(error, "__notes__", ()):
                click.echo(f"  {line}", err=True)
            ctx.exit(CUT_OFF if isinstance(error, RunDeadlineExceeded) else 1)
        except KeyboardInterrupt:
            _trace(ctx)
            click.echo("Interrupted.", err=True)
            if hint := ctx.meta.get(_HINT):
                click.echo(hint, err=True)
            ctx.exit(_INTERRUPTED)


class Option(click.Option):
    """An option that the help shows under a heading of its own."""

    def __init__(self, *args: Any, group: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class Command(_WithExamples):
    """A command whose help shows its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, those without a group last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and record is not None:
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        groups["Options"] = groups.pop("Options", [])
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def common(function: F) -> F:
    """Adds `--json` and `--debug`."""

    def debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        context.meta[_DEBUG] = value

    function = click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=debug,
        help="Show the traceback of an error.",
    )(function)
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON document on the standard output, and nothing else there.",
    )(function)


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Runs a command's work; an interruption ends it in order.

    The first Ctrl-C, or SIGTERM, cancels the work and lets it close what it has open; a second
    Ctrl-C ends it at once.

    Raises:
        KeyboardInterrupt: the work was interrupted.
    """
    results: list[T] = []

    async def guarded() -> None:
        with anyio.CancelScope() as scope, _cancelled_by_sigterm(scope):
            results.append(await work())

    # Ctrl-C needs nothing here: asyncio cancels the work, then raises KeyboardInterrupt.
    event_loop.run(guarded)
    if not results:
        raise KeyboardInterrupt
    return results[0]


def on_interrupt(hint: str) -> None:
    """Sets what is said when the command is interrupted from here on."""
    click.get_current_context().meta[_HINT] = hint


def arguments() -> tuple[str, ...]:
    """The arguments of the program as they were given, the command's name first."""
    given: tuple[str, ...] = click.get_current_context().meta.get(_ARGUMENTS, ())
    return given


def command_line(*more: str) -> str:
    """The command as it was given, with more arguments, ready to be pasted."""
    given = arguments()
    return shlex.join(("langnet", *given, *(word for word in more if word not in given)))


def note(text: str) -> None:
    """Says something besides the result, on the standard error."""
    click.echo(text, err=True)


def output() -> Console:
    """The standard output, for tables and texts that are shown as they are."""
    # Where there is no terminal there is no width to keep to.
    width = None if sys.stdout.isatty() else _WIDTH
    return Console(highlight=False, markup=False, width=width)


def print_report(parts: Iterable[RenderableType]) -> None:
    """Prints tables, and sentences in one line each, which a terminal wraps as it likes."""
    console = output()
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))


def print_json(data: Mapping[str, Any] | list[Any]) -> None:
    """Prints the command's document."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _trace(ctx: click.Context) -> None:
    if ctx.meta.get(_DEBUG):
        traceback.print_exc(file=sys.stderr)


@contextmanager
def _cancelled_by_sigterm(scope: anyio.CancelScope) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers belong to the main thread
        return
    loop = asyncio.get_running_loop()

    def cancel(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(scope.cancel)

    before = signal.signal(signal.SIGTERM, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
