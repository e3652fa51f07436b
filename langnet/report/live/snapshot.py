"""What a live view shows, at one moment, as data: for the terminal, `live.json` and its readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args

from langnet.lm.meter import MeterReading

__all__ = ["FORMAT", "NodeNow", "RateNow", "Snapshot", "Status"]

FORMAT = "langnet-live/1"
"""Of what `Snapshot.to_json` gives."""
T = TypeVar("T", bound="NodeNow | RateNow")
Status = Literal["running", "paused", "finished", "failed", "interrupted"]
"""How the work stands; "interrupted" is by Ctrl-C, a signal, or the end of the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNow:
    """What a node is doing, and has done.

    Attributes:
        calls: calls that have reached a model.
        open: calls that are under way, those that wait for their turn included.
        purpose: what it calls for now (`langnet.lm.caller.Caller`); "" where it is idle.
        prompt_tokens: tokens that models were given.
        completion_tokens: tokens that were drawn.
        calls_per_second: in the last seconds.
    """

    calls: int = 0
    open: int = 0
    purpose: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls_per_second: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateNow:
    """How near a model is to its limits.

    Attributes:
        used: requests and tokens of the last minute, by what is limited.
        limits: how many a minute may have, likewise; empty where no rate is limited.
        open: requests that are open.
        concurrency: how many may be.
        waiting: calls that wait for their turn.
        refused: calls that the server refused for the rate, so far.
        closed_for: seconds for which calls fail at once, since a quota is used up.
    """

    used: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    open: int = 0
    concurrency: int = 0
    waiting: int = 0
    refused: int = 0
    closed_for: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How the work stands at one moment. Counts are those of this session.

    Attributes:
        status: see `Status`.
        name: the network's name.
        pid: the process that does the work.
        host: the computer that it runs on.
        at: when this was so, in seconds since 1970.
        step: steps done.
        steps: steps in all; 0 where there is no fit.
        objective: what the fit maximises.
        phase: the part of the work that counts its items now, or "".
        done: items of it that are done.
        total: items of it in all.
        elapsed: seconds since the beginning.
        left: seconds that the rest may take; `None` where that cannot be said.
        reading: what was counted of calls.
        currency: of money.
        calls_per_second: in the last seconds.
        tokens_per_second: likewise, of all tokens.
        network: the name of each part and its line in a drawing of the network.
        nodes: what each node does; under "a, b" what is done for two that share a prompt.
        limits: how near each model is to its limits, where it has any.
        evidence: mean evidence per example, in nats, by steps done.
        scores: what the objective gave the prompts that each step took, likewise.
        validation: the metric of the validations, likewise.
        best: the best validation; `None` before the first.
        best_step: after how many steps that was.
        prompts: the best prompts so far.
        changed: the names of those that are not as they were at the start.
        reason: why the fit ended, or "".
    """

    status: Status = "running"
    name: str = ""
    pid: int = 0
    host: str = ""
    at: float = 0.0
    step: int = 0
    steps: int = 0
    objective: str = ""
    phase: str = ""
    done: int = 0
    total: int = 0
    elapsed: float = 0.0
    left: float | None = None
    reading: MeterReading = field(default_factory=MeterReading)
    currency: str = "USD"
    calls_per_second: float = 0.0
    tokens_per_second: float = 0.0
    network: tuple[tuple[str, str], ...] = ()
    nodes: Mapping[str, NodeNow] = field(default_factory=dict)
    limits: Mapping[str, RateNow] = field(default_factory=dict)
    evidence: tuple[tuple[int, float | None], ...] = ()
    scores: tuple[tuple[int, float | None], ...] = ()
    validation: tuple[tuple[int, float | None], ...] = ()
    best: float | None = None
    best_step: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The document of `live.json`: money is `null` where a price is unknown."""
        reading = self.reading
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {
            "format": FORMAT,
            **plain,
            "calls": reading.calls,
            "money": reading.cost,
            **reading.to_json(),
            "nodes": {name: asdict(node) for name, node in self.nodes.items()},
            "limits": {name: asdict(rate) for name, rate in self.limits.items()} or None,
            "prompts": dict(self.prompts),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Snapshot:
        """The snapshot that `to_json` wrote; what a later version adds is left out.

        Raises:
            ValueError: it is none.
        """
        if data.get("format") != FORMAT:
            raise ValueError(f"the format is {data.get('format')!r}, not {FORMAT!r}")
        try:
            found = {name: data[name] for name in _PLAIN if name in data}
            for name in ("network", "evidence", "scores", "validation"):
                found[name] = tuple(tuple(pair) for pair in data.get(name, ()))
            made = cls(
                **found | {"changed": tuple(data.get("changed", ()))},
                reading=MeterReading.from_json(data),
                nodes={name: _made(NodeNow, node) for name, node in data["nodes"].items()},
                limits={
                    name: _made(RateNow, rate) for name, rate in (data["limits"] or {}).items()
                },
                prompts=dict(data["prompts"]),
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no snapshot ({error!r})") from error
        is_sound = isinstance(made.at, int | float) and isinstance(made.pid, int)
        if made.status not in get_args(Status) or not is_sound:
            raise ValueError(f"status {made.status!r}, at {made.at!r}, pid {made.pid!r}")
        return made


def _made(kind: type[T], data: Mapping[str, Any]) -> T:
    return kind(**{each.name: data[each.name] for each in fields(kind) if each.name in data})


_PLAIN = tuple(
    each.name
    for each in fields(Snapshot)
    if each.name not in {"reading", "nodes", "limits", "prompts"}
)
"""What stands in JSON as it is."""
