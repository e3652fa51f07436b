"""Once: each question goes out once, whoever asks it, and remembers what it was told."""

from __future__ import annotations

import anyio
import pytest

from langnet import Choice, Decoding, Key, ModelError
from langnet.errors import TransientError
from langnet.lm.once import Answers, Once, Tally
from langnet.lm.partial import Partial
from langnet.testing import GatedModel, TableModel

DRAWN, GREEDY = Decoding(), Decoding(temperature=0)
TABLE = {"yes": 0.75, "no": 0.25}


def table():
    return TableModel(lambda context: TABLE)


def once(model):
    tally = Tally()
    return Once(model, Answers(), tally), tally


async def test_what_was_asked_is_not_asked_again():
    """The same score, choice or draw is one call; another key is another draw."""
    below = table()
    model, tally = once(below)
    for _ in range(2):
        await model.score("c", ["yes", "no"], decoding=DRAWN)
        await model.score("c", ["no"], decoding=DRAWN)
        await model.choose("c", [Choice("yes"), Choice("no")])
        await model.sample("c", decoding=DRAWN, keys=[Key(("a",))])
    assert below.calls == {"score": 1, "choose": 1, "sample": 1}
    await model.sample("c", decoding=DRAWN, keys=[Key(("b",))])
    assert (tally.asked, tally.repeated, tally.sent) == (9, 5, 4)


async def test_the_most_probable_text_does_not_depend_on_the_key():
    """At temperature 0 every key asks the same question."""
    below = table()
    model, _ = once(below)
    texts = await model.sample("c", decoding=GREEDY, keys=[Key(("a",)), Key(("b",))])
    more = await model.sample("c", decoding=GREEDY, keys=[Key(("c",))])
    assert [item.text for item in (*texts, *more)] == ["yes"] * 3
    assert below.calls["sample"] == 1


async def test_only_what_is_missing_is_asked():
    """Of several texts, those that are known already do not go out again."""
    asked = []

    class Listening(TableModel):
        async def score(self, context, texts, *, decoding, end=True):
            asked.append(list(texts))
            return await super().score(context, texts, decoding=decoding, end=end)

    model, _ = once(Listening(lambda context: TABLE))
    first = await model.score("c", ["yes"], decoding=DRAWN)
    both = await model.score("c", ["no", "yes"], decoding=DRAWN)
    assert asked == [["yes"], ["no"]]
    assert both.scores[1] == first.scores[0]


async def test_askers_at_the_same_time_share_a_call():
    """Two that ask at once send one call and get the same answer."""
    below = table()
    gated = GatedModel(below)
    model, tally = once(gated)
    found = []

    async def ask():
        found.append(await model.choose("c", [Choice("yes"), Choice("no")]))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        gated.release()
    assert found[0] == found[1]
    assert below.calls["choose"] == 1
    assert tally.repeated == 1


async def test_who_waits_is_not_harmed_where_the_first_is_cancelled():
    """The call goes on for the one that waits, and is not sent a second time."""
    below = table()
    gated = GatedModel(below)
    model, tally = once(gated)
    found = []

    async def ask():
        found.append(await model.choose("c", [Choice("yes"), Choice("no")]))

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as doomed:
                doomed.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                tasks.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                scope.cancel()
        await anyio.wait_all_tasks_blocked()
        gated.release()
    assert len(found) == 1
    assert below.calls["choose"] == 1
    assert (tally.asked, tally.sent) == (2, 1)


async def test_what_arrived_of_a_call_that_failed_is_not_asked_again():
    """Of several draws one fails: the others are remembered, and go along with the error."""
    asked = []

    class Failing(TableModel):
        async def sample(self, context, *, decoding, keys):
            asked.append([*keys])
            drawn = await super().sample(context, decoding=decoding, keys=keys)
            if len(asked) == 2:
                error = TransientError("one of them failed")
                error.partial = Partial({0: drawn[0]})
                raise error
            return drawn

    model, _ = once(Failing(lambda context: TABLE))
    a, b, c = (Key((name,)) for name in "abc")
    (first,) = await model.sample("c", decoding=DRAWN, keys=[a])
    with pytest.raises(TransientError) as failed:
        await model.sample("c", decoding=DRAWN, keys=[a, b, c])
    assert set(failed.value.partial.answers) == {0, 1}
    assert (await model.sample("c", decoding=DRAWN, keys=[a, b, c]))[0] == first
    assert asked == [[a], [b, c], [c]]


async def test_an_error_is_raised_to_each_that_asked():
    """A failed call is no answer: the next asker sends it again."""

    class Failing(TableModel):
        fails = True

        async def choose(self, context, choices):
            if self.fails:
                raise ModelError("the server hung up")
            return await super().choose(context, choices)

    below = Failing(lambda context: TABLE)
    model, _ = once(below)
    with pytest.raises(ModelError, match="hung up"):
        await model.choose("c", [Choice("yes"), Choice("no")])
    below.fails = False
    assert await model.choose("c", [Choice("yes"), Choice("no")])
