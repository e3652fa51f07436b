"""The options that several commands have, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, TypeVar

import click

from langnet import tasks
from langnet.cli.group import Option
from langnet.cli.paper import PAPER, data_defaults
from langnet.data import PRESETS
from langnet.errors import DataError
from langnet.lm.retry import Retries
from langnet.metrics import METRICS

__all__ = [
    "F",
    "applied",
    "candidates_option",
    "data_options",
    "feedback_option",
    "files_option",
    "freeze_option",
    "metric_option",
    "model_options",
    "network_options",
    "option",
    "prompt_options",
    "proposer_option",
    "size_option",
    "task_options",
    "whole_or",
]

F = TypeVar("F", bound=Callable[..., Any])
"""A command's function, before or after an option is added."""
_DATA, _MODEL, _PROMPTS = "Data", "Models", "Prompts"


def whole_or(word: str, *, least: int) -> Callable[[Any], int | None]:
    """A whole number, or a word that stands for `None`."""

    def convert(value: Any) -> int | None:
        if value is None or value == word:
            return None
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if number < least:
            raise click.BadParameter(f"{value!r} is no whole number from {least}, nor {word!r}")
        return number

    return convert


def _seconds_or(word: str) -> Callable[[Any], float | None]:
    """Seconds, above zero, or a word that stands for `None`."""

    def convert(value: Any) -> float | None:
        if value is None or value == word:
            return None
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < inf:
            raise click.BadParameter(f"{value!r} is no number of seconds above 0, nor {word!r}")
        return seconds

    return convert


def option(group: str, *names: str, **settings: Any) -> Callable[[F], F]:
    """An option that the help lists under a group."""
    return click.option(*names, cls=Option, group=group, **settings)


def applied(function: F, options: list[Callable[[F], F]]) -> F:
    """A command's function with several options, in their order."""
    for add in reversed(options):
        function = add(function)
    return function


def _task_spec(value: str) -> str:
    """The text that names a generated task, perhaps with settings, if there is such a task."""
    try:
        return tasks.get(value).spec
    except DataError as error:
        raise click.BadParameter(str(error)) from None


def task_options(function: F) -> F:
    """Which generated task a network is made for."""
    return option(
        _DATA,
        "--task",
        type=_task_spec,
        metavar="NAME[:SETTING=VALUE,…]",
        help="A task with generated examples (langnet tasks); by default the network's own.",
    )(function)


def size_option(part: str, default: int, use: str) -> Callable[[F], F]:
    """How many examples a part of the data has."""
    return option(
        _DATA,
        f"--{part}-size",
        type=whole_or("all", least=0),
        metavar="N|all",
        default=default,
        show_default=True,
        help=f"Examples {use}, at most.",
    )


def metric_option(function: F) -> F:
    """What is measured."""
    return option(
        _DATA,
        "--metric",
        type=click.Choice(sorted(METRICS)),
        help="Compares an answer with its target; by default the task's own, exact for files.",
    )(function)


def data_options(function: F) -> F:
    """Where examples come from."""
    return applied(
        task_options(function),
        [
            option(
                _DATA,
                "--data",
                type=click.Path(exists=True, dir_okay=False),
                help="A file of examples: .jsonl, .json, .csv or .tsv, also with .gz.",
            ),
            option(
                _DATA,
                "--preset",
                type=click.Choice([*sorted(PRESETS), *PAPER]),
                is_eager=True,  # before the options whose defaults it sets
                callback=data_defaults,
                metavar="NAME",
                help="The file is in this published format; paper/NAME also sets the prompts and "
                f"the method as in the DLN paper. One of {', '.join([*sorted(PRESETS), *PAPER])}.",
            ),
            option(
                _DATA,
                "--input",
                multiple=True,
                metavar="COLUMN",
                help="The input's column; NAME=COLUMN, repeated, where there are several inputs.",
            ),
            option(_DATA, "--target", metavar="COLUMN", help="The column of the right answers."),
            option(
                _DATA,
                "--labels",
                metavar="VALUE=LABEL,…",
                help="What the values in the file stand for, as in 0=subjective,1=objective.",
            ),
            option(
                _DATA,
                "--instruction",
                metavar="TEXT",
                help="Says what to do: the task's description. @FILE takes it from a file.",
            ),
            option(
                _DATA,
                "--data-seed",
                type=int,
                default=0,
                show_default=True,
                help="Decides which examples there are and what each is for.",
            ),
        ],
    )


