"""A method: every setting of the backward pass in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from langnet.vi.objective import Objective, likelihood
from langnet.vi.posterior import Inference
from langnet.vi.proposal import Proposer, Strategy
from langnet.vi.race import Racing
from langnet.vi.schedule import SCHEDULES, Schedule
from langnet.vi.strategies import DEFAULT_MIX, STRATEGIES

__all__ = ["Method"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How prompts are fitted.

    Attributes:
        steps: steps of the fit, each an E-step and an M-step on one batch.
        batch_size: examples in a batch.
        balance: whether a batch holds equally many examples of each target.
        candidates: new prompts proposed per prompt and step; the incumbent and the memory are
            candidates as well.
        inference: how latent texts are inferred.
        objective: "likelihood" maximises the bound with the objectives below; "rollout" the
            metric when the network is run again under each candidate, for models that only
            sample; "auto" takes the first where the models can score, else the second.
        objectives: what is added up when "likelihood" is maximised. They may hold `rollout`.
        schedule: which prompts each step may change; a function or a name in `SCHEDULES`.
        staleness: how many steps old the prompts may be under which a batch is run forward and
            inferred. 0 is the synchronous loop. With s > 0 the next s batches are inferred while
            this one's candidates are proposed and scored, and the weights are corrected by the
            importance ratio when their turn comes; and what a step chose is validated while the
            next one is taken.
        racing: how candidates are dropped early; `None` scores every one in full.
        held_out: whether candidates are proposed on one half of the batch and chosen on the other.
        accept: the level of a paired test that a candidate has to pass to replace the incumbent;
            `None` takes the best.
        per_token: whether the log-probability of a free text is averaged over its tokens.
        skip: the share of first tokens left out of that average.
        rollouts: runs per example and candidate for "rollout".
        mix: shares of the strategies that propose.
        adapt: whether the shares follow what was accepted so far.
        feedback: what a person says of a prompt's outputs, by the prompt's name; proposers see it.
        proposers: the strategies by name.
        proposal_temperature: of the proposing model.
        max_prompt_tokens: the longest prompt, in tokens, as the nodes' model counts them if it can.
        memory: how many sets of prompts are remembered and proposed again.
        remember: which: "best" those with the best validation; "pareto" those that are best on
            some validation example, of which proposals start at random (as in GEPA, Agrawal et
            al. 2025).
        validate_every: steps between validations.
        patience: validations without gain after which the fit goes back to the best prompts;
            `None` never does.
        stop_after: validations without gain after which the fit ends; `None` never does.
        skip_without_errors: whether a batch without errors changes nothing (as in published code).
        concurrency: examples in flight.
        max_failures: the share of examples whose model calls may fail.
    """

    steps: int = 5
    batch_size: int = 40
    balance: bool = True
    candidates: int = 10
    inference: Inference = field(default_factory=Inference)
    objective: Literal["auto", "likelihood", "rollout"] = "auto"
    objectives: tuple[Objective, ...] = (likelihood,)
    schedule: Schedule | str = "together"
    staleness: int = 0
    racing: Racing | None = field(default_factory=Racing)
    held_out: bool = False
    accept: float | None = None
    per_token: bool = False
    skip: float = 0.0
    rollouts: int = 1
    mix: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MIX))
    adapt: bool = True
    feedback: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proposers: Mapping[str, Proposer | Strategy] = field(default_factory=lambda: dict(STRATEGIES))
    proposal_temperature: float = 0.7
    max_prompt_tokens: int = 400
    memory: int = 2
    remember: Literal["best", "pareto"] = "best"
    validate_every: int = 1
    patience: int | None = 3
    stop_after: int | None = None
    skip_without_errors: bool = False
    concurrency: int = 32
    max_failures: float = 0.1

    def __post_init__(self) -> None:
        for name in ("batch_size", "candidates", "rollouts", "validate_every", "concurrency"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.objective not in {"auto", "likelihood", "rollout"}:
            raise ValueError(
                f"objective must be auto, likelihood or rollout, not {self.objective!r}"
            )
        if isinstance(self.schedule, str) and self.schedule not in SCHEDULES:
            raise ValueError(
                f"there is no schedule {self.schedule!r}; use one of {', '.join(SCHEDULES)}"
            )
        if self.staleness < 0:
            raise ValueError(f"staleness must be at least 0, not {self.staleness}")
        if self.accept is not None and not 0 < self.accept < 1:
            raise ValueError(f"accept is the level of a test, in (0, 1), not {self.accept}")
        if self.remember not in {"best", "pareto"}:
            raise ValueError(f"remember must be best or pareto, not {self.remember!r}")
        unknown = [name for name in self.mix if name not in self.proposers]
        if unknown:
            raise ValueError(
                f"there is no strategy {unknown[0]!r}; use some of {', '.join(self.proposers)}"
            )
        if not any(share > 0 for share in self.mix.values()):
            raise ValueError("mix gives no strategy a share; give one a positive number")

    @property
    def schedule_function(self) -> Schedule:
        """The schedule itself."""
        return SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
