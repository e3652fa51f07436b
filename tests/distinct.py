"""A model for tests of how often it is asked."""

from __future__ import annotations

from langnet import Capabilities, Completion, Key, LabelScores, TextScore, TextScores


class Distinct:
    """A model whose draws never come out the same, and which finds nothing impossible."""

    identity = "distinct"
    capabilities = Capabilities(sample=True, score=True, choose=True)

    async def sample(self, context, *, decoding, keys):
        drawn = decoding.temperature > 0
        return [Completion(f"w{Key((context, *(key if drawn else ()))).seed}") for key in keys]

    async def score(self, context, texts, *, decoding, end=True):
        seeds = [Key((context, text)).seed for text in texts]
        base = 0.1 * len(context) - 100.0  # longer prompts win, so every step changes them
        return TextScores(tuple(TextScore((base - seed % 997 / 997,)) for seed in seeds))

    async def choose(self, context, choices):
        seeds = [Key((context, choice.label)).seed for choice in choices]
        return LabelScores(tuple(-1.0 - seed % 997 / 997 for seed in seeds))

    async def aclose(self):
        pass