def model_options(function: F) -> F:
    """What is called, and where its answers are kept."""
    return applied(
        function,
        [
            option(
                _MODEL,
                "--model",
                multiple=True,
                metavar="SPEC",
                help="local:NAME, openai:NAME@URL, …; NAME=SPEC for nodes that call another model. "
                "By default local:smollm2.",
            ),
            option(
                _MODEL,
                "--models",
                type=click.Path(exists=True, dir_okay=False),
                help="A file that declares models by name (.yaml, .toml); --model comes before it.",
            ),
            option(
                _MODEL,
                "--cache",
                metavar="DIR|none",
                help="Where answers are kept; by default in the user's cache directory.",
            ),
            option(
                _MODEL,
                "--pull",
                is_flag=True,
                help="Download a model of the catalogue that is not there.",
            ),
            option(
                _MODEL,
                "--retries",
                type=click.IntRange(min=0),
                metavar="N",
                default=Retries().attempts - 1,
                show_default=True,
                help="How often a server's call that failed is made again.",
            ),
            option(
                _MODEL,
                "--call-deadline",
                type=_seconds_or("none"),
                metavar="SECONDS|none",
                default=Retries().call_deadline,
                show_default=True,
                help="How long a server's call may take, with all its attempts and waits.",
            ),
            option(
                _MODEL,
                "--run-deadline",
                type=_seconds_or("none"),
                metavar="SECONDS|none",
                default="none",
                show_default=True,
                help="How long models may be asked in all; what there is by then is kept.",
            ),
            option(
                _MODEL,
                "--requests-per-minute",
                type=click.FloatRange(min=1),
                metavar="N",
                help="What a server is sent in any minute; by default as its headers say.",
            ),
            option(
                _MODEL,
                "--tokens-per-minute",
                type=click.FloatRange(min=1),
                metavar="N",
                help="The same of tokens, of contexts and answers together.",
            ),
            option(
                _MODEL,
                "--max-concurrency",
                type=click.IntRange(min=1),
                metavar="N",
                help="Requests that are open at a server at once; by default as many as go well.",
            ),
        ],
    )


def files_option(name: str, text: str) -> Callable[[F], F]:
    """A further file of examples."""
    return option(_DATA, f"--{name}", type=click.Path(exists=True, dir_okay=False), help=text)


def proposer_option(function: F) -> F:
    """The model that proposes prompts."""
    return option(
        _MODEL,
        "--proposer",
        metavar="SPEC",
        help="The model that proposes prompts; by default the one that the nodes call.",
    )(function)


def prompt_options(function: F) -> F:
    """What the prompts are at the start."""
    return applied(
        function,
        [
            option(
                _PROMPTS,
                "--prompt",
                multiple=True,
                metavar="NAME=TEXT",
                help="A prompt at the start; NAME=@FILE takes it from a file.",
            ),
            option(
                _PROMPTS,
                "--prompts",
                type=click.Path(exists=True, dir_okay=False),
                help="A file of prompts: prompts.yaml of a run, what langnet prompts writes, or "
                "the state of a DSPy program (.json).",
            ),
            option(
                _PROMPTS,
                "--calibrate",
                is_flag=True,
                help="Calibrate the choices of every node (contextual calibration).",
            ),
        ],
    )


def freeze_option(function: F) -> F:
    """Which prompts are not fitted."""
    return option(
        _PROMPTS,
        "--freeze",
        multiple=True,
        metavar="NAME",
        help="A prompt that stays as it is.",
    )(function)


def feedback_option(function: F) -> F:
    """What a person says of a prompt's outputs."""
    return option(
        _PROMPTS,
        "--feedback",
        multiple=True,
        metavar="NAME=TEXT",
        help="What you would tell the writer of a prompt; proposers see it. NAME=@FILE reads it.",
    )(function)


def candidates_option(function: F) -> F:
    """Prompts that somebody has already."""
    return option(
        _PROMPTS,
        "--candidates-from",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="A file of prompts that the first step scores beside what is proposed: a line each, "
        "or with --- or empty lines between them; lists by name in .json, .yaml; .jsonl.",
    )(function)


def network_options(function: F) -> F:
    """How a network is made: its own settings, and whether a graph file may name any function."""
    return applied(
        function,
        [
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="NAME=VALUE",
                help="A setting of the network: a keyword of its network(task, …). Repeatable.",
            ),
            click.option(
                "--trust",
                is_flag=True,
                help="Import the functions that a graph file names, which runs their modules' "
                "code.",
            ),
        ],
    )
