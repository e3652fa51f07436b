"""`langnet export`: collected solutions as data for trainers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from langnet.cli.group import Command, common, output, print_json
from langnet.cli.options import F, applied
from langnet.collect import Collected, Solution, read_solutions
from langnet.errors import DataError
from langnet.export import Demonstrations, Export, Judgements, Preferences, Verifications, writing
from langnet.key import Key
from langnet.lm.base import joined
from langnet.report.words import counted
from langnet.template import Template

__all__ = ["export_command"]

_KINDS = {
    "pairs": "Pairs of a right and a wrong solution, for DPO.",
    "traces": "The right solutions, for SFT.",
    "judgements": "Every solution with whether it is right, for KTO.",
    "verification": "Every solution as a question to a generative verifier, for SFT.",
}


def _files(function: F) -> F:
    """An option for each kind of file."""
    return applied(
        function,
        [
            click.option(f"--{name}", type=click.Path(dir_okay=False), metavar="FILE", help=text)
            for name, text in _KINDS.items()
        ],
    )


@click.command("export", cls=Command)
@click.argument("pools", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@_files
@click.option("--cap", type=click.IntRange(min=1), metavar="N", help="Rows of an example, at most.")
@click.option("--balanced", is_flag=True, help="As many right as wrong ones of each example.")
@click.option("--messages", is_flag=True, help="Write messages of a user and an assistant.")
@click.option(
    "--context",
    metavar="TEMPLATE",
    help="What a trainer sees before a solution, as in '{text}', in the place of what the model "
    "saw; so that solutions under several prompts can be paired.",
)
@click.option(
    "--question",
    default="Is the answer correct (Yes/No)?",
    show_default=True,
    help="What a verifier is asked after a solution.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides what a cap keeps.")
@common
def export_command(pools: Sequence[str], *, as_json: bool, **options: Any) -> None:
    """Make data for trainers of POOLS, the files that langnet collect or langnet rounds wrote.

    Rows are JSON lines in the columns of TRL; a file NAME.meta.json beside each says how it was
    made. Several pools, of several rounds or models, count as one.

    Examples:
        langnet export pool.jsonl --pairs pairs.jsonl --traces sft.jsonl --verification v.jsonl
        langnet export runs/vstar-rounds/round*/train.jsonl --pairs pairs.jsonl --context "{text}"
    """
    wanted = {name: options[name] for name in _KINDS if options[name] is not None}
    if not wanted:
        raise click.UsageError(f"say what to write: {', '.join(f'--{name}' for name in _KINDS)}")
    pool = sum(map(read_solutions, pools), Collected(()))
    if not pool.solutions:
        raise DataError(f"there are no solutions in {', '.join(pools)}")
    seen = _contexts(options["context"])
    key = Key(("export", options["seed"]))
    counts = {}
    for name, path in wanted.items():
        with writing(
            *(path, _export(name, options)),
            key=key / name,
            conversational=options["messages"],
            about={"pools": list(pools)},
        ) as writer:
            for solutions in pool.by_example().values():
                writer.add([seen(one) for one in solutions])
        counts[name] = dict(writer.counts)
    if as_json:
        print_json({"files": wanted, "counts": counts})
        return
    for name, path in wanted.items():
        rows, examples = counts[name]["rows"], counted(counts[name]["questions"], "example")
        output().print(f"{path}: {counted(rows, 'row')} of {examples}.", soft_wrap=True)


def _export(name: str, options: dict[str, Any]) -> Export:
    if name == "pairs":
        return Preferences(cap=options["cap"])
    if name == "traces":
        return Demonstrations(cap=options["cap"])
    if name == "judgements":
        return Judgements(balanced=options["balanced"])
    question = options["question"]

    def asked(solution: Solution) -> str:
        text = joined(solution.context, solution.text)
        return f"{solution.context}{text}\n\n{question}"

    return Verifications(asked, balanced=options["balanced"])


def _contexts(template: str | None) -> Callable[[Solution], Solution]:
    """Puts what a template makes of an example's inputs in the place of what the model saw."""
    if template is None:
        return lambda solution: solution
    parsed = Template.parse(template)

    def seen(solution: Solution) -> Solution:
        missing = [name for name in parsed.parents if name not in solution.inputs]
        if missing:
            raise DataError(
                f"--context reads {missing[0]!r}, but example {solution.example!r} has "
                f"{', '.join(solution.inputs)}"
            )
        return replace(solution, context=parsed.render(solution.inputs))

    return seen
