"""Demonstrations: solved examples in the prompt, in the layout that the node itself uses.

Learnt prompts were found to hold "verbalised" hard examples (Sordoni et al. 2023); here examples
are put in as they are, as many as fit into `max_tokens`. No model is called.
"""

from __future__ import annotations

from collections.abc import Sequence

from langnet.key import Key
from langnet.lm.base import joined
from langnet.vi.proposal import Observation, Request
from langnet.vi.similarity import nearest
from langnet.vi.strategies.parts import Parts, parted

__all__ = ["demonstrations", "neighbours"]

_MOST = 6
_TRIED = 8
_COMPARED = 300


async def demonstrations(request: Request, key: Key) -> str:
    """An instruction followed by a few solved examples of the batch.

    Half of the time the hard ones come first. With labels, each is shown equally often but for
    one, so that the examples themselves speak for none.
    """
    rng = key.rng()
    solved = _solved(request.observations)
    rng.shuffle(solved)
    if rng.random() < 0.5:  # noqa: PLR2004 - half of the time
        solved.sort(key=lambda item: item.is_success)
    head = parted(rng.choice(request.starts), request).instruction
    chosen = _fitting(request, head, solved, rng.randint(1, _MOST))
    rng.shuffle(chosen)
    return _prompt(head, chosen)


async def neighbours(request: Request, key: Key) -> str:
    """An instruction followed by the solved examples that are nearest to an error of the batch.

    What KATE does for each input anew (Liu et al. 2022), done for one that the prompt got wrong:
    the examples come from `pool`, never the error itself, and the nearest stands last. Texts are
    compared by TF-IDF; of a large pool, a random part.
    """
    rng = key.rng()
    wrong = [item for item in request.observations if not item.is_success]
    if not (wrong or request.observations):
        return ""
    anchor = rng.choice(wrong or request.observations)
    solved = [
        item
        for item in _solved(request.pool or request.observations)
        if item.context != anchor.context
    ]
    if len(solved) > _COMPARED:
        solved = rng.sample(solved, _COMPARED)
    order = nearest(anchor.context, [item.context for item in solved])
    head = parted(rng.choice(request.starts), request).instruction
    ranked = [solved[position] for position in order]
    chosen = _fitting(request, head, ranked, rng.randint(1, _MOST))
    rank = {item.context: place for place, item in enumerate(ranked)}
    chosen.sort(key=lambda item: -rank[item.context])
    return _prompt(head, chosen)


def _solved(items: Sequence[Observation]) -> list[Observation]:
    """The observations whose target is known, each context once."""
    return list({item.context: item for item in items if item.target}.values())


def _shown(item: Observation) -> str:
    return item.context + joined(item.context, item.target or "")


def _prompt(head: str, items: Sequence[Observation]) -> str:
    """The prompt, or an empty text where there is nothing to show."""
    return Parts(head, tuple(map(_shown, items))).text if items else ""


def _fitting(
    request: Request, head: str, items: Sequence[Observation], count: int
) -> list[Observation]:
    """The first items that fit under an instruction, of each label in turn.

    A label that has none left, or none among the next few that fits, ends it: going on with the
    others would speak for them.
    """
    queues: dict[str, list[Observation]] = {}
    for item in items:
        queues.setdefault(item.target or "" if request.labels else "", []).append(item)
    chosen: list[Observation] = []
    for turn in range(count if queues else 0):
        queue = list(queues.values())[turn % len(queues)]
        found = next(
            (item for item in queue[:_TRIED] if request.fits(_prompt(head, [*chosen, item]))), None
        )
        if found is None:
            break
        queue.remove(found)
        chosen.append(found)
    return chosen
