"""Runs to report on: a real fit of a made-up model, with texts that try to break out of a page."""

from __future__ import annotations

from langnet import Decoding, Example, Graph, Inference, Input, Key, Marked, Method, Node, fit
from langnet.testing import TableModel

ATTACKS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><b>bold</b>")
WORDS = ("alpha", "beta", "warm notes", "cold", *ATTACKS)


def distribution(context):
    """A model that answers better the more the prompt speaks of warmth, and writes markup."""
    if context.endswith("Answer:"):
        truth = "hot" if "sun" in context else "icy"
        helped = min(0.45 + 0.1 * context.count("warm"), 0.95)
        return {truth: helped, "icy" if truth == "hot" else "hot": 1 - helped}
    rng = Key(("noise", context)).rng()
    raw = {word: rng.random() + 0.05 for word in WORDS}
    norm = sum(raw.values())
    return {word: value / norm for word, value in raw.items()}


def network():
    return Graph(
        Input("text"),
        Node("notes", "{prompt}\n\n{text}\n\nNotes:", "Note it.", decoding=Decoding(max_tokens=4)),
        Node(
            "answer",
            "{prompt}\n\n{text} notes {notes}\n\nAnswer:",
            "Say what it is.",
            choices=("hot", "icy"),
        ),
        name="weather",
    )


def data(n, start=0):
    return [
        Example(
            f"e{i}",
            {"text": f"{'sun' if i % 2 else 'snow'} number {i} {ATTACKS[i % 3]}"},
            {"answer": "hot" if i % 2 else "icy"},
        )
        for i in range(start, start + n)
    ]


def judged(prediction, target):
    return Marked(float(prediction == target), f"It says {prediction} {ATTACKS[0]}.")


async def fitted(directory, **changes):
    """A fit of three steps, left in a directory."""
    inference = Inference(draws=3, kind=changes.pop("kind", "local"))
    method = Method(steps=3, batch_size=8, candidates=4, inference=inference)
    settings = {
        "models": TableModel(distribution),
        "metric": judged,
        "method": method,
        "seed": 3,
        "directory": directory,
    }
    return await fit(network(), data(24), data(20, 100), **(settings | changes))
