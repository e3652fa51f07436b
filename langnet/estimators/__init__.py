"""What is known of a network from its draws: unbiased estimates, intervals, costs.

Every estimator takes plain numbers (draws, scores, right or wrong), whoever made them.

- `coverage_at_k`, `diversity_at_k`, `verifier_at_k`: exact expectations over all subsets of draws.
- `majority_at_k`, `weighted_vote_at_k`: over seeded subsets, with their standard error.
- `false_positive_rate`, `auc`, `auc_gain`, `compositional_gap`, `bootstrap`: with intervals over
  questions, since the draws of one question stand or fall together.
- `accuracy_at`: at S solutions and V verdicts, from one pool with the most of both.
- `frontier`, `crossover`, `power_law`: accuracy against cost.
"""

from langnet.estimators.cost import Crossover, PowerLaw, Spent, crossover, frontier, power_law
from langnet.estimators.draws import coverage_at_k, diversity_at_k, verifier_at_k
from langnet.estimators.questions import bootstrap, compositional_gap, false_positive_rate
from langnet.estimators.ranking import auc, auc_gain
from langnet.estimators.spending import Judged, accuracy_at
from langnet.estimators.subsets import Estimate, majority_at_k, weighted_vote_at_k

__all__ = [
    "Crossover",
    "Estimate",
    "Judged",
    "PowerLaw",
    "Spent",
    "accuracy_at",
    "auc",
    "auc_gain",
    "bootstrap",
    "compositional_gap",
    "coverage_at_k",
    "crossover",
    "diversity_at_k",
    "false_positive_rate",
    "frontier",
    "majority_at_k",
    "power_law",
    "verifier_at_k",
    "weighted_vote_at_k",
]
