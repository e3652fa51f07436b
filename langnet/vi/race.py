"""Racing: the winner of full scoring for a share of its evaluations.

Full scoring takes every candidate prompt on every example. A race scores the incumbent on all of
them, then all challengers on a few, the better ones of these on more, and so on; the last few are
scored on all, and the best mean wins. Every candidate of a round sees the same rows, so that what
is compared are paired differences: how hard an example is drops out.

A budget that is kept whatever the scores are comes from sequential halving (Karnin et al. 2013;
Jamieson and Talwalkar 2016, arXiv 1502.07943). A challenger that is clearly behind, by a t-bound
on its paired difference to the leader, goes early (racing: Maron and Moore 1993). Log-probabilities
have no lower bound, so bounds for bounded variables (Maurer and Pontil 2009) do not apply to them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from langnet.key import Key
from langnet.vi.card import Card, Raced, Score
from langnet.vi.control import Control, Floats, control

__all__ = ["Raced", "Racing", "Score", "race"]

_SMALL_FIELD = 8
"""Fewer candidates race on the budget of so many: there is less to leave out."""
_STEEP = 2.0
"""The power of rows above which there are rather fewer finalists."""
_STEEPEST = 8.0
"""The largest power of rows: every heat but the last takes about one row."""
_BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Racing:
    """How candidates race.

    Attributes:
        share: of all (example, candidate) pairs, the most that are evaluated; `most` says what
            that is for few candidates or examples, where more is needed. Scores of 0 and 1 say
            less than log-probabilities do: unless the incumbent's are known, 0.4 serves them
            better (measured in `benchmarks/racing.py`).
        rounds: the most calls of the score, the first of which is the incumbent's where its scores
            are not known. More find the winner slightly more often, and each takes its time.
        finalists: the most challengers that are seen on all examples; fewer where `share` is small.
        first: the fewest rows on which every challenger is seen.
        level: the probability, over all challengers of a round, at which one is clearly behind.
    """

    share: float = 1 / 3
    rounds: int = 5
    finalists: int = 2
    first: int = 2
    level: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must lie in (0, 1], not {self.share}")
        if not 0 < self.level < 1:
            raise ValueError(f"level must lie in (0, 1), not {self.level}")
        if self.rounds < 3:  # noqa: PLR2004 - the incumbent, a heat, the final
            raise ValueError(
                f"rounds must be at least 3, not {self.rounds}; racing=None scores all in one"
            )
        for name in ("finalists", "first"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")

    def most(self, examples: int, candidates: int, *, known: bool = False) -> int:
        """The most evaluations of a race: a promise that call plans can count on.

        It is `share` of what full scoring takes, for eight candidates where there are fewer, and
        at least what the incumbent on all rows, all challengers on the first rows and one on all
        rows take. It is kept unless neither the incumbent nor a finalist can serve (−inf), when
        the others come up in turn until one can.

        Args:
            examples: how many.
            candidates: how many, with the incumbent.
            known: whether the incumbent's scores are known already.
        """
        first = min(self.first, examples)
        least = (2 - known) * examples + (candidates - 2) * first
        field = max(candidates, _SMALL_FIELD) - known
        shared = math.floor(self.share * field * examples + 1e-9)
        return min(max(shared, least), (candidates - known) * examples)


async def race(
    score: Score,
    *,
    examples: int,
    candidates: int,
    settings: Racing | None,
    key: Key,
    strata: Sequence[Hashable] | None = None,
    incumbent: Floats | None = None,
) -> Raced:
    """Finds the candidate with the best mean score.

    The result depends on the key and the scores alone.

    Args:
        score: is called once per round, with what is new in it.
        examples: how many.
        candidates: how many; candidate 0 is the incumbent, which stays to the end.
        settings: of the race; `None` evaluates all in one round.
        key: where the order of the examples comes from.
        strata: for each example what rounds are balanced by, such as its target. Worth giving:
            many prompts differ by how they lean to a label.
        incumbent: its scores as (example,) where they are known already, from a forward pass for
            instance. They cost nothing then, and the challengers have more of the budget.

    Raises:
        ValueError: there is nothing to score, a block of scores has another shape than asked, or
            a score is NaN or +inf.
    """
    if examples < 1 or candidates < 1:
        raise ValueError(
            f"a race needs examples and candidates, not {examples} and {candidates}; give the "
            "batch at least one example and the prompts their incumbent"
        )
    if strata is not None and len(strata) != examples:
        raise ValueError(f"strata has {len(strata)} entries for {examples} examples; give one each")
    card = Card(score, examples, candidates)
    if incumbent is not None:
        card.know(incumbent)
    most = card.full if settings is None else settings.most(examples, candidates, known=card.known)
    if settings is None or most == card.full:
        if card.full:
            await card.add(range(examples), range(card.known, candidates))
        return card.result(None)
    calls = settings.rounds
    if not card.known:
        await card.add(range(examples), [0])
        most -= examples
        calls -= 1
    known = control(card.matrix[:, 0], strata, key)
    await _heats(card, known, settings, left=most, calls=calls)
    while not card.has_winner() and (spare := card.spares(known)):
        rows = [row for row in known.order if math.isnan(card.matrix[row, spare[0]])]
        await card.add(rows, spare[:1])
    return card.result(known)


async def _heats(card: Card, known: Control, settings: Racing, *, left: int, calls: int) -> None:
    """Runs the challengers on more and more rows, fewer and fewer of them, and then the final."""
    examples, candidates = card.matrix.shape
    alive: Sequence[int] = range(1, candidates)
    seen = 0
    while alive:
        unseen = examples - seen
        block, kept = _heat(len(alive), seen, unseen, left, calls, settings)
        if not block:
            await card.add(known.order[seen:], sorted(alive[: left // unseen]))
            return
        await card.add(known.order[seen : seen + block], sorted(alive))
        seen += block
        left -= block * len(alive)
        calls -= 1
        alive = _survivors(card, known, alive, seen, settings.level)[:kept]


def _heat(
    alive: int, seen: int, unseen: int, left: int, calls: int, settings: Racing
) -> tuple[int, int]:
    """How many rows the next heat takes, and how many challengers go on; no rows: the final is due.

    The field shrinks to the finalists by equal factors. The rows seen grow as a power of 1 / field,
    the power that spends what is left: with power 1 a challenger gets rows as its rank deserves,
    as in successive rejects (Audibert et al. 2010). Where several finalists would leave the first
    heats too little, there are fewer.
    """
    if alive * unseen <= left:
        return 0, alive
    for finalists in range(min(settings.finalists, left // unseen), 0, -1):
        heats = min(calls - 1, alive - finalists)
        if heats < 1:
            return 0, alive
        fields = [
            max(finalists, round(alive * (finalists / alive) ** (heat / heats)))
            for heat in range(heats + 1)
        ]
        end, power = _schedule(fields, seen, seen + unseen, left)
        if power <= _STEEP:
            break
    block = max(round(end) - seen, 1 if seen else settings.first)
    # One challenger must be able to reach the end.
    return min(block, (left - unseen) // (alive - 1)), fields[1]


def _schedule(fields: Sequence[int], seen: int, examples: int, left: int) -> tuple[float, float]:
    """The rows seen after the first of several heats, and the power with which rows grow."""

    def ends(power: float) -> list[float]:
        rows = [float(seen)]
        for field in fields[:-1]:
            wanted = examples * math.exp(power * math.log(fields[-1] / field))
            rows.append(min(max(wanted, rows[-1] + 1), examples))
        return [*rows, examples]

    def cost(power: float) -> float:
        return sum(
            field * (end - start)
            for field, (start, end) in zip(fields, pairwise(ends(power)), strict=True)
        )

    low, high = 0.0, _STEEPEST
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) > left else (low, middle)
    return ends(high)[1], high


def _survivors(
    card: Card, known: Control, alive: Sequence[int], seen: int, level: float
) -> list[int]:
    """The challengers that are not clearly behind, the best first: of equals, the lower one."""
    rows = known.order[:seen]
    able = [candidate for candidate in sorted(alive) if card.serves(candidate)]
    if not able:
        return []
    found = known.estimate(rows, card.matrix[np.ix_(rows, able)])
    # Rounding must not part equals: sums depend on where a candidate stands in its block.
    ranks = sorted(range(len(able)), key=lambda place: -round(float(found.means[place]), 9))
    clear = np.zeros(len(able), dtype=bool)
    if found.freedom > 0:
        # SciPy takes long to load, and only races need it.
        from scipy.special import stdtrit  # noqa: PLC0415

        bound = float(stdtrit(found.freedom, 1 - level / len(able)))
        # The incumbent leads where no challenger is estimated to be better.
        serves = card.serves(0)
        leader = ranks[0] if found.means[ranks[0]] > 0 or not serves else None
        lead = 0.0 if leader is None else found.means[leader]
        clear = lead - found.means > bound * found.standard_errors(leader)
    return [able[place] for place in ranks if not clear[place]]
