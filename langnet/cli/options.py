"""The options that several commands have, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from langnet import tasks
from langnet.cli.group import Option
from langnet.data import PRESETS
from langnet.metrics import METRICS
from langnet.vi.guide import GUIDES
from langnet.vi.method import Method
from langnet.vi.posterior import Inference
from langnet.vi.strategies import STRATEGIES

__all__ = [
    "data_options",
    "failures_option",
    "files_option",
    "freeze_option",
    "method_of",
    "method_options",
    "metric_option",
    "model_options",
    "prompt_options",
    "proposer_option",
    "size_option",
    "task_options",
    "trust_option",
]

F = TypeVar("F", bound=Callable[..., Any])
_DATA, _MODEL, _PROMPTS, _METHOD = "Data", "Models", "Prompts", "Method"


def _whole_or(word: str, *, least: int) -> Callable[[Any], int | None]:
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


def _mix(value: str) -> dict[str, float]:
    """Shares of strategies, such as demonstrations=3,rewrite=1."""
    shares = {}
    for item in value.split(","):
        name, _, share = item.partition("=")
        try:
            shares[name.strip()] = float(share or 1)
        except ValueError:
            raise click.BadParameter(f"{share!r} is no number; write {name}=1") from None
    return shares


def _option(group: str, *names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, cls=Option, group=group, **settings)


def _apply(function: F, options: list[Callable[[F], F]]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def task_options(function: F) -> F:
    """Which generated task a network is made for."""
    return _option(
        _DATA,
        "--task",
        type=click.Choice(tasks.names()),
        help="A task whose examples are generated; by default the network's own TASK.",
    )(function)


def size_option(part: str, default: int, use: str) -> Callable[[F], F]:
    """How many examples a part of the data has."""
    return _option(
        _DATA,
        f"--{part}-size",
        type=_whole_or("all", least=0),
        metavar="N|all",
        default=default,
        show_default=True,
        help=f"Examples {use}, at most.",
    )


def metric_option(function: F) -> F:
    """What is measured."""
    return _option(
        _DATA,
        "--metric",
        type=click.Choice(sorted(METRICS)),
        default="exact",
        show_default=True,
        help="Compares an answer with its target.",
    )(function)


def data_options(function: F) -> F:
    """Where examples come from."""
    return _apply(
        task_options(function),
        [
            _option(
                _DATA,
                "--data",
                type=click.Path(exists=True, dir_okay=False),
                help="A file of examples: .jsonl, .json, .csv or .tsv, also with .gz.",
            ),
            _option(
                _DATA,
                "--preset",
                type=click.Choice(sorted(PRESETS)),
                help="The file is in this published format.",
            ),
            _option(
                _DATA,
                "--input",
                multiple=True,
                metavar="COLUMN",
                help="The input's column; NAME=COLUMN, repeated, where there are several inputs.",
            ),
            _option(_DATA, "--target", metavar="COLUMN", help="The column of the right answers."),
            _option(
                _DATA,
                "--labels",
                metavar="VALUE=LABEL,…",
                help="What the values in the file stand for, as in 0=subjective,1=objective.",
            ),
            _option(
                _DATA,
                "--instruction",
                metavar="TEXT",
                help="Says what to do: the task's description. @FILE takes it from a file.",
            ),
            _option(
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
    return _apply(
        function,
        [
            _option(
                _MODEL,
                "--model",
                multiple=True,
                default=("local:smollm2",),
                show_default=True,
                metavar="SPEC",
                help="local:NAME, openai:NAME@URL, …; NAME=SPEC for nodes that call another model.",
            ),
            _option(
                _MODEL,
                "--cache",
                metavar="DIR|none",
                help="Where answers are kept; by default in the user's cache directory.",
            ),
            _option(
                _MODEL,
                "--pull",
                is_flag=True,
                help="Download a model of the catalogue that is not there.",
            ),
        ],
    )


def files_option(name: str, text: str) -> Callable[[F], F]:
    """A further file of examples."""
    return _option(_DATA, f"--{name}", type=click.Path(exists=True, dir_okay=False), help=text)


def proposer_option(function: F) -> F:
    """The model that proposes prompts."""
    return _option(
        _MODEL,
        "--proposer",
        metavar="SPEC",
        help="The model that proposes prompts; by default the one that the nodes call.",
    )(function)


def prompt_options(function: F) -> F:
    """What the prompts are at the start."""
    return _apply(
        function,
        [
            _option(
                _PROMPTS,
                "--prompt",
                multiple=True,
                metavar="NAME=TEXT",
                help="A prompt at the start; NAME=@FILE takes it from a file.",
            ),
            _option(
                _PROMPTS,
                "--prompts",
                type=click.Path(exists=True, dir_okay=False),
                help="A file of prompts, such as prompts.yaml of a run.",
            ),
            _option(
                _PROMPTS,
                "--calibrate",
                is_flag=True,
                help="Calibrate the choices of every node (contextual calibration).",
            ),
        ],
    )


def freeze_option(function: F) -> F:
    """Which prompts are not fitted."""
    return _option(
        _PROMPTS,
        "--freeze",
        multiple=True,
        metavar="NAME",
        help="A prompt that stays as it is.",
    )(function)


def trust_option(function: F) -> F:
    """Whether a graph file may name functions of other modules."""
    return click.option(
        "--trust",
        is_flag=True,
        help="Import the functions that a graph file names, which runs their modules' code.",
    )(function)


_M, _I = Method(), Inference()
_AT_LEAST_ONE = click.IntRange(min=1)
# The default, the type and the help of each.
_SETTINGS: dict[str, tuple[Any, Any, str]] = {
    "steps": (_M.steps, click.IntRange(min=0), "Steps of the fit, each on one batch."),
    "batch_size": (_M.batch_size, _AT_LEAST_ONE, "Examples in a batch."),
    "candidates": (_M.candidates, _AT_LEAST_ONE, "New prompts proposed per prompt and step."),
    "objective": (
        _M.objective,
        click.Choice(["auto", "likelihood", "rollout"]),
        "What chooses among candidates; auto takes the bound where the models can score.",
    ),
    "posterior": (
        _I.kind,
        click.Choice(["local", "particles"]),
        "How hidden texts are inferred.",
    ),
    "draws": (_I.draws, _AT_LEAST_ONE, "Alternatives of each hidden text, or particles."),
    "guide": (
        _I.guide if isinstance(_I.guide, str) else None,
        click.Choice(sorted(GUIDES)),
        "Where hidden texts are drawn from.",
    ),
    "mix": (
        ",".join(f"{name}={share:g}" for name, share in _M.mix.items()),
        _mix,
        f"Shares of the strategies that propose: {', '.join(STRATEGIES)}.",
    ),
    "max_prompt_tokens": (_M.max_prompt_tokens, _AT_LEAST_ONE, "The longest prompt, in tokens."),
    "memory": (_M.memory, click.IntRange(min=0), "Sets of prompts that are remembered."),
    "validate_every": (_M.validate_every, _AT_LEAST_ONE, "Steps between validations."),
    "patience": (
        _M.patience,
        _whole_or("none", least=1),
        "Validations without gain before the fit goes back to the best prompts.",
    ),
    "stop_after": (
        _M.stop_after,
        _whole_or("none", least=1),
        "Validations without gain before the fit ends.",
    ),
    "concurrency": (_M.concurrency, _AT_LEAST_ONE, "Examples in flight."),
    "max_failures": (
        _M.max_failures,
        click.FloatRange(0, 1),
        "The share of examples whose model calls may fail.",
    ),
}
_METAVARS = {"mix": "NAME=SHARE,…", "patience": "N|none", "stop_after": "N|none"}
_OF_INFERENCE = {"posterior": "kind", "draws": "draws", "guide": "guide"}


def method_options(function: F) -> F:
    """The settings of `Method` and `Inference` that are worth turning, with their defaults."""
    return _apply(
        function,
        [
            _option(
                _METHOD,
                f"--{name.replace('_', '-')}",
                type=kind,
                metavar=_METAVARS.get(name),
                default="none" if default is None else default,
                show_default=True,
                help=text,
            )
            for name, (default, kind, text) in _SETTINGS.items()
        ],
    )


def failures_option(function: F) -> F:
    """Settings of a run over examples, where there is no method to hold them."""
    return _apply(
        function,
        [
            click.option(
                f"--{name.replace('_', '-')}",
                type=kind,
                default=default,
                show_default=True,
                help=text,
            )
            for name, (default, kind, text) in _SETTINGS.items()
            if name in {"concurrency", "max_failures"}
        ],
    )


def method_of(options: dict[str, Any]) -> Method:
    """The method, its options taken out of all.

    Raises:
        click.UsageError: a value is out of range.
    """
    given = {name: options.pop(name) for name in _SETTINGS}
    inference = {field: given.pop(name) for name, field in _OF_INFERENCE.items()}
    try:
        return Method(inference=Inference(**inference), **given)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
