"""Reflection: a model is shown what its instruction led to, and writes a better one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langnet.errors import ContextOverflow
from langnet.key import Key
from langnet.vi.proposal import Observation, Request
from langnet.vi.strategies.drawing import draw

__all__ = ["MESSAGES", "feedback", "rewrite"]

MESSAGES = (
    "Make the instruction clearer and more precise.",
    "Add examples of inputs that were answered wrongly, with the right answers.",
    "Make the instruction shorter and more general.",
    "Rewrite the instruction in detail, with advice on the cases that went wrong.",
)
"""What a rewrite is asked for, in turn (after the paper's four messages)."""

_STOP = ("\n\n\n", "</instruction>")
_SIZES = (4, 2, 1)


async def rewrite(request: Request, key: Key) -> str:
    """A rewrite from successes and errors (the paper's backward prompt, in words of our own).

    Each call shows a random half of the batch and asks for another kind of change, which the last
    number of the key chooses. Feedback is shown where there is some. Where the context does not
    fit, fewer examples are shown; where not even one fits, there is no proposal.
    """
    rng = key.rng()
    start = rng.choice(request.starts)
    half = rng.sample(request.observations, (len(request.observations) + 1) // 2)
    turn = next((part for part in reversed(key) if isinstance(part, int)), 0)
    message = MESSAGES[turn % len(MESSAGES)]
    right = [item for item in half if item.is_success]
    wrong = [item for item in half if not item.is_success]

    def context(count: int) -> str:
        return _asked(
            start,
            _listed("It succeeded on these inputs:", right[:count]),
            _listed("It failed on these inputs:", wrong[:count]),
            _remarks(request.feedback),
            f"Write a better instruction for such inputs. {message}",
        )

    return await _shrinking(request, key, context)


async def feedback(request: Request, key: Key) -> str:
    """A better instruction from feedback, as in GEPA (Agrawal et al. 2025).

    The model sees a few inputs with its answers and what was said about them, those that people
    rated before those that the metric spoke of and errors first, and what people said in general.
    Where nobody said anything there is no proposal, and no call.
    """
    rng = key.rng()
    told = [item for item in request.observations if item.feedback]
    if not (told or request.feedback):
        return ""
    start = rng.choice(request.starts)
    told = told or [item for item in request.observations if not item.is_success]
    rng.shuffle(told)
    told.sort(key=lambda item: (not item.by_person, item.is_success))

    def context(count: int) -> str:
        return _asked(
            start,
            _listed("It was used on these inputs:", told[:count]),
            _remarks(request.feedback),
            "Find out from this feedback what the instruction lacks. Write a better one that holds "
            "for all such inputs, with whatever the feedback says one must know to answer them.",
        )

    return await _shrinking(request, key, context)


async def _shrinking(request: Request, key: Key, context: Callable[[int], str]) -> str:
    """The first answer for a context with at most so many examples of a kind that fits."""
    for count in _SIZES:
        try:
            return await draw(request, key, context(count), stop=_STOP)
        except ContextOverflow:
            continue
    return ""


def _asked(start: str, *parts: str) -> str:
    *shown, task = parts
    return "\n\n".join(
        [
            "A language model was given this instruction:",
            f"<instruction>\n{start}\n</instruction>",
            *filter(None, shown),
            f"{task} Write nothing but the new instruction.\n\nNew instruction:",
        ]
    )


def _listed(title: str, items: Sequence[Observation]) -> str:
    """Examples under a title; empty where there are none."""
    return "\n\n".join([title, *map(_example, items)]) if items else ""


def _example(item: Observation) -> str:
    lines = [item.context, f"Output: {item.output}"]
    if not item.is_success and item.target is not None:
        lines.append(f"Should be: {item.target}")
    if item.feedback:
        lines.append(f"Feedback: {item.feedback}")
    return "\n".join(lines)


def _remarks(texts: Sequence[str]) -> str:
    """What people said; empty where they said nothing."""
    if not texts:
        return ""
    return "\n".join(["People said about its answers:", *(f"- {text}" for text in texts)])
