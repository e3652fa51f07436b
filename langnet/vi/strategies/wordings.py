"""Plain wordings, tried out without asking any model."""

from __future__ import annotations

from langnet.key import Key
from langnet.vi.proposal import Request
from langnet.vi.strategies.drawing import either

__all__ = ["THOUGHTS", "WORDINGS", "phrasing"]

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


async def phrasing(request: Request, key: Key) -> str:
    """A plain instruction from a small stock of wordings, with the node's labels in a random order.

    A small model is moved as much by how it is asked as by what it is asked, and the wordings that
    suit it are found by trying. No model is called.
    """
    rng = key.rng()
    if not request.labels:
        return rng.choice(THOUGHTS)
    labels = rng.sample(request.labels, len(request.labels))
    return rng.choice(WORDINGS).format(either=either(labels), listed=", ".join(labels))
