"""Proposals: cleaned, bounded, each once; their calls are known before they are made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import ContextOverflow, Decoding, Key, Method, ModelError
from langnet.testing import ScriptedModel
from langnet.vi.cleaning import clean
from langnet.vi.proposal import Observation, Request, Strategy
from langnet.vi.propose import Proposals, most_calls, propose
from langnet.vi.strategies import DEFAULT_MIX, STRATEGIES

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


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ('"Add the numbers."', "Add the numbers."),
        ("New instruction: Add.", "Add."),
        ("**Improved instruction:** Add.", "Add."),
        ("**Prompt**: Add.", "Add."),
        ("Sure! Here is the improved instruction:\n\n“Add.”", "Add."),
        ("Here is a text. Say whether it is good.", "Here is a text. Say whether it is good."),
        ("```text\nAdd.\n```", "Add."),
        ("<instruction>\nAdd.\n</instruction>", "Add."),
        ("[New instruction] Add.", "Add."),
        ("  \n", ""),
        ("...", ""),
        ("the the the the the the the the the the the the the", ""),
        ("Say it. Then " + "do it again, " * 6, ""),
        ("1 0\nsum: odd\n\n1 1\nsum: even\n\n0 0\nsum: even\n\n0 1\nsum: odd\n\n" * 2, None),
        ('Say "yes" or "no"', 'Say "yes" or "no"'),
    ],
)
def test_clean(raw, wanted):
    """The wrapping goes, the text stays, and what is empty or repeats until the end is dropped."""
    assert clean(raw) == (raw.strip() if wanted is None else wanted)


@given(
    st.lists(
        st.sampled_from(
            ["instruction", "Prompt:", "new ", '"', "**", "*", "```", "\n", "<instruction>", "Add."]
        )
        | st.text(max_size=5),
        max_size=8,
    ).map("".join)
)
def test_what_is_clean_stays_as_it_is(text):
    """Cleaning twice changes nothing, and nothing is made up."""
    once = clean(text)
    assert clean(once) == once
    assert once in text


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=1, max_size=30, unique=True))
def test_content_is_not_judged(words):
    """A proposal that says nothing of the answer or its format is kept for scoring."""
    text = " ".join(words)
    assert clean(text) == text


async def test_a_proposal_without_the_answer_format_is_scored():
    """A proposal that names no label, forbids the answer or asks for another format is kept."""
    bad = ["Write a poem.", "Never answer.", "Reply in JSON with the key 'mood'.", "Antwort: ja"]
    model = ScriptedModel(lambda context, key: bad[key[-1]])
    found = await propose(
        request(model, labels=("yes", "no")), count=4, key=KEY, mix={"paraphrase": 1.0}
    )
    assert [text for text, _ in found.kept] == bad


async def test_each_proposal_comes_once():
    """What is known already, or was proposed before in the same step, is dropped, and counted."""
    answers = ["Say the sum.", "say  the sum.", "Sum up. Be brief.", "", "x " * 900 + "y"]
    model = ScriptedModel(lambda context, key: answers[key[-1] % len(answers)])
    found = await propose(request(model), count=10, key=KEY, mix={"paraphrase": 1.0})
    assert found == Proposals(
        (("Say the sum.", "paraphrase"),), {"empty": 2, "duplicate": 5, "too long": 2}, 10
    )


async def test_the_parent_is_no_proposal():
    """A prompt to start from that is neither the incumbent nor known is not new either."""
    model = ScriptedModel(lambda context, key: "Start here.")
    found = await propose(
        request(model, parent="Start  here."), count=1, key=KEY, mix={"paraphrase": 1.0}
    )
    assert found.dropped["duplicate"] == 1


async def test_length_is_counted_as_the_request_says():
    """The request's own counter bounds a proposal, whatever its bytes."""
    model = ScriptedModel(lambda context, key: "One two three.")
    for limit, kept in ((3, 1), (2, 0)):
        asked = request(model, max_tokens=limit, count_tokens=lambda text: len(text.split()))
        found = await propose(asked, count=1, key=KEY, mix={"paraphrase": 1.0})
        assert len(found.kept) == kept
        assert found.dropped["too long"] == 1 - kept


async def test_proposals_are_reproducible():
    """The same key gives the same proposals."""
    first = await propose(request(), count=8, key=KEY, mix=DEFAULT_MIX)
    assert first == await propose(request(), count=8, key=KEY, mix=DEFAULT_MIX)
    assert first != await propose(request(), count=8, key=KEY / 1, mix=DEFAULT_MIX)


async def _nothing(request, key):
    return ""


async def _own(request, key):
    return f"My own {key[-1]}."


async def _twice(request, key):
    for part in ("a", "b"):
        (answer,) = await request.model.sample("", decoding=Decoding(), keys=(key / part,))
    return answer.text


