"""`langnet guide`: what a person says of a fit, while it goes on or between two sessions."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from langnet.cli.group import Command, Group, common, note, output, print_json
from langnet.cli.guide_table import said_table
from langnet.cli.prompts import text_of
from langnet.guidance import Entry, Guidance
from langnet.recorded import Recorded
from langnet.report.live import read_live
from langnet.report.words import counted

__all__ = ["guide"]

F = TypeVar("F", bound=Callable[..., None])


def _of_run(function: F) -> F:
    """Gives a command the run directory, read not before its help has been shown."""

    @wraps(function)
    @click.pass_obj
    def with_run(path: Path, /, **given: Any) -> None:
        function(Recorded(path), **given)

    return with_run  # type: ignore[return-value]


class _Guide(Group):
    """A group that has options behind its argument where no command follows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses RUN and the options; what follows belongs to the command."""
        ctx.allow_interspersed_args = self.commands.keys().isdisjoint(args[1:])
        return super().parse_args(ctx, args)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return ""


def _text_of(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    return None if value is None else text_of(value)


_prompt = click.option("--prompt", metavar="NAME", help="The prompt; by default all of them.")
_by = click.option("--by", default=_user, show_default="the user's name", help="Who says so.")
_text = click.argument("text", callback=_text_of)


@click.group("guide", cls=_Guide, invoke_without_command=True, subcommand_metavar="[COMMAND …]")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@common
@click.pass_context
def guide(context: click.Context, run: Path, *, as_json: bool) -> None:
    """Say something of the fit in the run directory RUN, or show what was said.

    A fit takes what is new before its next step, and one that is not running when it is resumed.
    TEXT may be @FILE.

    Examples:
        langnet guide runs/first
        langnet guide runs/first rate train:17 bad --because "It is an opinion."
        langnet guide runs/first feedback "Answer with the label alone." --prompt answer
        langnet guide runs/first pin thoughts
        langnet guide runs/first pause
    """
    context.obj = run
    if context.invoked_subcommand is not None:
        return
    said = Recorded(run).said()
    live = read_live(run)
    if live is not None:
        note(f"The fit is {live.status}; {live.step} of {counted(live.steps, 'step')} done.")
    for fault in Guidance.at(run).heard()[1]:
        note(fault)
    if as_json:
        print_json(
            [
                {**item.entry.to_json(), "taken": item.is_taken, "refused": item.refused or None}
                for item in said
            ]
        )
    elif said:
        output().print(said_table(said))
    else:
        click.echo(f"Nobody has said anything of {run}; langnet guide --help says how.")


@guide.command("rate", cls=Command)
@click.argument("example")
@click.argument("verdict", type=click.Choice(("good", "bad")))
@click.option("--node", metavar="NAME", help="The rated node; by default the one that answers.")
@click.option("--output", metavar="TEXT", help="The rated text; by default the latest.")
@click.option("--because", metavar="TEXT", default="", help="Why; proposers are told.")
@_by
@common
@_of_run
def rate(
    run: Recorded,
    example: str,
    verdict: str,
    *,
    node: str | None,
    output: str | None,
    because: str,
    by: str,
    as_json: bool,
) -> None:
    """Say that the text of a node for EXAMPLE is good, or that it is bad.

    Proposers are shown it before the examples of the batch, in the place of what the metric says of
    the same text.

    Examples:
        langnet guide runs/first rate train:17 good
        langnet guide runs/first rate train:17 bad --node thoughts --because "Too long."
    """
    rated = run.rating(example, node=node, output=output)
    entry = Entry(
        kind="rating",
        example=example,
        node=rated.node,
        output=rated.output,
        good=verdict == "good",
        text=because,
        texts=rated.texts,
        by=by,
    )
    _add(run, entry, as_json=as_json)
    note(f"Rated {verdict}, {rated.node} for {example}: {rated.output}")


@guide.command("feedback", cls=Command)
@_text
@_prompt
@_by
@common
@_of_run
def feedback(run: Recorded, text: str, *, prompt: str | None, by: str, as_json: bool) -> None:
    """Tell the proposers TEXT from now on, and have a proposal made of it in the next step.

    Examples:
        langnet guide runs/first feedback "Answer with the label alone."
        langnet guide runs/first feedback @remarks.txt --prompt answer
    """
    _add(run, Entry(kind="feedback", text=text, prompt=prompt, by=by), as_json=as_json)


def _about_a_text(kind: Any, text: str) -> None:
    """A command that says something of a prompt's text."""

    @guide.command(kind, cls=Command, help=text)
    @click.argument("prompt")
    @_text
    @_by
    @common
    @_of_run
    def command(run: Recorded, prompt: str, text: str, *, by: str, as_json: bool) -> None:
        _add(run, Entry(kind=kind, prompt=prompt, text=text, by=by), as_json=as_json)


