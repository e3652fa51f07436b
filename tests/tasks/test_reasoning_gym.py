"""Reasoning Gym's data sets, where the package is installed."""

from __future__ import annotations

import sys

import pytest

from langnet import tasks
from langnet.data import Example
from langnet.errors import DataError


def test_without_the_package_the_mend_is_told(monkeypatch):
    """What is not installed is named with the command that installs it."""
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    assert tasks.known("reasoning-gym/countdown")
    with pytest.raises(DataError, match=r"pip install 'langnet\[reasoning-gym\]'"):
        tasks.get("reasoning-gym/countdown")


@pytest.fixture
def gym():
    """The package."""
    return pytest.importorskip("reasoning_gym", reason="reasoning-gym is not installed")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["countdown", "leg_counting", "n_queens"])
def test_answers_are_marked_by_their_own_scorer(gym, name):
    """Right answers get 1 and wrong ones less; splits are disjoint and the seed decides them."""
    task = tasks.get(f"reasoning-gym/{name}")
    data = task.splits(train=6, dev=3, test=6, seed=1)
    assert data == task.splits(train=6, dev=3, test=6, seed=1)
    everything = [*data.train, *data.dev, *data.test]
    assert len({example.inputs["text"] for example in everything}) == 15
    for example in everything:
        target = Example("copy", {}, dict(example.targets)).targets["answer"]
        assert task.metric(str(target), target) == 1
        assert task.metric("no", target) < 1


@pytest.mark.filterwarnings("default")
def test_any_right_answer_counts(gym):
    """The scorer knows the puzzle: a right sum that is not the observed one is right."""
    task = tasks.get("reasoning-gym/countdown:min_numbers=3,max_numbers=3")
    example = task.generate(1, seed=1)[0]
    target = example.targets["answer"]
    assert task.metric(f"({target})", target) == 1
    with pytest.raises(DataError, match="targets that were generated"):
        task.metric(str(target), "" + "".join(target))


@pytest.mark.filterwarnings("default")
def test_what_cannot_be_made_is_told(gym):
    """Unknown names, puzzles without answers and settings that do not fit are refused."""
    with pytest.raises(DataError, match="it has countdown"):
        tasks.get("reasoning-gym/cuntdown")
    with pytest.raises(DataError, match=r"by its name alone|at least one"):
        tasks.get("reasoning-gym/composite").generate(1, seed=1)
    with pytest.raises(DataError, match="only puzzles"):
        tasks.get("reasoning-gym/rush_hour").generate(1, seed=1)
    with pytest.raises(DataError, match="max_numbers"):
        tasks.get("reasoning-gym/countdown:min_numbers=9").generate(1, seed=1)
