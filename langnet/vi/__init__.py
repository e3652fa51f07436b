"""The variational backward pass: infer every intermediate text, then choose every prompt."""

from langnet.vi.guide import Hint, edit, hindsight, mixture, prior
from langnet.vi.objective import Evidence, Objective, exploration, likelihood, nce, trust_region
from langnet.vi.posterior import Inference, Posterior, Row, infer
from langnet.vi.proposal import Observation, Proposer, Request
from langnet.vi.score import Scorer

__all__ = [
    "Evidence",
    "Hint",
    "Inference",
    "Objective",
    "Observation",
    "Posterior",
    "Proposer",
    "Request",
    "Row",
    "Scorer",
    "edit",
    "exploration",
    "hindsight",
    "infer",
    "likelihood",
    "mixture",
    "nce",
    "prior",
    "trust_region",
]
