"""`langnet pools`: two pools of solutions beside each other, at the same cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from langnet.cli.group import Command, common, output, print_json
from langnet.collect import read_solutions
from langnet.key import Key
from langnet.pools import Yield, match
from langnet.report.table import measured
from langnet.report.words import amount, counted

__all__ = ["pools_command"]

_POOL = click.Path(exists=True, dir_okay=False)


@click.command("pools", cls=Command)
@click.argument("weak", type=_POOL)
@click.argument("strong", type=_POOL)
@click.option(
    "--prices",
    type=click.Tuple([click.FloatRange(min=0, min_open=True)] * 2),
    required=True,
    metavar="WEAK STRONG",
    help="What a draw of either costs: parameters, tokens or money.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    metavar="N",
    help="Draws of STRONG; by default as many as both pools allow.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides the resampling.")
@common
def pools_command(weak: str, strong: str, *, as_json: bool, **options: Any) -> None:
    """Compare WEAK and STRONG, files of langnet collect on the same examples, at the same cost.

    Coverage is the chance that one of the draws is right, diversity the number of different right
    solutions among them. The control has as many draws of WEAK as of STRONG.

    Examples:
        langnet pools weak.jsonl strong.jsonl --prices 9 27
        langnet pools weak.jsonl strong.jsonl --prices 0.5 2 --draws 4 --json
    """
    found = match(
        read_solutions(weak),
        read_solutions(strong),
        prices=options["prices"],
        draws=options["draws"],
        key=Key(("pools", options["seed"])),
    )
    if as_json:
        print_json(asdict(found))
        return
    table = Table(title=f"{counted(found.examples, 'example')}, 95% intervals")
    for name in ("pool", "draws", "cost", "coverage", "diversity"):
        table.add_column(name)
    rows: dict[str, Yield] = {
        strong: found.strong,
        f"{weak}, same cost": found.weak,
        f"{weak}, same draws": found.equal,
    }
    for name, one in rows.items():
        table.add_row(
            *(name, str(one.draws), amount(one.cost)),
            *(measured(one.coverage), measured(one.diversity)),
        )
    gains = measured(found.coverage_gain), measured(found.diversity_gain)
    table.add_row("gain of weak at the same cost", "", "", *gains, style="bold")
    output().print(table)
