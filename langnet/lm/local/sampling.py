"""The distribution over the next token: what a text is drawn from is what it is scored under."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["NextToken", "next_token"]

_NUCLEUS_GUESS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class NextToken:
    """A distribution over the vocabulary.

    Attributes:
        scaled: logits over the temperature, less their maximum, of shape (vocabulary,).
        weights: their exponentials, and 0 outside the nucleus, of shape (vocabulary,).
        total: the sum of `weights`.
        nucleus: which tokens can be drawn, of shape (vocabulary,); None for all.
    """

    scaled: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    total: float
    nucleus: npt.NDArray[np.bool_] | None

    def logprob(self, token: int) -> float:
        """The log-probability of a token in nats, -inf outside the nucleus."""
        if self.nucleus is not None and not self.nucleus[token]:
            return -math.inf
        return float(self.scaled[token]) - math.log(self.total)

    def log_mass(self, tokens: npt.NDArray[np.intp]) -> float:
        """The log-probability, in nats, that the next token is one of these distinct tokens."""
        if self.nucleus is not None:
            tokens = tokens[self.nucleus[tokens]]
        if not tokens.size:
            return -math.inf
        scaled = self.scaled[tokens].astype(np.float64)
        top = float(scaled.max())
        return top + math.log(float(np.exp(scaled - top).sum())) - math.log(self.total)

    def draw(self, uniform: float) -> int:
        """The token at a point of the cumulative distribution.

        Args:
            uniform: in [0, 1).
        """
        cumulative = np.cumsum(self.weights, dtype=np.float64)
        index = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
        # Rounding may carry the product up to the very sum, past the last token with any mass.
        return min(index, int(np.searchsorted(cumulative, cumulative[-1], side="left")))


def next_token(
    logits: npt.NDArray[np.float32], *, temperature: float = 1.0, top_p: float = 1.0
) -> NextToken:
    """The softmax of logits at a temperature above 0, cut to its nucleus and renormalised.

    The nucleus is the smallest set of most probable tokens whose probability reaches `top_p`
    (Holtzman et al. 2020); among equally probable tokens the lower number comes first.

    Args:
        logits: of shape (vocabulary,).
        temperature: that divides the logits.
        top_p: the probability that the nucleus holds, in (0, 1].
    """
    scaled = logits - logits.max()
    if temperature != 1.0:
        scaled /= np.float32(temperature)
    weights = np.exp(scaled)
    total = float(weights.sum(dtype=np.float64))
    if top_p >= 1.0:
        return NextToken(scaled, weights, total, None)
    nucleus = np.zeros(len(weights), dtype=np.bool_)
    nucleus[_most_probable(weights, top_p * total)] = True
    weights[~nucleus] = 0.0
    return NextToken(scaled, weights, float(weights.sum(dtype=np.float64)), nucleus)


def _most_probable(weights: npt.NDArray[np.float32], mass: float) -> npt.NDArray[np.intp]:
    """The fewest tokens, most probable first, whose weights reach a mass."""
    candidates = np.arange(len(weights))
    if len(weights) > _NUCLEUS_GUESS:  # sorting all is slow, and rarely needed
        least = np.partition(weights, -_NUCLEUS_GUESS)[-_NUCLEUS_GUESS]
        likely = np.flatnonzero(weights >= least)
        if float(weights[likely].sum(dtype=np.float64)) >= mass:
            candidates = likely
    order = candidates[np.argsort(-weights[candidates], kind="stable")]
    cumulative = np.cumsum(weights[order], dtype=np.float64)
    return order[: int(np.searchsorted(cumulative, mass, side="left")) + 1]
