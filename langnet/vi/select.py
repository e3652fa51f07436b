"""Selection: which candidate becomes a prompt, and what that took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from langnet.concurrency import each
from langnet.errors import ModelError
from langnet.key import Key
from langnet.lm.caller import calling
from langnet.trace import Failure
from langnet.vi.accept import accepts
from langnet.vi.method import Method
from langnet.vi.objective import Evidence, Objective
from langnet.vi.race import race
from langnet.vi.score import Floats, Scorer

__all__ = ["Candidate", "Selected", "Selection", "select"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate prompt.

    Attributes:
        text: the prompt.
        origin: the strategy that proposed it, "incumbent", "memory", "person" or
            "list".
        score: what the objective gave it, as a mean over the examples; estimated where it was not
            scored on all of them.
        examples: on how many it was scored; one that was raced away has fewer than the others.
    """

    text: str
    origin: str
    score: float
    examples: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The choice of one prompt among candidates that saw the same examples.

    Attributes:
        prompt: the prompt's name.
        candidates: the candidates, the incumbent first.
        chosen: the position of the one that was taken.
        winner: the position of the best one; it is not taken where it does not pass the
            acceptance test.
        gain: the winner's mean score minus the incumbent's.
        standard_error: of that difference over examples; `None` where there are too few.
        evaluated: evaluations of a candidate on an example that were made; without the
            incumbent's where they were known.
        full: how many there would have been without racing, likewise.
        dropped: proposals that did not become candidates, by reason.
    """

    prompt: str
    candidates: tuple[Candidate, ...]
    chosen: int
    winner: int
    gain: float
    standard_error: float | None
    evaluated: int
    full: int
    dropped: Mapping[str, int]

    @property
    def text(self) -> str:
        """The prompt that was taken."""
        return self.candidates[self.chosen].text


class Selected(NamedTuple):
    """A choice and what it left.

    Attributes:
        selection: the choice.
        failures: examples on which a call failed.
        missing: on each example, how many candidates were raced away before it.
    """

    selection: Selection
    failures: tuple[Failure, ...]
    missing: tuple[int, ...]


async def select(
    scorer: Scorer,
    evidence: Sequence[Evidence],
    terms: Sequence[Objective],
    *,
    origins: Sequence[str],
    dropped: Mapping[str, int],
    method: Method,
    key: Key,
    asked: bool,
) -> Selected:
    """Chooses among candidates by the sum of objectives, averaged over examples.

    Every candidate sees the same examples in the same order. On an example on which a call fails
    all are taken to be as good as the incumbent, so that it decides nothing.

    Args:
        scorer: of the candidates, the incumbent first.
        evidence: of each example.
        terms: the objectives.
        origins: where each candidate comes from.
        dropped: proposals that did not become candidates, by reason.
        method: how to race and whether to test.
        key: decides the order of the examples.
        asked: whether the forward pass and inference have asked already what the incumbent's
            scores need. They cost nothing then, and the race has its share for the others.
    """
    failures: dict[int, Failure] = {}
    incumbent: dict[int, float] = {}

    async def score(examples: Sequence[int], candidates: Sequence[int]) -> Floats:
        narrowed = scorer.only(candidates)

        async def one(number: int) -> Floats:
            total = np.zeros(len(candidates))
            try:
                if number not in failures:
                    with calling(example=evidence[number].example.id):
                        for term in terms:
                            total = total + await term(evidence[number], narrowed)
                    return total
            except ModelError as error:
                failures[number] = Failure(evidence[number].example.id, error)
            return np.full(len(candidates), incumbent.get(number, 0.0))

        block = np.array(await each(one, examples, limit=method.concurrency))
        if list(candidates) == [0]:
            incumbent.update(zip(examples, block[:, 0].tolist(), strict=True))
        return block

    known = None
    if asked and method.racing is not None:
        known = (await score(range(len(evidence)), [0]))[:, 0]
    raced = await race(
        score,
        examples=len(evidence),
        candidates=len(scorer.candidates),
        settings=method.racing,
        key=key,
        strata=[tuple(sorted(item.example.targets.items())) for item in evidence],
        incumbent=known,
    )
    winner = raced.winner
    accepted = method.accept is None or not winner
    if method.accept is not None and winner:
        accepted = accepts(
            [gap for number, gap in enumerate(raced.differences) if number not in failures],
            level=method.accept,
            compared=len(scorer.candidates) - 1,
            key=key,
        )
    # What failed examples were taken to be must not show in the means.
    size, left = len(evidence), len(evidence) - len(failures)
    assumed = math.fsum(incumbent.get(number, 0.0) for number in failures)
    means = [(size * score - assumed) / max(left, 1) for score in raced.scores]
    counts = np.count_nonzero(~np.isnan(raced.matrix), axis=0)
    return Selected(
        Selection(
            scorer.prompt,
            tuple(
                Candidate(text, origin, mean, int(count))
                for text, origin, mean, count in zip(
                    scorer.candidates, origins, means, counts, strict=True
                )
            ),
            winner if accepted else 0,
            winner,
            math.fsum(raced.differences) / max(left, 1),
            raced.standard_error,
            raced.evaluated,
            raced.full,
            dict(dropped),
        ),
        tuple(failures.values()),
        tuple(np.isnan(raced.matrix).sum(axis=1).tolist()),
    )
