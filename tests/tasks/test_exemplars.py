"""Exemplars: what is chosen covers what it should, and comes from where it may."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import tasks
from langnet.tasks.arithmetic_check import mistakes
from langnet.tasks.exemplars import Pool, covering
from langnet.tasks.scan import interpret

PARTS = st.frozensets(st.sampled_from("abcdef"), max_size=3)


def pool_of(primitives):
    return Pool(tuple({"text": str(n)} for n in range(len(primitives))), tuple(primitives))


def words(example_or_exemplar, answer):
    return {*example_or_exemplar["text"].split(), *answer.split()}


@given(st.lists(PARTS, max_size=12), PARTS, st.integers(0, 14), st.integers(), st.integers(0, 11))
def test_all_that_can_be_covered_is_covered(primitives, wanted, shots, seed, barred):
    """With as many shots as primitives, every one that the pool holds is covered; none twice."""
    pool = pool_of(primitives)
    chosen = covering(pool, wanted, shots, Random(seed), without={str(barred)})
    places = [int(one["text"]) for one in chosen]
    able = [place for place in range(len(primitives)) if place != barred]
    assert len(places) == len(set(places)) == min(shots, len(able))
    assert barred not in places
    if shots >= len(wanted):
        there = frozenset().union(*(primitives[place] for place in able))
        assert wanted & there <= frozenset().union(*(primitives[place] for place in places))


def test_the_rarest_is_covered_first():
    """The first exemplar holds the primitive that the fewest others hold."""
    pool = pool_of([frozenset("a")] * 8 + [frozenset("ab"), frozenset("c")])
    for seed in range(20):
        first, second = covering(pool, "abc", 2, Random(seed))
        assert {first["text"], second["text"]} == {"8", "9"}
        assert covering(pool, "a", 1, Random(seed))[0]["text"] != "9"


@pytest.mark.parametrize("exemplars", ["oracle", "random"])
def test_a_shorter_choice_begins_a_longer_one(exemplars):
    """One data set with many shots serves every smaller number."""
    by_shots = [
        tasks.get("scan", shots=shots, exemplars=exemplars, longest=6).generate(20, seed=3)
        for shots in (1, 5, 10)
    ]
    for fewer, more in pairwise(by_shots):
        for one, other in zip(fewer, more, strict=True):
            shown = one.inputs["exemplars"]
            assert shown == other.inputs["exemplars"][: len(shown)]


@pytest.mark.parametrize("split", ["length", "addprim_jump"])
@pytest.mark.parametrize("queries", ["train", "test"])
def test_the_same_queries_come_with_exemplars_from_either_side(split, queries):
    """The source changes where exemplars are drawn from and nothing else; all of them are right."""

    def is_held_out(command):
        long = len(interpret(command).split()) > 22
        return long if split == "length" else "jump" in command and command != "jump"

    found = {}
    for source in ("train", "test"):
        task = tasks.get("scan", split=split, queries=queries, source=source, shots=10)
        assert task.inputs == ("text", "exemplars")
        found[source] = task.splits(train=5, dev=5, test=40, seed=2).test
        for example in found[source]:
            shown = example.inputs["exemplars"]
            assert len({one["text"] for one in shown} | {example.inputs["text"]}) == 11
            assert all(is_held_out(one["text"]) == (source == "test") for one in shown)
            assert all(interpret(one["text"]) == one["answer"] for one in shown)
    both = zip(found["train"], found["test"], strict=True)
    assert all(one.inputs["text"] == other.inputs["text"] for one, other in both)
    assert all(is_held_out(e.inputs["text"]) == (queries == "test") for e in found["train"])


def test_an_oracle_covers_the_command_and_its_actions():
    """Whatever of the query the other side has is shown; at random some of it is not."""
    missing = {}
    for exemplars in ("oracle", "random"):
        task = tasks.get("scan:split=addprim_jump,shots=10", exemplars=exemplars)
        missing[exemplars] = sum(
            len(
                words(example.inputs, example.targets["answer"])
                - set().union(*(words(one, one["answer"]) for one in example.inputs["exemplars"]))
            )
            for example in task.splits(train=0, dev=0, test=50).test
        )
    assert missing["oracle"] == 0
    assert missing["random"] > 50  # "jump" alone is one of 13,204 commands


def test_held_out_texts_are_never_shown_to_learn_from():
    """The exemplars of examples to fit on and to choose by leave out what is held out."""
    for spec in ("scan:longest=3,shots=10", "arithmetic:steps=2,largest=4,shots=5"):
        data = tasks.get(spec).splits(train=40, dev=20, test=20)
        held_out = {example.inputs["text"] for example in data.test}
        for example in (*data.train, *data.dev):
            assert not held_out & {one["text"] for one in example.inputs["exemplars"]}


def test_short_commands_are_short():
    """`longest` bounds the actions of queries and of exemplars."""
    for example in tasks.get("scan:longest=4,shots=3").generate(30, seed=1):
        answers = [one["answer"] for one in example.inputs["exemplars"]]
        assert all(len(text.split()) <= 4 for text in (*answers, example.targets["answer"]))


def test_sums_bring_right_steps_along():
    """The exemplars of a sum are other sums with their steps and results, and change nothing."""
    plain = tasks.get("arithmetic").generate(20, seed=5)
    for one, example in zip(
        plain, tasks.get("arithmetic:shots=4").generate(20, seed=5), strict=True
    ):
        assert (one.inputs["text"], one.targets) == (example.inputs["text"], example.targets)
        shown = example.inputs["exemplars"]
        assert len({found["text"] for found in shown} - {one.inputs["text"]}) == 4
        for found in shown:
            assert not any(mistakes(found["text"], found["trace"]))
            assert found["trace"].endswith(f"= {found['answer']}")
