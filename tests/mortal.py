"""A model that dies in the middle of a fit, and what a run leaves on disk."""

from __future__ import annotations


class Killed(Exception):
    """Stands for the end of the process: nothing in langnet knows it."""


class Mortal:
    """A model that dies at its n-th call."""

    def __init__(self, model, lives):
        self.model = model
        self.lives = lives
        self.calls = 0

    def __getattr__(self, name):
        return getattr(self.model, name)

    def _live(self):
        self.calls += 1
        if self.calls > self.lives:
            raise Killed

    async def sample(self, context, *, decoding, keys):
        self._live()
        return await self.model.sample(context, decoding=decoding, keys=keys)

    async def score(self, context, texts, *, decoding, end=True):
        self._live()
        return await self.model.score(context, texts, decoding=decoding, end=end)

    async def choose(self, context, choices):
        self._live()
        return await self.model.choose(context, choices)


def files(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
