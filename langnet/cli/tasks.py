"""`langnet tasks`: the tasks whose examples are generated, and what such examples look like."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table
from rich.text import Text

from langnet import tasks
from langnet.cli.group import Command, Group, common, output, print_json
from langnet.tasks import Setting, Task

__all__ = ["tasks_command"]


@click.group("tasks", cls=Group, invoke_without_command=True)
@common
@click.pass_context
def tasks_command(context: click.Context, *, as_json: bool) -> None:
    """List the generated tasks, or show one of them.

    Examples:
        langnet tasks
        langnet tasks show scan:split=length
    """
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@tasks_command.command("list", cls=Command)
@common
def list_tasks(*, as_json: bool) -> None:
    """List the generated tasks.

    Examples:
        langnet tasks list
        langnet tasks list --json
    """
    _list(as_json=as_json)


def _list(*, as_json: bool) -> None:
    found = [tasks.get(name) for name in tasks.names()]
    if as_json:
        print_json([_about(task) for task in found])
        return
    table = Table()
    table.add_column("task", no_wrap=True)
    table.add_column("what is asked")
    table.add_column("settings")
    for task in found:
        settings = ", ".join(name for name in task.settings if name != "part")
        table.add_row(*map(Text, (task.name, task.summary, settings)))
    output().print(table)


@tasks_command.command("show", cls=Command)
@click.argument("name", metavar="NAME[:SETTING=VALUE,…]")
@click.option(
    "-n", "count", type=click.IntRange(min=0), default=3, show_default=True, help="Examples."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides which examples.")
@common
def show(name: str, *, count: int, seed: int, as_json: bool) -> None:
    """Show the task NAME: its settings, prompts and some examples.

    Examples:
        langnet tasks show countdown
        langnet tasks show scan:split=length,part=test -n 5
        langnet tasks show logical_deduction:objects=7 --json
    """
    task = tasks.get(name)
    examples = task.generate(count, seed=seed)
    if as_json:
        shown = [{"id": e.id, "inputs": e.inputs, "targets": e.targets} for e in examples]
        print_json({**_about(task), "examples": shown})
        return
    console = output()
    console.print(f"{task.spec}: {task.summary}", soft_wrap=True)
    console.print(f"answers: {', '.join(task.labels) or 'free text'}", soft_wrap=True)
    for key, setting in task.settings.items():
        console.print(
            f"setting {key}={_told(task.chosen[key])}: {setting.about}{_range(setting)}",
            soft_wrap=True,
        )
    for key, prompt in task.prompts.items():
        console.print(f"prompt {key}: {prompt}", soft_wrap=True)
    for example in examples:
        console.print(f"\n--- {example.id}")
        for text in example.inputs.values():
            console.print(str(text), soft_wrap=True)
        for node, target in example.targets.items():
            console.print(f"→ {node}: {target}", soft_wrap=True)


def _about(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "summary": task.summary,
        "inputs": list(task.inputs),
        "labels": list(task.labels),
        "settings": {
            name: {
                "value": task.chosen[name],
                "default": setting.default,
                "about": setting.about,
                "choices": list(setting.choices),
            }
            for name, setting in task.settings.items()
        },
        "prompts": dict(task.prompts),
    }


def _told(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _range(setting: Setting) -> str:
    """What a setting may be, where it is not everything."""
    if setting.choices:
        return f" ({', '.join(map(str, setting.choices))})"
    if setting.least > float("-inf"):
        return f" ({setting.least} to {setting.most})"
    return ""
