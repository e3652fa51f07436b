"""A method: every setting of the backward pass in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from langnet.vi.objective import Objective, likelihood
from langnet.vi.posterior import Inference
from langnet.vi.proposal import Proposer
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
        objectives: what is added up when "likelihood" is maximised.
        per_token: whether the log-probability of a free text is averaged over its tokens.
        skip: the share of first tokens left out of that average.
        rollouts: runs per example and candidate for "rollout".
        mix: shares of the strategies that propose.
        proposers: the strategies by name.
        proposal_temperature: of the proposing model.
        max_prompt_tokens: the longest prompt, in tokens (estimated at four bytes each).
        memory: how many of the best sets of prompts are remembered and proposed again.
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
    per_token: bool = False
    skip: float = 0.0
    rollouts: int = 1
    mix: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MIX))
    proposers: Mapping[str, Proposer] = field(default_factory=lambda: dict(STRATEGIES))
    proposal_temperature: float = 0.7
    max_prompt_tokens: int = 400
    memory: int = 2
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
        unknown = [name for name in self.mix if name not in self.proposers]
        if unknown:
            raise ValueError(
                f"there is no strategy {unknown[0]!r}; use some of {', '.join(self.proposers)}"
            )
        if not any(share > 0 for share in self.mix.values()):
            raise ValueError("mix gives no strategy a share; give one a positive number")
