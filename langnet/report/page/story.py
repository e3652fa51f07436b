"""What a report is made of, wherever it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from langnet.graph import Graph

__all__ = ["Alternative", "Candidate", "Choice", "Moment", "Network", "Run", "Step", "Story"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate prompt.

    Attributes:
        text: the prompt.
        origin: who proposed it; empty where that is not known.
        score: its mean score; `None` where it has none.
        examples: on how many examples it was scored; `None` where that is not known.
    """

    text: str
    origin: str
    score: float | None
    examples: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """How a step chose one prompt.

    Attributes:
        prompt: the prompt's name.
        candidates: the candidates, the incumbent first.
        chosen: the position of the one that was taken.
        winner: the position of the one with the best score.
        gain: the winner's mean score minus the incumbent's.
        standard_error: of that; `None` where it is not known.
        dropped: proposals that did not become candidates, by reason.
    """

    prompt: str
    candidates: tuple[Candidate, ...]
    chosen: int
    winner: int
    gain: float | None
    standard_error: float | None
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a fit.

    Attributes:
        number: which one, from 1.
        figures: what was measured, by name: "batch", "iwae", "elbo", "score", "ess",
            "prompt_tokens", "completion_tokens", "seconds", "money"; in nats where it is a bound or
            a score.
        calls: calls that went out, by phase.
        choices: how each prompt was chosen.
        prompts: every prompt after the step.
        failures: examples that took no part, with what went wrong.
    """

    number: int
    figures: Mapping[str, float]
    calls: Mapping[str, int]
    choices: tuple[Choice, ...]
    prompts: Mapping[str, str]
    failures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """What a hidden text might have been.

    Attributes:
        node: the node, with the place in its plates.
        text: the text.
        weight: its posterior weight, from 0 to 1.
        source: where it comes from.
    """

    node: str
    text: str
    weight: float
    source: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One example as it was seen once.

    Attributes:
        step: the step, or for a validation how many steps were done.
        kind: whether it stood in a batch or was validated on.
        value: what the metric gave; `None` where the run failed or is not marked.
        texts: every node's text.
        answer: the network's first output.
        feedback: what the metric said of it.
        alternatives: the posterior of the hidden texts.
        error: what went wrong, where a call failed.
    """

    step: int
    kind: Literal["batch", "validation"]
    value: float | None
    texts: Mapping[str, str]
    answer: str | None
    feedback: str = ""
    alternatives: tuple[Alternative, ...] = ()
    error: str = ""


@dataclass(slots=True)
class Story:
    """All that is known of one example.

    Attributes:
        id: its name.
        part: "train", "dev" or "test".
        inputs: its inputs.
        targets: what is observed, by node.
        moments: when it was seen, the earliest first.
    """

    id: str
    part: str
    inputs: Mapping[str, str]
    targets: Mapping[str, str]
    moments: list[Moment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Network:
    """What is told of a network.

    Attributes:
        graph: for its picture; `None` where it cannot be had.
        target: the node that is marked.
    """

    graph: Graph | None
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as a report shows it.

    Attributes:
        name: what it is called.
        network: its network.
        metric: what the metric is called.
        facts: what it is, as short label and value.
        test: the comparison on held-out examples; see `langnet.report.result.held_out_data`.
        steps: its steps.
        validations: how many steps were done, and the mean of the metric.
        initial: the prompts at the start.
        fitted: the best prompts.
        stories: its examples.
        credit: what each prompt brought; see `langnet.credit.Credit`.
        cost: calls, tokens and time; see `langnet.report.result.cost_data`.
        settings: all that decided it, as nested plain data.
    """

    name: str
    network: Network
    metric: str
    facts: tuple[tuple[str, str], ...]
    test: Mapping[str, Any] | None
    steps: tuple[Step, ...]
    validations: tuple[tuple[int, float], ...]
    initial: Mapping[str, str]
    fitted: Mapping[str, str]
    stories: tuple[Story, ...]
    credit: Mapping[str, Any] | None
    cost: Mapping[str, Any] | None
    settings: Mapping[str, Any]
