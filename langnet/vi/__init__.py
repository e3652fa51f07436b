"""The variational backward pass: infer every intermediate text, then choose every prompt."""

from langnet.vi.bound import Bound, Estimate, bound, bound_of
from langnet.vi.guide import Hint, edit, hindsight, mixture, prior
from langnet.vi.objective import (
    Evidence,
    Objective,
    exploration,
    likelihood,
    nce,
    rollout,
    scaled,
    trust_region,
    unlikelihood,
)
from langnet.vi.posterior import Inference, Posterior, Row, infer
from langnet.vi.proposal import Observation, Proposer, Request, Strategy
from langnet.vi.schedule import SCHEDULES, Schedule
from langnet.vi.score import Rollout, Scorer

__all__ = [
    "SCHEDULES",
    "Bound",
    "Estimate",
    "Evidence",
    "Hint",
    "Inference",
    "Objective",
    "Observation",
    "Posterior",
    "Proposer",
    "Request",
    "Rollout",
    "Row",
    "Schedule",
    "Scorer",
    "Strategy",
    "bound",
    "bound_of",
    "edit",
    "exploration",
    "hindsight",
    "infer",
    "likelihood",
    "mixture",
    "nce",
    "prior",
    "rollout",
    "scaled",
    "trust_region",
    "unlikelihood",
]
