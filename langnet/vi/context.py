"""What a step is told besides its graph and its batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from langnet.data import Example
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.metrics import Metric
from langnet.program import Models, bind
from langnet.vi.directions import Directions
from langnet.vi.memory import Remembered
from langnet.vi.method import Method
from langnet.vi.shares import adapted

__all__ = ["Context", "resolved_objective"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a step is told besides its graph and its batch.

    Attributes:
        models: what the nodes call.
        proposer: the model that proposes.
        metric: which answers are wrong, and what rollouts maximise.
        method: the settings.
        key: what every draw's seed is derived from.
        step: the number of the step: which strategies come up, and what the schedule takes.
        memory: remembered sets of prompts, the best first.
        record: by strategy, how many of its proposals were scored and how many were taken.
        pool: further examples, whose targets proposers may show.
        directions: what people said of the fit.
        is_dry: whether this is a dry run for a plan: each prompt is then taken to change, since a
            step that changes nothing asks less.
    """

    models: Models
    proposer: LanguageModel
    metric: Metric
    method: Method
    key: Key
    step: int = 0
    memory: tuple[Remembered, ...] = ()
    record: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    pool: Sequence[Example] = ()
    directions: Directions = field(default_factory=Directions)
    is_dry: bool = False

    @property
    def mix(self) -> Mapping[str, float]:
        """The shares of the strategies, as they are at this step."""
        return adapted(self.method.mix, self.record) if self.method.adapt else self.method.mix

    @property
    def progress(self) -> float:
        """The share of the fit that lies behind."""
        return self.step / max(self.method.steps, 1)


def resolved_objective(graph: Graph, models: Models, method: Method) -> str:
    """Whether the bound can be maximised, or the metric of rollouts has to be.

    A free text needs `score` and no JSON schema, a node with choices `choose`.
    """
    if method.objective != "auto":
        return method.objective
    able = all(
        conditional.model.capabilities.score and conditional.node.decoding.schema is None
        if conditional.node.choices is None
        else conditional.model.capabilities.choose
        for conditional in bind(graph, models).values()
    )
    return "likelihood" if able else "rollout"