_about_a_text(
    "candidate",
    """Enter TEXT for PROMPT into the next step, where it is scored like any other.

    Examples:
        langnet guide runs/first candidate answer "Say whether it is an opinion."
        langnet guide runs/first candidate answer @better.txt
    """,
)
_about_a_text(
    "ban",
    """Keep PROMPT from being TEXT: it is not chosen, and not shipped as the best.

    Examples:
        langnet guide runs/first ban thoughts "Let's think step by step."
    """,
)
_about_a_text(
    "unban",
    """Allow PROMPT to be TEXT again.

    Examples:
        langnet guide runs/first unban thoughts "Let's think step by step."
    """,
)


@guide.command("pin", cls=Command)
@click.argument("prompt")
@click.argument("text", required=False, callback=_text_of)
@_by
@common
@_of_run
def pin(run: Recorded, prompt: str, text: str | None, *, by: str, as_json: bool) -> None:
    """Set PROMPT to TEXT, or to what it is at present, and leave it so until it is unpinned.

    Examples:
        langnet guide runs/first pin thoughts
        langnet guide runs/first pin thoughts "Say what kind of text this is."
    """
    run.check(prompt)
    text = run.prompts[prompt] if text is None else text
    _add(run, Entry(kind="pin", prompt=prompt, text=text, by=by), as_json=as_json)


@guide.command("unpin", cls=Command)
@click.argument("prompt")
@_by
@common
@_of_run
def unpin(run: Recorded, prompt: str, *, by: str, as_json: bool) -> None:
    """Let the fit change PROMPT again.

    Examples:
        langnet guide runs/first unpin thoughts
    """
    _add(run, Entry(kind="unpin", prompt=prompt, by=by), as_json=as_json)


@guide.command("propose", cls=Command)
@click.argument("count", type=click.IntRange(min=1), default=4)
@_prompt
@_by
@common
@_of_run
def propose(run: Recorded, count: int, *, prompt: str | None, by: str, as_json: bool) -> None:
    """Ask for COUNT more proposals in the next step, made from what people said; 4 by default.

    Examples:
        langnet guide runs/first propose
        langnet guide runs/first propose 8 --prompt answer
    """
    _add(run, Entry(kind="proposals", count=count, prompt=prompt, by=by), as_json=as_json)


def _control(kind: Any, text: str) -> None:
    """A command that says when the fit goes on."""

    @guide.command(kind, cls=Command, help=text)
    @_by
    @common
    @_of_run
    def command(run: Recorded, *, by: str, as_json: bool) -> None:
        _add(run, Entry(kind=kind, by=by), as_json=as_json)


_control(
    "pause",
    """Let the fit wait before its next step.

    Examples:
        langnet guide runs/first pause
    """,
)
_control(
    "resume",
    """Let a paused fit go on.

    Examples:
        langnet guide runs/first resume
    """,
)
_control(
    "stop",
    """End the fit before its next step, with the best so far; `--resume` goes on.

    Examples:
        langnet guide runs/first stop
    """,
)


def _add(run: Recorded, entry: Entry, *, as_json: bool) -> None:
    run.check(entry.prompt)
    Guidance.at(run.path).add(entry)
    if as_json:
        print_json(entry.to_json())
    elif entry.kind != "rating":
        note(f"The fit takes it before its next step ({run.path}).")
