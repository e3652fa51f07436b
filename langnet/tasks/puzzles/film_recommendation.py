"""Movie recommendation: find the film that someone likes best by asking which of two they prefer.

How much someone likes a film is a linear function of its attributes with weights on the grid 0,
0.1, …, 0.9. Here at most a few attributes matter at all, which the player is told: so the weights
that all replies leave possible can be listed one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from random import Random
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from langnet.tasks.puzzles.puzzle import Answer, Puzzle, State
from langnet.tasks.setting import Setting

__all__ = ["FilmRecommendation", "Taste"]

ATTRIBUTES = ("action", "comedy", "drama", "music", "mystery", "romance", "scenery", "suspense")
_TITLES = """
    Afterglow Backwater Candlelight Driftwood Evergreen Floodgate Gaslight Hourglass Inkwell Juniper
    Kingfisher Lowlands Moonrise Nightfall Overpass Paperweight Quicksand Riverside Sandstorm
    Turnpike Undertow Vineyard Waterfall Yearling
"""
TITLES = tuple(_TITLES.split())
_LEVELS = 10
_BOTH = 2
_FEW = 1000

Grid = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Taste:
    """What one game hides.

    Attributes:
        films: title to a value from 0 to 9 for each attribute, as pairs; the player is told.
        weights: of the attributes, in tenths.
    """

    films: tuple[tuple[str, tuple[int, ...]], ...]
    weights: tuple[int, ...]

    def liking(self, title: str) -> int:
        """How much the film is liked, in tenths."""
        values = dict(self.films)[title]
        return sum(weight * value for weight, value in zip(self.weights, values, strict=True))


@dataclass(frozen=True)
class FilmRecommendation(Puzzle[Taste]):
    """The player asks which of two films is preferred, and recommends one in the end.

    Attributes:
        turns: questions and the recommendation.
        films: how many there are.
        attributes: how many a film has.
        matter: how many attributes at most have a weight.
    """

    name: ClassVar[str] = "film_recommendation"
    summary: ClassVar[str] = (
        "Find the film that someone likes best by asking which of two they prefer."
    )
    kind: ClassVar[type[Taste]] = Taste
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "turns": Setting(11, "questions and the recommendation", least=1, most=50),
            "films": Setting(20, "films in the list", least=2, most=24),
            "attributes": Setting(8, "attributes of a film", least=1, most=8),
            "matter": Setting(3, "attributes that may matter", least=1, most=3),
        }
    )

    turns: int = 11
    films: int = 20
    attributes: int = 8
    matter: int = 3

    def draw(self, rng: Random) -> Taste:
        """Films and weights that prefer some to others."""
        titles = sorted(rng.sample(TITLES, self.films))
        while True:
            films = tuple(
                (title, tuple(rng.randrange(_LEVELS) for _ in range(self.attributes)))
                for title in titles
            )
            chosen = rng.sample(range(self.attributes), min(self.matter, self.attributes))
            weights = [0] * self.attributes
            for place in chosen:
                weights[place] = rng.randrange(_LEVELS)
            taste = Taste(films, tuple(weights))
            if len({taste.liking(title) for title in titles}) > 1:
                return taste

    def rules(self, hidden: Taste) -> str:
        """The films, and what a move looks like."""
        listed = "\n".join(
            f"{title}: "
            + ", ".join(f"{name} {value}" for name, value in zip(ATTRIBUTES, values, strict=False))
            for title, values in hidden.films
        )
        return (
            "Find the film that I like best. How much I like a film is the sum of its values, each "
            "times a weight of mine, which is one of 0, 0.1, 0.2, … 0.9. At most "
            f"{self.matter} of my weights are not 0.\n{listed}\n"
            "Ask which of two films I prefer by writing: Compare A and B. Once you know enough, "
            "write: Recommend A. That ends the game, and the last of your "
            f"{self.turns} moves must be one."
        )

    def answer(self, state: State[Taste], move: str) -> Answer:
        """Which of two films is preferred, or the end."""
        read = self._read(state.hidden, move)
        if isinstance(read, str):
            return Answer(read, legal=False)
        if len(read) == 1:
            return Answer("Thank you.", done=True)
        first, second = map(state.hidden.liking, read)
        if first == second:
            return Answer(f"I like {read[0]} and {read[1]} equally.")
        return Answer(f"I prefer {read[first < second]}.")

    def score(self, state: State[Taste]) -> float:
        """The share of the other films that are not liked better; 0 without a recommendation."""
        last = [self._read(state.hidden, turn.move) for turn in state.turns[-1:] if turn.legal]
        if not last or len(last[0]) != 1:
            return 0.0
        chosen = state.hidden.liking(last[0][0])
        better = sum(state.hidden.liking(title) > chosen for title, _ in state.hidden.films)
        return 1 - better / (self.films - 1)

    def consistent(self, state: State[Taste]) -> Grid:
        """The weights in tenths that all replies so far leave possible, as (taste, attribute)."""
        tastes = _tastes(self.attributes, self.matter)
        values = dict(state.hidden.films)
        for turn in state.turns:
            read = self._read(state.hidden, turn.move)
            if isinstance(read, tuple) and len(read) == _BOTH:
                first, second = read
                told = np.sign(state.hidden.liking(first) - state.hidden.liking(second))
                gap = np.array(values[first]) - np.array(values[second])
                tastes = tastes[np.sign(tastes @ gap) == told]
        return tastes

    def best_move(self, state: State[Taste]) -> str:
        """The question that tells most, or the film that is best for most tastes.

        A question is to leave few tastes; once they are few, to leave few that disagree on which
        film is best.
        """
        tastes = self.consistent(state)
        titles = [title for title, _ in state.hidden.films]
        likings = tastes @ np.array([values for _, values in state.hidden.films]).T
        top = likings == likings.max(axis=1, keepdims=True)
        if top.all(axis=0).any() or len(state.turns) + 1 == self.turns:
            return f"Recommend {titles[int(top.sum(axis=0).argmax())]}"
        pairs = list(combinations(range(len(titles)), _BOTH))

        few = len(tastes) <= _FEW
        best = top / top.sum(axis=1, keepdims=True)

        def remaining(pair: Sequence[int]) -> float:
            told = np.sign(likings[:, pair[0]] - likings[:, pair[1]])
            parts = [told == sign for sign in (-1, 0, 1)]
            sizes = np.array([part.sum() for part in parts])
            if not few:
                return float((sizes**2).sum())
            agreed = np.array([(best[part].sum(axis=0) ** 2).sum() for part in parts])
            return float((sizes - agreed / np.maximum(sizes, 1)).sum())

        first, second = min(pairs, key=remaining)
        return f"Compare {titles[first]} and {titles[second]}"

    def random_move(self, state: State[Taste], rng: Random) -> str:
        """Any question, and in the end any film."""
        titles = [title for title, _ in state.hidden.films]
        if len(state.turns) + 1 == self.turns:
            return f"Recommend {rng.choice(titles)}"
        first, second = rng.sample(titles, _BOTH)
        return f"Compare {first} and {second}"

    def _read(self, hidden: Taste, move: str) -> tuple[str, ...] | str:
        """The films that a move names, one to recommend or two to compare; or what is wrong."""
        titles = {title.lower(): title for title, _ in hidden.films}
        words = re.findall(r"[a-z]+", move.lower())
        named = tuple(dict.fromkeys(titles[word] for word in words if word in titles))
        ends = "recommend" in words
        if len(named) == (1 if ends else _BOTH):
            return named
        if ends:
            return "Recommend exactly one film of the list."
        return "Name exactly two films of the list to compare, or recommend one."


@lru_cache(maxsize=4)
def _tastes(attributes: int, matter: int) -> Grid:
    """Every vector of weights of which at most so many are not 0, as (taste, attribute)."""
    blocks = []
    for size in range(min(matter, attributes) + 1):
        weights = np.array([*product(range(1, _LEVELS), repeat=size)], dtype=np.int64)
        for chosen in combinations(range(attributes), size):
            block = np.zeros((len(weights), attributes), dtype=np.int64)
            block[:, chosen] = weights
            blocks.append(block)
    found = np.concatenate(blocks)
    found.flags.writeable = False  # it is kept for the next call
    return found
