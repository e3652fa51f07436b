"""The options that set a method and a budget, and the objects that they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from langnet.cli.options import F, applied, option, whole_or
from langnet.lm.budget import Budget, Price
from langnet.vi.guide import GUIDES
from langnet.vi.method import Method
from langnet.vi.objective import (
    Objective,
    exploration,
    likelihood,
    nce,
    rollout,
    scaled,
    trust_region,
    unlikelihood,
)
from langnet.vi.posterior import Inference
from langnet.vi.race import Racing
from langnet.vi.schedule import SCHEDULES
from langnet.vi.strategies import STRATEGIES

__all__ = ["budget_of", "budget_options", "failures_option", "method_of", "method_options"]

_METHOD, _BUDGET = "Method", "Budget"


def _numbers(value: str) -> dict[str, float]:
    """Numbers by name, such as demonstrations=3,rewrite=1; 1 where none is given."""
    found = {}
    for item in value.split(","):
        name, _, number = item.partition("=")
        try:
            found[name.strip()] = float(number or 1)
        except ValueError:
            raise click.BadParameter(f"{number!r} is no number; write {name}=1") from None
    return found


_TERMS: dict[str, Callable[[float], Objective]] = {
    "likelihood": lambda strength: likelihood if strength == 1 else scaled(strength, likelihood),
    "nce": lambda strength: nce if strength == 1 else scaled(strength, nce),
    "rollout": lambda strength: rollout if strength == 1 else scaled(strength, rollout),
    "exploration": exploration,
    "unlikelihood": unlikelihood,
    "trust_region": trust_region,
}


def _objectives(value: str) -> tuple[Objective, ...]:
    """Objectives with their strengths, such as likelihood,trust_region=5."""
    unknown = [name for name in _numbers(value) if name not in _TERMS]
    if unknown:
        raise click.BadParameter(
            f"there is no objective {unknown[0]!r}; use some of {', '.join(_TERMS)}"
        )
    return tuple(_TERMS[name](strength) for name, strength in _numbers(value).items())


def _share_or(word: str) -> Callable[[Any], float | None]:
    """A number above 0 and up to 1, or a word that stands for `None`."""

    def convert(value: Any) -> float | None:
        if value is None or value == word:
            return None
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number <= 1:
            raise click.BadParameter(f"{value!r} is no number above 0 and up to 1, nor {word!r}")
        return number

    return convert


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
    "objectives": (
        "likelihood",
        _objectives,
        f"What is added up where the bound is maximised: {', '.join(_TERMS)}.",
    ),
    "schedule": (
        _M.schedule if isinstance(_M.schedule, str) else None,
        click.Choice(list(SCHEDULES)),
        "Which prompts a step may change, and in what order.",
    ),
    "racing": (
        "on",
        click.Choice(["on", "off"]),
        "Drop candidates early that fall behind; off scores every one in full.",
    ),
    "held_out": (
        "off",
        click.Choice(["on", "off"]),
        "Propose on one half of a batch and choose on the other.",
    ),
    "accept": (
        _M.accept,
        _share_or("none"),
        "The level of a paired test that a new prompt must pass; none takes the best.",
    ),
    "staleness": (
        _M.staleness,
        click.IntRange(min=0),
        "Steps that the prompts may be old under which the next batches are inferred meanwhile.",
    ),
    "posterior": (
        _I.kind,
        click.Choice(["auto", "local", "particles"]),
        "How hidden texts are inferred; auto takes particles where a hidden text decides a branch.",
    ),
    "draws": (_I.draws, _AT_LEAST_ONE, "Alternatives of each hidden text, or particles."),
    "guide": (
        _I.guide if isinstance(_I.guide, str) else None,
        click.Choice(sorted(GUIDES)),
        "Where hidden texts are drawn from.",
    ),
    "resample": (
        _I.resample,
        _share_or("none"),
        "Resample particles where their effective sample size falls below this share.",
    ),
    "mix": (
        ",".join(f"{name}={share:g}" for name, share in _M.mix.items()),
        _numbers,
        f"Shares of the strategies that propose: {', '.join(STRATEGIES)}.",
    ),
    "adapt": (
        "on" if _M.adapt else "off",
        click.Choice(["on", "off"]),
        "Let the shares of the strategies follow what was accepted.",
    ),
    "max_prompt_tokens": (_M.max_prompt_tokens, _AT_LEAST_ONE, "The longest prompt, in tokens."),
    "memory": (_M.memory, click.IntRange(min=0), "Sets of prompts that are remembered."),
    "remember": (
        _M.remember,
        click.Choice(["best", "pareto"]),
        "Which sets: the best on average, or those that are best on some example.",
    ),
    "validate_every": (_M.validate_every, _AT_LEAST_ONE, "Steps between validations."),
    "patience": (
        _M.patience,
        whole_or("none", least=1),
        "Validations without gain before the fit goes back to the best prompts.",
    ),
    "stop_after": (
        _M.stop_after,
        whole_or("none", least=1),
        "Validations without gain before the fit ends.",
    ),
    "concurrency": (_M.concurrency, _AT_LEAST_ONE, "Examples in flight."),
    "max_failures": (
        _M.max_failures,
        click.FloatRange(0, 1),
        "The share of examples whose model calls may fail.",
    ),
}
_METAVARS = {
    "objectives": "NAME[=STRENGTH],…",
    "mix": "NAME=SHARE,…",
    "patience": "N|none",
    "stop_after": "N|none",
    "accept": "LEVEL|none",
    "resample": "SHARE|none",
}
_OF_INFERENCE = {"posterior": "kind", "draws": "draws", "guide": "guide", "resample": "resample"}


def method_options(function: F) -> F:
    """The settings of `Method` and `Inference` that are worth turning, with their defaults."""
    return applied(
        function,
        [
            option(
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


def budget_options(function: F) -> F:
    """What a fit may spend, and what tokens cost."""
    return applied(
        function,
        [
            option(_BUDGET, f"--budget-{name}", type=kind, metavar=metavar, help=text)
            for name, kind, metavar, text in (
                ("calls", click.IntRange(min=0), "N", "The most calls that reach a model."),
                ("tokens", click.IntRange(min=0), "N", "The most tokens, given and drawn."),
                ("money", click.FloatRange(min=0), "AMOUNT", "The most that it may cost."),
            )
        ]
        + [
            option(_BUDGET, f"--price-{name}", type=click.FloatRange(min=0), help=text)
            for name, text in (
                ("in", "What a million prompt tokens cost, of whatever model."),
                ("out", "What a million drawn tokens cost, of whatever model."),
            )
        ],
    )


def budget_of(options: dict[str, Any]) -> Budget | None:
    """The budget, its options taken out of all; `None` where nothing is limited.

    Raises:
        click.UsageError: money is limited, but one of two prices is missing.
    """
    limits = {name: options.pop(f"budget_{name}") for name in ("calls", "tokens", "money")}
    price = Price(options.pop("price_in"), options.pop("price_out"))
    is_given = price != Price()
    if is_given and limits["money"] is not None and not price.is_known:
        raise click.UsageError(
            "--price-in and --price-out belong together; without them --budget-money takes the "
            "price of each model"
        )
    if all(limit is None for limit in limits.values()):
        return None
    return Budget(**limits, price=price if is_given else None)


def failures_option(function: F) -> F:
    """Settings of a run over examples, where there is no method to hold them."""
    return applied(
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
    given["racing"] = Racing() if given["racing"] == "on" else None
    for name in ("held_out", "adapt"):
        given[name] = given[name] == "on"
    inference = {field: given.pop(name) for name, field in _OF_INFERENCE.items()}
    try:
        return Method(inference=Inference(**inference), **given)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
