"""Every way that langnet's own random choices can fall out, with its probability.

Where `every_path` runs a piece of work, each choice that a key below `ENUMERATED` makes is not
drawn but enumerated: the work is run once per path. A mean over the paths is then an expectation,
to the last digit, of what langnet really computes.
"""

from __future__ import annotations

import itertools
import math
from unittest import mock

from langnet import Key
from langnet.vi import particles

ENUMERATED = Key(("enumerated",))


async def every_path(work):
    """The results of `work()` with their probabilities, over all paths of random choices."""
    found = []
    prefix = []
    draw, resample = Key.rng, particles.systematic
    while True:
        path = _Path(prefix)

        def rng(key, path=path):
            return _Generator(path, key) if key[:1] == ENUMERATED else draw(key)

        def systematic(weights, offset, path=path):
            return resample(weights, _offset(path, weights, offset.key))

        with (
            mock.patch.object(Key, "rng", rng),
            mock.patch.object(particles, "systematic", systematic),
        ):
            result = await work()
        found.append((path.probability, result))
        taken = path.taken
        while taken and taken[-1][0] == len(taken[-1][1]) - 1:
            taken.pop()
        if not taken:
            assert math.isclose(math.fsum(p for p, _ in found), 1)
            return found
        prefix = [branch for branch, _ in taken]
        prefix[-1] += 1


def expected(found, function):
    """The expectation of a function of the results."""
    return math.fsum(p * function(result) for p, result in found)


class _Path:
    """The branch taken at each choice, in the order in which the choices come up."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.taken = []
        self.known = {}

    def choose(self, key, probabilities):
        if key not in self.known:
            place = len(self.taken)
            branch = self.prefix[place] if place < len(self.prefix) else 0
            self.taken.append((branch, probabilities))
            self.known[key] = branch
        return self.known[key]

    @property
    def probability(self):
        return math.prod(probabilities[branch] for branch, probabilities in self.taken)


class _Offset(float):
    """A uniform offset that is still to be chosen."""

    key: Key


class _Generator:
    """What stands in for a key's random numbers."""

    def __init__(self, path, key):
        self.path = path
        self.key = key

    def randrange(self, count):
        return self.path.choose(self.key, [1 / count] * count)

    def choices(self, population, weights):
        norm = math.fsum(weights)
        branch = self.path.choose(self.key, [weight / norm for weight in weights])
        return [list(population)[branch]]

    def random(self):
        offset = _Offset()
        offset.key = self.key
        return offset


def _offset(path, weights, key):
    """An offset out of each interval on which systematic resampling has one outcome."""
    breaks = {(len(weights) * total) % 1.0 for total in itertools.accumulate(weights)}
    intervals = [
        (low, high)
        for low, high in itertools.pairwise(sorted({0.0, 1.0, *breaks}))
        if high - low > 1e-12
    ]
    low, high = intervals[path.choose(key, [high - low for low, high in intervals])]
    return (low + high) / 2
