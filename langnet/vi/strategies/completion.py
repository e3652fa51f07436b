"""Texts to be continued: these ask of a model only to go on as it began."""

from __future__ import annotations

from collections.abc import Mapping

from langnet.errors import ContextOverflow
from langnet.key import Key
from langnet.vi.proposal import Request
from langnet.vi.strategies.drawing import draw, either, plain_instruction
from langnet.vi.strategies.parts import instruction_line

__all__ = ["continuation", "induction", "paraphrase"]

_LISTED = 6
_LINE_LETTERS = 300
_PAIRS = (5, 2, 1)


async def continuation(request: Request, key: Key) -> str:
    """The next line of a list of instructions in rising order of score (OPRO, Yang et al. 2023).

    Scores are shown as whole numbers up to 100, and the line to be written has a higher one than
    all others: half-way from the best to 100. Where no scores differ, none are shown.
    """
    scores: dict[str, float] = {}
    for text, score in request.known:
        line = instruction_line(text, request)[:_LINE_LETTERS]
        if line:
            scores[line] = max(score, scores.get(line, score))
    rising = sorted(scores, key=scores.__getitem__)[-_LISTED:]
    shown = _hundredths({line: scores[line] for line in rising})
    answers = f" The answer is {either(request.labels)}." if request.labels else ""
    if len(set(shown.values())) > 1:
        wanted = (max(shown.values()) + 101) // 2
        listed = "\n\n".join(f"Score: {shown[line]}\nInstruction: {line}" for line in rising)
        context = (
            f"Instructions for the same task with their scores; the best possible is 100.{answers}"
            f"\n\n{listed}\n\nScore: {wanted}\nInstruction:"
        )
    else:
        lines = rising or [plain_instruction(request.labels, key.rng())]
        listed = "\n".join(f"- {line}" for line in lines)
        context = (
            f"Instructions for the same task, each better than the one before.{answers}"
            f"\n\n{listed}\n-"
        )
    return await draw(request, key, context, stop=("\n",))


async def paraphrase(request: Request, key: Key) -> str:
    """An instruction said in other words, asked for by examples."""
    rng = key.rng()
    source = instruction_line(rng.choice(request.starts), request)[:400]
    source = source or plain_instruction(request.labels, rng)
    context = (
        "Text: Decide if the review is good or bad.\n"
        "Same meaning: Say whether the reviewer liked it or not.\n\n"
        "Text: Find out which animal is meant and write its name.\n"
        "Same meaning: Write the name of the animal that is described.\n\n"
        f"Text: {source}\nSame meaning:"
    )
    return await draw(request, key, context, stop=("\n",))


async def induction(request: Request, key: Key) -> str:
    """The instruction that a few solved examples follow (APE, Zhou et al. 2023, forward mode).

    Known prompts play no part. Where the context does not fit, fewer examples are shown.
    """
    solved = [item for item in request.observations if item.target is not None]
    shown = key.rng().sample(solved, min(len(solved), max(_PAIRS)))
    for count in _PAIRS if shown else ():
        pairs = "\n\n".join(
            f"Input: {item.context.strip()}\nOutput: {item.target}" for item in shown[:count]
        )
        context = (
            "Somebody was given an instruction, followed it on these inputs, and wrote these "
            f"outputs.\n\n{pairs}\n\nThe instruction was:"
        )
        try:
            return await draw(request, key, context, stop=("\n",))
        except ContextOverflow:
            continue
    return ""


def _hundredths(scores: Mapping[str, float]) -> dict[str, int]:
    """Scores as whole numbers from 0 to 100.

    Numbers between 0 and 1, such as metrics, are taken as shares; others, such as nats, are
    stretched so that the lowest becomes 0 and the highest 90, which leaves room above.
    """
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    if 0 <= low <= high <= 1:
        return {line: round(100 * score) for line, score in scores.items()}
    width = (high - low) or 1.0
    return {line: round(90 * (score - low) / width) for line, score in scores.items()}