def moody():
    """A model with something new for each key, and sometimes nothing."""
    return ScriptedModel(lambda context, key: f"Say {key.seed}." if key.seed % 3 else "")


PROPOSERS = {
    **STRATEGIES,
    "nothing": Strategy(_nothing, calls=0),
    "own": _own,
    "twice": Strategy(_twice, calls=2),
}


@given(
    st.dictionaries(st.sampled_from(sorted(PROPOSERS)), st.floats(0.1, 4), min_size=1),
    st.integers(1, 8),
    st.integers(0, 20),
)
async def test_calls_are_known_beforehand(mix, count, turn):
    """No turn takes more calls than was said, and kept and dropped add up to what was asked."""
    model = moody()
    found = await propose(
        request(model), count=count, key=KEY, mix=mix, proposers=PROPOSERS, turn=turn
    )
    assert found.calls == model.calls["sample"]
    assert found.calls <= most_calls(mix, PROPOSERS, count=count, turn=turn)
    assert len(found.kept) + sum(found.dropped.values()) == count
    assert {name for _, name in found.kept} <= set(mix)


async def test_declared_calls_are_made():
    """Where every strategy has something to give, the calls are exactly those declared."""
    mix = {"continuation": 2.0, "paraphrase": 1.0, "rewrite": 1.0, "phrasing": 1.0, "twice": 1.0}
    model = ScriptedModel(lambda context, key: f"Say {key.seed}.")

    async def twice(request, key):
        return await STRATEGIES["paraphrase"](request, key / 0) + await STRATEGIES["rewrite"](
            request, key / 1
        )

    proposers = {**STRATEGIES, "twice": Strategy(twice, calls=2)}
    for turn in range(5):
        found = await propose(
            request(model), count=6, key=KEY, mix=mix, proposers=proposers, turn=turn
        )
        assert found.calls == most_calls(mix, proposers, count=6, turn=turn)


async def test_a_strategy_that_cannot_serve_gives_its_place_away():
    """The place of one that has nothing to give goes to those it can pay for, by their shares."""
    mix = {"nothing": 2.0, "feedback": 2.0, "phrasing": 2.0, "own": 1.0, "twice": 9.0}
    proposers = {**PROPOSERS, "twice": Strategy(_nothing, calls=2)}
    origins = []
    for turn in range(40):
        found = await propose(
            request(labels=("yes", "no")),
            count=4,
            key=KEY / turn,
            mix=mix,
            proposers=proposers,
            turn=turn,
        )
        assert found.dropped["empty"] == 0
        assert found.calls == 0
        origins += [name for _, name in found.kept]
    assert set(origins) == {"phrasing", "own"}

    only = await propose(
        request(), count=2, key=KEY, mix={"nothing": 1.0, "rewrite": 0.0}, proposers=PROPOSERS
    )
    assert only == Proposals((), {"empty": 2, "duplicate": 0, "too long": 0}, 0)


async def test_no_place_is_given_to_what_costs_more():
    """A strategy without calls is never replaced by one that calls the model."""
    mix = {"nothing": 1.0, "paraphrase": 1.0}
    model = moody()
    found = await propose(request(model), count=10, key=KEY, mix=mix, proposers=PROPOSERS)
    assert found.calls == 5
    assert found.dropped["empty"] >= 5


async def test_an_overflow_leaves_the_place_to_others_and_other_errors_are_raised():
    """What does not fit the proposing model is no proposal; a failed call is an error."""

    def overflow(context, key):
        raise ContextOverflow("too long", needed=9, available=1)

    mix = {"continuation": 1.0, "phrasing": 1.0}
    found = await propose(request(ScriptedModel(overflow)), count=6, key=KEY, mix=mix)
    assert found.calls == 0
    assert found.dropped["empty"] == 0
    assert {name for _, name in found.kept} == {"phrasing"}

    def broken(context, key):
        raise ModelError("no answer")

    with pytest.raises(ModelError, match="no answer"):
        await propose(request(ScriptedModel(broken)), count=6, key=KEY, mix=mix)


async def test_plain_functions_are_strategies():
    """A method takes an async function among the strategies; it counts as one call."""
    method = Method(mix={"mine": 1, "phrasing": 1}, proposers={**STRATEGIES, "mine": _own})
    assert most_calls(method.mix, method.proposers, count=4) == 2
    found = await propose(
        request(), count=4, key=KEY, mix=method.mix, proposers=method.proposers, turn=3
    )
    assert [name for _, name in found.kept].count("mine") == 2
    assert {"My own 3.", "My own 4."} <= {text for text, _ in found.kept}
    with pytest.raises(ValueError, match="calls"):
        Strategy(_own, calls=-1)
