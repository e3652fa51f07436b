"""`langnet fit --track`: the services that a fit is tracked with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from langnet.checkpoint import write_json
from langnet.cli.options import F, option
from langnet.events import Event, FitStarted, Observer
from langnet.report.trackers import MLflow, TensorBoard, Tracker, WandB

__all__ = ["Tracking", "flat", "track_option", "tracking"]

_FILE = "tracked.json"
_KEPT = ("network", "prompts", "result", "cost", "manifest")


class Tracking:
    """The trackers of one fit.

    Attributes:
        observers: are told of its events.
    """

    def __init__(self, trackers: Sequence[Tracker], observers: Sequence[Observer]) -> None:
        self._trackers = trackers
        self.observers = observers

    def configure(self, run: Mapping[str, Any], **about: Any) -> None:
        """Shows what decides the fit: see `langnet.checkpoint.describe`, without its network."""
        shown = ("seed", "models", "proposer", "method")
        config = dict(flat({**about, **{name: run[name] for name in shown}}))
        for tracker in self._trackers:
            tracker.configure(config)

    def keep(self, files: Mapping[str, Path]) -> None:
        """Keeps what came of the fit; of the examples only ids and values."""
        for tracker in self._trackers:
            for name in _KEPT:
                if name in files:
                    tracker.keep(files[name])


def track_option(function: F) -> F:
    """Where a fit is tracked."""
    return option(
        "Log and prices",
        "--track",
        multiple=True,
        callback=_checked,
        metavar="SERVICE:PLACE",
        help="Track the fit with tensorboard:DIR, wandb:PROJECT or mlflow:EXPERIMENT[@URI]. "
        "Repeatable.",
    )(function)


@contextmanager
def tracking(specs: Sequence[str], directory: Path, *, resume: bool) -> Iterator[Tracking]:
    """Tracks the fit of a run directory; one that is resumed goes on in the same tracked runs.

    Args:
        specs: what `--track` names.
        directory: the run directory, which gives the runs their name.
        resume: whether the fit goes on with what is there.

    Raises:
        LangnetError: the package of a service is not installed.
    """
    file = directory / _FILE
    name = _known(file) if resume else None
    name = name or secrets.token_hex(8)

    def remember(event: Event) -> None:
        # Not before: what is in the directory may belong to another fit until then.
        if isinstance(event, FitStarted):
            write_json(file, {"id": name})

    with ExitStack() as stack:
        trackers = [
            stack.enter_context(_tracker(spec, name=directory.resolve().name, id=name))
            for spec in specs
        ]
        yield Tracking(trackers, [*([remember] if trackers else []), *trackers])


def flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by names such as `method.inference.draws`; empty ones are left out."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif value not in (None, (), [], ""):
            yield f"{prefix}{name}", value if isinstance(value, int | float) else _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _known(file: Path) -> str | None:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _checked(
    _context: click.Context, _parameter: click.Parameter, value: Sequence[str]
) -> tuple[str, ...]:
    for spec in value:
        service, colon, place = spec.partition(":")
        if service not in {"tensorboard", "wandb", "mlflow"} or not colon or not place:
            raise click.BadParameter(
                f"{spec!r}; give tensorboard:DIR, wandb:PROJECT or mlflow:EXPERIMENT[@URI]"
            )
    return tuple(value)


def _tracker(spec: str, **settings: Any) -> Tracker:
    service, _, place = spec.partition(":")
    if service == "tensorboard":
        return TensorBoard(place, **settings)
    if service == "wandb":
        return WandB(place, **settings)
    experiment, _, uri = place.partition("@")
    return MLflow(experiment, uri=uri or None, **settings)
