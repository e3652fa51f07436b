"""Strategies: where new candidate prompts come from.

A strong model can rewrite an instruction when it is shown what went right and wrong. A weak one
cannot, so most of the strategies here need no instruction following at all: plain wordings tried
out, demonstrations drawn from the batch, a list of instructions with their scores to be continued,
recombination of prompts that did well, and leaving sentences out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from types import MappingProxyType

from langnet.errors import ContextOverflow
from langnet.key import Key
from langnet.lm.base import Decoding, joined
from langnet.vi.proposal import Observation, Proposer, Request, estimated_tokens

__all__ = [
    "DEFAULT_MIX",
    "STRATEGIES",
    "continuation",
    "deletion",
    "demonstrations",
    "paraphrase",
    "phrasing",
    "recombination",
    "rewrite",
]

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
    message = MESSAGES[_turn(key) % len(MESSAGES)]
    for count in (4, 2, 1):
        context = _backward(request.current, half, count, message)
        try:
            return await _sample(request, key, context, stop=("\n\n\n", "</instruction>"))
        except ContextOverflow:
            continue  # with fewer examples it may fit
    return ""


def _backward(current: str, items: Sequence[Observation], count: int, message: str) -> str:
    """The context of a rewrite, with at most `count` successes and as many errors."""
    parts = [
        "A language model was given this instruction:",
        f"<instruction>\n{current}\n</instruction>",
    ]
    right = [item for item in items if item.is_success][:count]
    wrong = [item for item in items if not item.is_success][:count]
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
    parts.append(
        f"Write a better instruction for such inputs. {message} Write nothing but the new "
        "instruction.\n\nNew instruction:"
    )
    return "\n\n".join(parts)


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
        if estimated_tokens("\n\n".join([head, *shown, block])) > request.max_tokens:
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
    return _joined(dict.fromkeys(mixed))


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
    return _joined(parts)


async def phrasing(request: Request, key: Key) -> str:
    """A plain instruction from a small stock of wordings, with the node's labels in a random order.

    A small model is moved as much by how it is asked as by what it is asked, and the wordings that
    suit it are found by trying. No model is called.
    """
    rng = key.rng()
    if not request.labels:
        return rng.choice(THOUGHTS)
    labels = rng.sample(request.labels, len(request.labels))
    return rng.choice(WORDINGS).format(either=_either(labels), listed=", ".join(labels))


WORDINGS = (
    "Is this {either}?",
    "Answer with {either}.",
    "Choose one: {listed}.",
    "Classify the text as {either}.",
    "Which is it: {either}?",
    "Decide whether the text is {either}.",
    "Labels: {listed}. Pick the right one.",
    "Each of these texts is {either}. Say which.",
    "Read the text carefully. Is it {either}?",
    "Question: is the following text {either}?",
    "What kind of text is this? It is {either}.",
    "Tell apart what is {either}.",
    "The answer is always one word: {listed}.",
    "Here is a text. Say whether it is {either}, and nothing else.",
)
"""Wordings for a node with choices."""

THOUGHTS = (
    "Let's think step by step.",
    "Say what matters most in this text.",
    "What is this text about? Answer in a few words.",
    "Is there an opinion in this text? Say which.",
    "Repeat the words that matter for the answer.",
    "Who wrote this, and why?",
    "Sum up the text in a few words.",
    "List what speaks for each answer.",
    "Describe the tone of the text.",
    "Name the one thing that decides the answer.",
)
"""Wordings for a node that writes freely."""


STRATEGIES: Mapping[str, Proposer] = MappingProxyType(
    {
        "rewrite": rewrite,
        "continuation": continuation,
        "paraphrase": paraphrase,
        "phrasing": phrasing,
        "demonstrations": demonstrations,
        "recombination": recombination,
        "deletion": deletion,
    }
)
"""The strategies by name."""

DEFAULT_MIX: Mapping[str, float] = MappingProxyType(
    {
        "phrasing": 4.0,
        "demonstrations": 2.0,
        "continuation": 2.0,
        "paraphrase": 1.0,
        "rewrite": 1.0,
        "recombination": 1.0,
    }
)
"""Shares of a mix that serves weak and strong proposers."""


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


def _joined(parts: Iterable[str]) -> str:
    """Sentences as one text, parted where the white space between them was lost."""
    text = ""
    for part in parts:
        gap = "" if not text or text[-1].isspace() else " "
        text += gap + part
    return text.strip()


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
