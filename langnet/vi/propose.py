"""Proposals: where new candidate prompts come from.

A strong model can rewrite an instruction when it is shown what went right and wrong. A weak one
cannot, so half of the strategies here need no instruction following at all: demonstrations drawn
from the batch, a list of instructions with their scores to be continued, recombination of prompts
that did well, and leaving sentences out. Every candidate is scored, none is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from types import MappingProxyType

from langnet.concurrency import concurrently
from langnet.key import Key
from langnet.lm.base import Decoding, LanguageModel, joined

__all__ = [
    "DEFAULT_MIX",
    "STRATEGIES",
    "Observation",
    "Proposer",
    "Request",
    "allocate",
    "clean",
    "propose",
]


@dataclass(frozen=True, slots=True)
class Observation:
    """One example as a proposer sees it.

    Attributes:
        context: what the node saw, without its prompt.
        output: what the node said.
        target: what it should have said: the observed text, or the inferred one (h*); `None`
            where only the network's answer is known to be wrong.
    """

    context: str
    output: str
    target: str | None

    @property
    def is_success(self) -> bool:
        """Whether the node said what it should have said."""
        return self.output == self.target


@dataclass(frozen=True, slots=True)
class Request:
    """What a proposer is asked.

    Attributes:
        current: the incumbent prompt.
        known: prompts with their scores, the best first: the incumbent and the memory.
        observations: the batch.
        labels: the node's choices; empty for a node without.
        model: the proposing model.
        max_tokens: the longest prompt, in tokens (estimated at four bytes each).
        temperature: of the proposing model's draws.
    """

    current: str
    known: tuple[tuple[str, float], ...]
    observations: tuple[Observation, ...]
    labels: tuple[str, ...]
    model: LanguageModel
    max_tokens: int = 400
    temperature: float = 0.7


Proposer = Callable[[Request, Key], Awaitable[str]]
"""Gives one new prompt, or an empty text where it has none to give."""

MESSAGES = (
    "Make the instruction clearer and more precise.",
    "Add examples of inputs that were answered wrongly, with the right answers.",
    "Make the instruction shorter and more general.",
    "Rewrite the instruction in detail, with advice on the cases that went wrong.",
)
"""What a rewrite is asked for, in turn (after the paper's four messages)."""


async def rewrite(request: Request, key: Key) -> str:
    """A rewrite from successes and errors (the paper's backward prompt, in words of our own).

    Each call shows a random half of the batch and asks for another kind of change.
    """
    rng = key.rng()
    half = rng.sample(request.observations, (len(request.observations) + 1) // 2)
    right = [item for item in half if item.is_success][:4]
    wrong = [item for item in half if not item.is_success][:4]
    parts = [
        "A language model was given this instruction:",
        f"<instruction>\n{request.current}\n</instruction>",
    ]
    if right:
        shown = "\n\n".join(f"{item.context}\nOutput: {item.target}" for item in right)
        parts.append(f"It succeeded on these inputs:\n\n{shown}")
    if wrong:
        shown = "\n\n".join(
            f"{item.context}\nOutput: {item.output}"
            + ("" if item.target is None else f"\nShould be: {item.target}")
            for item in wrong
        )
        parts.append(f"It failed on these inputs:\n\n{shown}")
    message = MESSAGES[_turn(key) % len(MESSAGES)]
    parts.append(
        f"Write a better instruction for such inputs. {message} Write nothing but the new "
        "instruction.\n\nNew instruction:"
    )
    return await _sample(request, key, "\n\n".join(parts), stop=("\n\n\n", "</instruction>"))


async def continuation(request: Request, key: Key) -> str:
    """The next line of a list of instructions in rising order of score (OPRO, Yang et al. 2023)."""
    ranked = sorted(dict(request.known).items(), key=lambda pair: pair[1])
    lines = [_one_line(text)[:300] for text, _ in ranked[-6:] if text.strip()]
    rng = key.rng()
    lines = lines or [_instruction(request.labels, rng)]
    answers = f" The answer is {_either(request.labels)}." if request.labels else ""
    listed = "\n".join(f"- {line}" for line in dict.fromkeys(lines))
    context = (
        f"Instructions for the same task, each better than the one before.{answers}\n\n{listed}\n-"
    )
    return await _sample(request, key, context, stop=("\n",))


async def paraphrase(request: Request, key: Key) -> str:
    """The first sentences of a prompt said in other words, asked for by examples."""
    rng = key.rng()
    source = _one_line(rng.choice([text for text, _ in request.known] or [request.current]))
    source = source[:400] or _instruction(request.labels, rng)
    context = (
        "Text: Decide if the review is good or bad.\n"
        "Same meaning: Say whether the reviewer liked it or not.\n\n"
        "Text: Find out which animal is meant and write its name.\n"
        "Same meaning: Write the name of the animal that is described.\n\n"
        f"Text: {source}\nSame meaning:"
    )
    return await _sample(request, key, context, stop=("\n",))


async def demonstrations(request: Request, key: Key) -> str:
    """The instruction followed by a few solved examples of the batch, the hard ones first.

    The paper found its prompts to hold "verbalised" hard examples; here they are put in as they
    are, in the layout that the node itself uses, as many as fit into `max_tokens`.
    """
    rng = key.rng()
    pool = [item for item in request.observations if item.target]
    rng.shuffle(pool)
    if rng.random() < 0.5:  # noqa: PLR2004 - half of the time
        pool.sort(key=lambda item: item.is_success)
    wanted = rng.randint(1, 6)
    chosen = _balanced(pool, wanted) if request.labels else pool[:wanted]
    head = _undemonstrated(rng.choice([request.current, *(text for text, _ in request.known)]))
    shown: list[str] = []
    for item in chosen:
        block = item.context + joined(item.context, item.target or "")
        if _tokens("\n\n".join([head, *shown, block])) > request.max_tokens:
            break
        shown.append(block)
    rng.shuffle(shown)
    return "\n\n".join([head, *shown]) if head else "\n\n".join(shown)


async def recombination(request: Request, key: Key) -> str:
    """Sentences of two known prompts, mixed."""
    rng = key.rng()
    texts = [text for text, _ in request.known if text.strip()]
    if len(texts) < 2:  # noqa: PLR2004 - there is nothing to mix
        return await deletion(request, key)
    first, second = rng.sample(texts, 2)
    one, other = _sentences(first), _sentences(second)
    mixed = one[: rng.randint(1, len(one))] + other[rng.randint(0, len(other) - 1) :]
    return "".join(dict.fromkeys(mixed)).strip()


async def deletion(request: Request, key: Key) -> str:
    """A known prompt with one sentence left out, or with two exchanged."""
    rng = key.rng()
    parts = _sentences(rng.choice([text for text, _ in request.known] or [request.current]))
    if len(parts) < 2:  # noqa: PLR2004 - nothing would be left
        return ""
    if rng.random() < 0.7:  # noqa: PLR2004 - leave out more often than exchange
        parts.pop(rng.randrange(len(parts)))
    else:
        i, j = rng.sample(range(len(parts)), 2)
        parts[i], parts[j] = parts[j], parts[i]
    return "".join(parts).strip()


STRATEGIES: Mapping[str, Proposer] = MappingProxyType(
    {
        "rewrite": rewrite,
        "continuation": continuation,
        "paraphrase": paraphrase,
        "demonstrations": demonstrations,
        "recombination": recombination,
        "deletion": deletion,
    }
)
"""The strategies by name."""

DEFAULT_MIX: Mapping[str, float] = MappingProxyType(
    {
        "demonstrations": 3.0,
        "continuation": 2.0,
        "paraphrase": 1.0,
        "rewrite": 1.0,
        "recombination": 1.0,
    }
)
"""Shares of a mix that serves weak and strong proposers."""


def allocate(mix: Mapping[str, float], count: int, turn: int) -> list[str]:
    """Which strategy makes each of the `count` proposals of a turn.

    The turns of all steps form one sequence in which each strategy comes up as evenly as its share
    allows (smooth weighted round robin).
    """
    credit = {name: 0.0 for name, share in mix.items() if share > 0}
    picks: list[str] = []
    for _ in range(count * (turn + 1)):
        for name in credit:
            credit[name] += mix[name]
        chosen = max(credit, key=credit.__getitem__)
        credit[chosen] -= sum(mix[name] for name in credit)
        picks.append(chosen)
    return picks[count * turn :]


async def propose(
    request: Request,
    *,
    count: int,
    key: Key,
    mix: Mapping[str, float] = DEFAULT_MIX,
    proposers: Mapping[str, Proposer] = STRATEGIES,
    turn: int = 0,
) -> list[tuple[str, str]]:
    """New candidates, cleaned and each once, with the strategy that made each.

    Raises:
        ModelError: a call failed.
    """
    strategies = allocate(mix, count, turn)
    texts = await concurrently(
        partial(proposers[name], request, key.below(name, number + turn))
        for number, name in enumerate(strategies)
    )
    seen = {_canonical(text) for text, _ in request.known} | {_canonical(request.current)}
    kept: list[tuple[str, str]] = []
    for name, text in zip(strategies, texts, strict=True):
        cleaned = clean(text)
        if not cleaned or _canonical(cleaned) in seen or _tokens(cleaned) > request.max_tokens:
            continue
        seen.add(_canonical(cleaned))
        kept.append((cleaned, name))
    return kept


def clean(text: str) -> str:
    """A proposal without the wrapping that models add; empty where it cannot serve."""
    text = re.sub(r"^```\w*\n|\n?```$", "", text.strip()).strip()
    text = re.sub(
        r"^(?:new |better |improved )?(?:instruction|prompt)s?\s*:\s*",
        "",
        text,
        flags=re.IGNORECASE,
    )
    for opening, closing in ('""', "''", "“”", "**"):
        if (
            len(text) > 1
            and text[0] == opening
            and text[-1] == closing
            and opening not in text[1:-1]
        ):
            text = text[1:-1].strip()
    words = text.casefold().split()
    if len(words) >= 12 and len(set(words)) < len(words) / 4:  # noqa: PLR2004 - a loop, not a text
        return ""
    return text if any(letter.isalnum() for letter in text) else ""


async def _sample(request: Request, key: Key, context: str, *, stop: tuple[str, ...]) -> str:
    decoding = Decoding(
        temperature=request.temperature,
        max_tokens=min(request.max_tokens, 48 if "\n" in stop else request.max_tokens),
        stop=stop,
    )
    (completion,) = await request.model.sample(context, decoding=decoding, keys=(key,))
    return completion.text


def _turn(key: Key) -> int:
    return next((part for part in reversed(key) if isinstance(part, int)), 0)


def _tokens(text: str) -> int:
    return len(text.encode()) // 4


def _canonical(text: str) -> str:
    return " ".join(text.casefold().split())


def _one_line(text: str) -> str:
    """The instruction of a prompt in one line, without the examples that follow it."""
    return " ".join(_undemonstrated(text).split())


def _undemonstrated(text: str) -> str:
    return text.split("\n\n", 1)[0].strip()


def _either(labels: Sequence[str]) -> str:
    return " or ".join(labels) if len(labels) < 3 else ", ".join(labels[:-1]) + " or " + labels[-1]  # noqa: PLR2004 - a list of two has no comma


def _instruction(labels: Sequence[str], rng: Random) -> str:
    if not labels:
        return "Think about the input and write what helps to answer."
    starts = ("Answer with", "Decide between", "Choose one of")
    return f"{rng.choice(starts)} {_either(labels)}."


def _sentences(text: str) -> list[str]:
    """The sentences and blocks of a prompt, each with the white space that follows it."""
    found = re.findall(r"(?:.+?(?:[.!?](?=\s)|\n\n|\Z))\s*", text, flags=re.DOTALL)
    return found or [text]


def _balanced(pool: Sequence[Observation], count: int) -> list[Observation]:
    """The first of each target in turn, so that no label is shown more often than others."""
    queues: dict[str, list[Observation]] = {}
    for item in pool:
        queues.setdefault(item.target or "", []).append(item)
    chosen: list[Observation] = []
    while len(chosen) < count and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop(0))
    return chosen
