"""Proposals: moves for weak and strong proposers, cleaned, bounded, each once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import ContextOverflow, Key
from langnet.testing import ScriptedModel
from langnet.vi.proposal import Observation, Request
from langnet.vi.propose import allocate, clean, propose
from langnet.vi.strategies import (
    DEFAULT_MIX,
    continuation,
    deletion,
    demonstrations,
    phrasing,
    recombination,
    rewrite,
)

KEY = Key(("proposals",))
SEEN = tuple(
    Observation(f"{n} + {n} = ?\n\nAnswer:", str(2 * n if n % 2 else 0), str(2 * n))
    for n in range(1, 9)
)


def request(model=None, **changes):
    settings = {
        "current": "Add the numbers. Write the sum.",
        "known": (("Add the numbers. Write the sum.", 0.5), ("Sum up. Be brief.", 0.7)),
        "observations": SEEN,
        "labels": (),
        "model": model or ScriptedModel(lambda context, key: "Say the sum."),
    }
    return Request(**(settings | changes))


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 5), min_size=1),
    st.integers(1, 12),
)
def test_allocation_follows_the_shares(mix, count):
    """Over many turns each strategy comes up within one of its exact share."""
    turns = 7
    picks = Counter(name for turn in range(turns) for name in allocate(mix, count, turn))
    norm = sum(mix.values())
    for name, share in mix.items():
        assert abs(picks[name] - turns * count * share / norm) < len(mix)
    assert sum(picks.values()) == turns * count


async def test_demonstrations_hold_the_targets():
    """Demonstrations show observed contexts with their targets, never with wrong outputs."""
    for number in range(20):
        text = await demonstrations(request(), KEY / number)
        blocks = text.split("\n\n")[1:]
        pairs = list(zip(blocks[::2], blocks[1::2], strict=True))
        assert pairs
        for question, answer in pairs:
            n = int(question.split()[0])
            assert answer == f"Answer: {2 * n}"


async def test_demonstrations_fit_the_bound():
    """However few tokens there are, demonstrations keep within them."""
    for limit in (10, 20, 40):
        for number in range(10):
            text = await demonstrations(request(max_tokens=limit), KEY / number)
            assert len(text.encode()) // 4 <= limit


async def test_labels_are_shown_in_balance():
    """No label is demonstrated twice more than another."""
    seen = tuple(Observation(f"text {n}\nAnswer:", "a", "b" if n == 0 else "a") for n in range(8))
    for number in range(20):
        text = await demonstrations(request(observations=seen, labels=("a", "b")), KEY / number)
        assert text.count("Answer: b") <= 1
        if text.count("Answer: a") > 1:
            assert text.count("Answer: b") == 1


async def test_rewrite_shows_what_went_wrong():
    """A rewrite sees the current prompt, successes, and errors with what they should have been."""
    contexts = []

    def answer(context, key):
        contexts.append(context)
        return "New."

    for number in range(8):
        await rewrite(request(ScriptedModel(answer)), KEY / number)
    assert all("Add the numbers. Write the sum." in context for context in contexts)
    assert any("Should be:" in context for context in contexts)
    assert any("succeeded" in context for context in contexts)
    assert len({context.rsplit("such inputs.", 1)[1] for context in contexts}) == 4


async def test_rewrite_shows_fewer_examples_where_they_do_not_fit():
    """A context overflow shrinks the examples; where not even one fits, there is no proposal."""
    sizes = []

    def small(room):
        def answer(context, key):
            sizes.append(context.count("Output:"))
            if len(context) > room:
                raise ContextOverflow("too long", needed=len(context), available=room)
            return "New."

        return request(ScriptedModel(answer))

    assert await rewrite(small(430), KEY) == "New."
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 1
    assert await rewrite(small(10), KEY) == ""


async def test_continuation_ranks_by_score():
    """The list to be continued rises in score, so that the next line should be better still."""
    contexts = []

    def answer(context, key):
        contexts.append(context)
        return "Better."

    await continuation(request(ScriptedModel(answer)), KEY)
    lines = [line for line in contexts[0].splitlines() if line.startswith("- ")]
    assert lines == ["- Add the numbers. Write the sum.", "- Sum up. Be brief."]


async def test_recombination_and_deletion_make_nothing_up():
    """Sentences are mixed or left out, and none is new."""
    known = {"Add the numbers.", "Write the sum.", "Sum up.", "Be brief."}
    for number in range(20):
        for strategy in (recombination, deletion):
            text = await strategy(request(), KEY / number)
            parts = {part.strip() + "." for part in text.split(".") if part.strip()}
            assert parts <= known
            assert parts


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ('"Add the numbers."', "Add the numbers."),
        ("New instruction: Add.", "Add."),
        ("```text\nAdd.\n```", "Add."),
        ("<instruction>\nAdd.\n</instruction>", "Add."),
        ("[New instruction] Add.", "Add."),
        ("  \n", ""),
        ("...", ""),
        ("the the the the the the the the the the the the the", ""),
        ('Say "yes" or "no"', 'Say "yes" or "no"'),
    ],
)
def test_clean(raw, wanted):
    """The wrapping goes, the text stays, and what cannot serve is dropped."""
    assert clean(raw) == wanted


async def test_phrasing_names_every_label():
    """A wording names each label of the node, in varying order, and calls no model."""
    found = set()
    for number in range(60):
        text = await phrasing(request(model=None, labels=("hot", "icy")), KEY / number)
        assert "hot" in text
        assert "icy" in text
        found.add(text)
    assert len(found) > 10
    assert await phrasing(request(), KEY)


async def test_each_proposal_comes_once():
    """What is known already, or was proposed before in the same step, is not proposed again."""
    answers = ["Say the sum.", "say  the sum.", "Sum up. Be brief.", "", "x " * 900]
    model = ScriptedModel(lambda context, key: answers[key[-1] % len(answers)])
    found = await propose(request(model), count=10, key=KEY, mix={"paraphrase": 1.0})
    assert found == [("Say the sum.", "paraphrase")]


async def test_proposals_are_reproducible():
    """The same key gives the same proposals."""
    first = await propose(request(), count=8, key=KEY, mix=DEFAULT_MIX)
    assert first == await propose(request(), count=8, key=KEY, mix=DEFAULT_MIX)
    assert first != await propose(request(), count=8, key=KEY / 1, mix=DEFAULT_MIX)
