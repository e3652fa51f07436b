"""Guidance: what people say enters a fit at the same step every time, and holds to its end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet import DataError, Guidance, Inference, Method, State, fit, init
from langnet.events import FitFinished, GuidanceTaken, Paused, Resumed, StepStarted, Validated
from langnet.guidance import FILE, Entry
from langnet.guided import Refusing, accepted, taken
from langnet.lm.until import Until
from langnet.report.json_lines import JsonLines
from langnet.report.progress import Lines
from langnet.report.timeline import Timeline
from langnet.testing import TableModel
from langnet.vi.cleaning import canonical
from langnet.vi.directions import directions_of, standing
from langnet.vi.memory import Remembered
from tests.mortal import Killed, Mortal, files
from tests.test_fit import data, distribution, network
from tests.virtual import virtually

METHOD = Method(steps=4, batch_size=4, candidates=3, inference=Inference(draws=2))
WARM = "warm warm warm warm warm"
"""The best prompt that there can be: see `distribution`."""


class Noting(TableModel):
    """Remembers the contexts that it was sampled from as the proposing model."""

    def __init__(self):
        super().__init__(distribution)
        self.asked = []

    async def sample(self, context, *, decoding, keys):
        if "instruction" in context:
            self.asked.append(context)
        return await super().sample(context, decoding=decoding, keys=keys)


async def fitted(said=None, directory=None, **changes):
    """A fit that is told what is said, and the events of it."""
    seen = []
    found = await fit(
        network(),
        data(16),
        data(8, 100),
        **{
            "models": TableModel(distribution),
            "method": METHOD,
            "seed": 3,
            "directory": directory,
            "observers": [seen.append],
            "guidance": said,
            **changes,
        },
    )
    return found, seen


def refusals(found):
    return {entry.kind: found.state.refused.get(entry.id) for entry in found.state.guidance}


async def test_nothing_said_changes_nothing():
    """A fit with guidance that holds nothing is the fit without."""
    assert (await fitted())[0].state == (await fitted(Guidance()))[0].state


async def test_what_is_said_is_taken_at_its_step_and_kept_through_json():
    """Each entry is taken before the step that it names, or the first, and the state keeps that."""
    said = [
        Entry(kind="feedback", text="Speak of warmth."),
        Entry(kind="feedback", text="Be short.", step=2),
        Entry(kind="feedback", text="Too late.", step=99),
    ]
    found, seen = await fitted(said)
    taken = [event for event in seen if isinstance(event, GuidanceTaken)]
    assert [(event.step, event.content.text) for event in taken] == [
        (1, "Speak of warmth."),
        (3, "Be short."),
    ]
    assert [entry.step for entry in found.state.guidance] == [0, 2]
    assert State.from_json(json.loads(json.dumps(found.state.to_json()))) == found.state


async def test_what_is_said_meanwhile_is_taken_before_the_next_step(tmp_path):
    """What somebody adds to the run's file during a step is taken before the one after it."""

    def person(event):
        if isinstance(event, StepStarted) and event.step == 2:
            Guidance.at(tmp_path).pin("notes", "Note.", by="me")

    found, _ = await fitted(None, tmp_path, observers=[person])
    (entry,) = found.state.guidance
    assert (entry.step, entry.by) == (2, "me")
    assert found.graph.prompts["notes"] == "Note."
    with pytest.raises(DataError, match="it fits notes, answer"):
        Guidance.at(tmp_path).pin("anwser", "x")


def test_states_of_before_are_read():
    """A state that was written before there was guidance still loads, its best metric included."""
    state = replace(init(network(), seed=3), best_metric=0.5).to_json()
    state["validations"] = [{"step": 0, "metric": 0.5}, {"step": 1, "metric": 0.25}]
    old = {
        name: value
        for name, value in state.items()
        if name not in {"guidance", "refused", "turns", "best_metric"}
    }
    assert State.from_json(old) == State.from_json(state)
    assert State.from_json(old).best_metric == 0.5


async def test_feedback_reaches_the_next_proposal_without_a_share_of_the_mix():
    """Feedback on one prompt is shown to its proposer in the next step, and asks for a proposal."""
    method = replace(METHOD, mix={"phrasing": 1.0}, steps=2)
    model = Noting()
    await fitted((), models=model, method=method)
    assert not model.asked
    said = [Entry(kind="feedback", prompt="notes", text="Say how warm it is.", step=1)]
    found, _ = await fitted(said, models=model, method=method)
    (context,) = model.asked
    assert "- Say how warm it is." in context
    assert "Note it." in context or found.state.prompts["notes"] != "Note it."


async def test_a_rating_is_shown_first_and_replaces_the_metric():
    """A rated text stands with the person's word in the context that the node had, once."""
    method = Method(
        steps=1, batch_size=24, candidates=1, mix={"feedback": 1.0}, balance=False, memory=0
    )
    rating = {"example": "e3", "node": "answer", "output": "hot", "texts": {"notes": "warm"}}
    said = [
        Entry(kind="rating", good=True, **rating),
        Entry(kind="rating", good=False, text="It is icy.", **rating),
    ]
    model = Noting()
    await fitted(said, models=model, method=method)
    (context,) = (one for one in model.asked if "It is icy." in one)
    shown = "sun number 3 notes warm\n\nAnswer:\nOutput: hot\n"
    assert f"{shown}Feedback: A person says that this is wrong: It is icy." in context
    assert context.count("A person says") == 1


async def test_a_rating_without_the_parents_texts_has_them_from_the_batch():
    """Where nobody said what a rated text answered, the batch tells, if the text is in it."""
    method = Method(
        steps=1, batch_size=24, candidates=1, mix={"feedback": 1.0}, balance=False, memory=0
    )
    said = [
        Entry(kind="rating", example="e3", node="answer", output=output, good=False)
        for output in ("hot", "icy")
    ]
    model = Noting()
    await fitted(said, models=model, method=method)
    (context,) = (one for one in model.asked if "A person" in one)
    shown = [part.split("\nOutput")[0] for part in context.split("\n\n") if "sun number 3" in part]
    # One of the two is what the network answered.
    assert len(shown) == 2
    assert sum("…" in part for part in shown) == 1


def test_the_latest_rating_of_a_text_holds():
    """Of several ratings of one text the last one counts, and the latest rated text comes first."""
    entries = [
        Entry(kind="rating", example="e1", node="answer", output=output, good=good, step=0)
        for output, good in [("hot", False), ("icy", False), ("hot", True)]
    ]
    found = directions_of(entries, network(), data(4))
    seen = [(rating.observation.output, rating.observation.right) for rating in found.ratings]
    assert seen == [("hot", True), ("icy", False)]
    assert found.told == {"answer"}
    # Nobody said what the notes were.
    assert found.ratings[0].observation.context == "sun number 1 notes …\n\nAnswer:"
    # What a person says is wrong is not what should have been said, whatever the data say.
    wrong = directions_of(entries[:1], network(), data(4)).ratings[0].observation
    assert (wrong.target, wrong.is_success) == (None, False)


async def test_a_candidate_is_entered_once_and_scored_as_any_other(tmp_path):
    """A person's prompt races in the next step that may change it, and wins where it is best."""
    said = [Entry(kind="candidate", prompt="answer", text=WARM, step=1)]
    found, _ = await fitted(said, tmp_path, method=replace(METHOD, memory=0))
    steps = [json.loads((tmp_path / f"steps/000{n}.json").read_text()) for n in (1, 2, 3, 4)]
    entered = [
        [
            (one["text"], one["examples"])
            for one in choice["candidates"]
            if one["origin"] == "person"
        ]
        for step in steps
        for choice in step["selections"]
        if choice["prompt"] == "answer"
    ]
    assert [len(one) for one in entered] == [0, 1, 0, 0]
    assert entered[1][0][1] > 0
    assert steps[1]["prompts"]["answer"] == WARM
    assert "person" not in found.state.record


async def test_a_candidate_waits_until_its_prompt_is_up():
    """Where the schedule names another prompt, a candidate is entered when its turn comes."""

    def alternating(graph, step, steps):
        return ((graph.trainable[step % 2],),)

    said = [Entry(kind="candidate", prompt="answer", text=WARM)]
    found, _ = await fitted(said, method=replace(METHOD, schedule=alternating, steps=1))
    assert found.state.prompts["answer"] != WARM
    found, _ = await fitted(said, method=replace(METHOD, schedule=alternating, steps=2))
    assert found.state.prompts["answer"] == WARM


@pytest.mark.parametrize("staleness", [0, 2])
async def test_a_pin_holds_to_the_end_and_in_the_best(staleness):
    """From the step that takes it a pinned prompt never changes, and the best has it."""
    bad = "Say nothing."
    said = [
        Entry(kind="candidate", prompt="answer", text=WARM),
        Entry(kind="pin", prompt="answer", text=bad, step=2),
    ]
    method = replace(METHOD, staleness=staleness, steps=5, patience=1)
    found, seen = await fitted(said, method=method)
    assert found.graph.prompts["answer"] == bad
    assert found.state.prompts["answer"] == bad
    assert isinstance(seen[-1], FitFinished)
    assert (seen[-1].step, seen[-1].best) == (5, found.state.best_metric)
    # What was better before the pin is the best no more.
    pinned = next(
        place
        for place, event in enumerate(seen)
        if isinstance(event, GuidanceTaken) and event.kind == "pin"
    )
    before, after = (
        [event.metric for event in part if isinstance(event, Validated)]
        for part in (seen[:pinned], seen[pinned:])
    )
    assert max(before) > max(after) == found.state.best_metric


async def test_an_unpinned_prompt_changes_again():
    """Unpinning gives the prompt back to the fit."""
    said = [
        Entry(kind="pin", prompt="answer", text="Say nothing."),
        Entry(kind="unpin", prompt="answer", step=1),
        Entry(kind="candidate", prompt="answer", text=WARM),
    ]
    found, _ = await fitted(said)
    assert found.graph.prompts["answer"] == WARM


async def test_a_fit_with_every_prompt_pinned_ends():
    """Nothing is left to fit: the pinned prompts are validated, and it says how to go on."""
    said = [
        Entry(kind="pin", prompt="answer", text=WARM),
        Entry(kind="pin", prompt="notes", text="Note."),
    ]
    found, _ = await fitted(said)
    assert "every prompt is pinned" in found.reason
    assert found.graph.prompts == {"answer": WARM, "notes": "Note."}
    assert len(found.state.validations) == 1


async def test_a_banned_text_is_never_taken_nor_shipped(tmp_path):
    """What is banned is no candidate from then on, is dropped by name, and gives way at once."""
    free, _ = await fitted()
    best = free.graph.prompts["answer"]
    said = [Entry(kind="ban", prompt="answer", text=f" {best.upper()}")]
    await fitted(said, tmp_path / "first")
    texts = [
        (choice["candidates"], choice["dropped"])
        for path in sorted((tmp_path / "first/steps").glob("????.json"))
        for choice in json.loads(path.read_text())["selections"]
        if choice["prompt"] == "answer"
    ]
    assert all(canonical(one["text"]) != canonical(best) for all_, _ in texts for one in all_)
    assert sum(dropped["banned"] for _, dropped in texts) > 0
    # Banned after all steps are done, the best of the others is shipped in its place.
    kept = tmp_path / "second"
    again, _ = await fitted(None, kept)
    assert again.graph.prompts["answer"] == best
    Guidance.at(kept).ban("answer", best)
    again, _ = await fitted(None, kept, resume=True)
    assert again.state.prompts["answer"] != best
    assert again.graph.prompts["answer"] != best
    assert again.state.best_metric <= free.state.best_metric


async def test_what_cannot_be_followed_is_refused_and_ends_nothing(tmp_path):
    """Unknown names, bans against pins and long candidates are refused, with the mend."""
    told = Guidance.at(tmp_path)
    told.rate("e999", good=True, node="answer", output="hot")
    told.feedback("Hm.", prompt="nowhere")
    told.candidate("answer", "warm " * 2000)
    told.unpin("answer")
    told.unban("notes", "It.")
    told.pin("notes", "Note.")
    told.ban("notes", "note.")
    with (tmp_path / "guidance.jsonl").open("a") as file:
        file.write('{"kind": "wish"}\nno JSON\n')
    found, seen = await fitted(None, tmp_path)
    assert found.reason == "all steps are done"
    reasons = refusals(found)
    assert "examples.jsonl" in reasons["rating"]
    assert "the fitted prompts are notes, answer" in reasons["feedback"]
    assert "max_prompt_tokens" in reasons["candidate"]
    assert "not pinned" in reasons["unpin"]
    assert "not banned" in reasons["unban"]
    assert "unpin it first" in reasons["ban"]
    assert reasons["pin"] is None
    assert found.graph.prompts["notes"] == "Note."
    faults = [event.refused for event in seen if isinstance(event, GuidanceTaken)]
    assert sum("line 8" in fault for fault in faults) == 1
    assert sum("line 9" in fault for fault in faults) == 1


async def test_a_ban_that_leaves_nothing_is_refused():
    """The only text that a prompt can be is not banned."""
    only = network().prompts["answer"]
    found, _ = await fitted([Entry(kind="ban", prompt="answer", text=only)])
    assert "enter a candidate first" in refusals(found)["ban"]


async def test_what_is_given_from_python_is_checked_at_once():
    """Names that the fit has not are an error before any call is made."""
    model = TableModel(distribution)
    with pytest.raises(DataError, match="fitted prompts are notes, answer"):
        await fitted([Entry(kind="unpin", prompt="anwser")], models=model)
    memory = Guidance()
    memory.rate("e1", good=True, node="text", output="x")
    with pytest.raises(DataError, match="no language node"):
        await fitted(memory, models=model)
    assert not model.calls


async def test_who_watches_is_told_without_content(tmp_path):
    """Progress tells kinds and refusals; the log has what was said only where content is wanted."""
    lines = []
    said = Guidance.at(tmp_path / "run")
    said.feedback("Say a secret.", prompt="answer")
    said.unpin("notes")
    with (
        JsonLines(tmp_path / "plain.jsonl") as plain,
        JsonLines(tmp_path / "full.jsonl", content=True) as full,
    ):
        await fitted(
            None,
            tmp_path / "run",
            method=replace(METHOD, steps=1),
            observers=[plain, full, Lines(lines.append, Timeline())],
        )
    assert "guidance before step 1: feedback for answer" in lines
    refused = "the prompt 'notes' is not pinned"
    assert f"guidance before step 1: unpin for notes is refused: {refused}" in lines
    told = [json.loads(line) for line in (tmp_path / "plain.jsonl").read_text().splitlines()]
    taken = [event for event in told if event["event"] == "GuidanceTaken"]
    assert [(event["kind"], event["refused"]) for event in taken] == [
        ("feedback", ""),
        ("unpin", refused),
    ]
    assert "Say a secret." not in (tmp_path / "plain.jsonl").read_text()
    assert "Say a secret." in (tmp_path / "full.jsonl").read_text()


async def test_more_proposals_are_made_even_where_nothing_is_wrong():
    """As many proposals as asked for come on top, though a batch without errors is skipped."""
    model = Noting()
    method = replace(METHOD, steps=1, skip_without_errors=True, objective="rollout")

    def right(prediction, target):
        return 1.0

    settings = {"models": model, "method": method, "metric": right}
    await fitted((), **settings)
    assert not model.asked
    said = [
        Entry(kind="feedback", prompt="answer", text="Hm."),
        Entry(kind="proposals", prompt="answer", count=3),
    ]
    await fitted(said, **settings)
    assert sum("- Hm." in context and "Find out" in context for context in model.asked) >= 3


SAID = (
    Entry(kind="feedback", text="Speak of warmth."),
    Entry(kind="rating", example="e1", node="answer", output="icy", good=False, step=1),
    Entry(kind="candidate", prompt="answer", text="cold", step=1),
    Entry(kind="pin", prompt="notes", text="cold", step=2),
    Entry(kind="ban", prompt="answer", text=network().prompts["answer"], step=2),
    Entry(kind="unpin", prompt="notes", step=3),
    Entry(kind="proposals", count=2, step=3),
)


@pytest.mark.parametrize("staleness", [0, 1])
async def test_a_guided_fit_that_is_killed_and_resumed_is_the_same(tmp_path, staleness):
    """Killed at any call and resumed, a guided fit leaves the same bytes."""
    method = replace(METHOD, staleness=staleness)
    whole = Mortal(TableModel(distribution), 10**9)
    await fitted(SAID, tmp_path / "whole", models=whole, method=method)
    wanted = files(tmp_path / "whole")
    for lives in range(1, whole.calls, max(1, whole.calls // 3)):
        directory = tmp_path / str(lives)
        with pytest.raises(Killed):
            await fitted(
                SAID, directory, models=Mortal(TableModel(distribution), lives), method=method
            )
        await fitted(None, directory, resume=True, method=method)
        assert files(directory) == wanted


@pytest.mark.parametrize("staleness", [0, 1])
async def test_what_sessions_took_in_parts_is_taken_so_again(tmp_path, staleness):
    """What two sessions took before one step leads to the same where one session takes it all."""
    method = replace(METHOD, staleness=staleness, memory=3)
    first = [
        Entry(kind="pin", prompt="answer", text="Say nothing.", step=1),
        Entry(kind="stop", step=1),
    ]
    found, _ = await fitted(first, tmp_path, method=method)
    assert (found.reason, found.state.step) == ("stopped by guidance", 1)
    assert found.graph.prompts["answer"] == "Say nothing."
    told = Guidance.at(tmp_path)
    told.unpin("answer")
    told.ban("notes", network().prompts["notes"])
    found, _ = await fitted(None, tmp_path, resume=True, method=method)
    assert [(entry.step, entry.part) for entry in found.state.guidance] == [(1, 0)] * 2 + [
        (1, 1)
    ] * 2
    kept = [entry for entry in found.state.guidance if entry.kind != "stop"]
    again, _ = await fitted(kept, method=method)
    assert again.state == replace(found.state, guidance=tuple(kept))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_stands_and_what_is_best_keep_to_pins_and_bans(data):
    """Whatever is said in whatever order, the present and the best prompts keep to all of it."""
    texts = ("A.", "B.", "c", "C")
    graph = network().with_prompts({"notes": "A.", "answer": "B."})
    sets = st.fixed_dictionaries(dict.fromkeys(("notes", "answer"), st.sampled_from(texts)))
    entries = st.builds(
        Entry,
        kind=st.sampled_from(("pin", "unpin", "ban", "unban")),
        prompt=st.sampled_from(("notes", "answer")),
        text=st.sampled_from(texts),
    )
    best = data.draw(sets)
    memory = tuple(
        Remembered(prompts, 0.5 - number / 10, ())
        for number, prompts in enumerate(data.draw(st.lists(sets, max_size=3)))
    )
    state = replace(init(graph), prompts=data.draw(sets), best=best, best_metric=0.5, memory=memory)
    refusing = Refusing(graph, frozenset(), lambda prompt, text: True)
    for said in data.draw(st.lists(st.lists(entries, max_size=3), max_size=4)):
        state = taken(state, said, refusing)
        held = standing(accepted(state))
        assert held.keeps(state.prompts)
        assert held.keeps(state.best)
        for item in memory:
            # Nothing that may be shipped is better than what is.
            assert not held.keeps(item.prompts) or state.best_metric >= item.metric


async def test_a_stopped_fit_goes_on_when_it_is_resumed(tmp_path):
    """Stopping ends with the best so far; resumed, the fit ends as if it had not been stopped."""
    free, _ = await fitted()
    found, _ = await fitted([Entry(kind="stop", step=2)], tmp_path)
    assert found.reason == "stopped by guidance"
    assert found.state.step == 2
    gone_on, _ = await fitted(None, tmp_path, resume=True)
    assert replace(gone_on.state, guidance=()) == free.state


def test_a_paused_fit_waits_until_it_is_resumed():
    """While it is paused no step begins; resumed, it ends as if it had not been paused."""
    import anyio

    async def main():
        said = Guidance([Entry(kind="pause", step=1)])
        times = []

        def watch(event):
            if isinstance(event, Paused | Resumed | StepStarted):
                times.append((type(event).__name__, event.step, anyio.current_time()))

        async with anyio.create_task_group() as tasks:

            async def person():
                await anyio.sleep(60)
                said.feedback("Be short.")
                await anyio.sleep(40)
                said.resume()

            tasks.start_soon(person)
            found, _ = await fitted(said, observers=[watch], traces=False)
        return found, times

    found, times = virtually(main)
    assert times[:4] == [
        ("StepStarted", 1, 0),
        ("Paused", 2, 0),
        ("Resumed", 2, pytest.approx(100, abs=0.6)),
        ("StepStarted", 2, pytest.approx(100, abs=0.6)),
    ]
    assert [entry.kind for entry in found.state.guidance] == ["pause", "feedback", "resume"]
    assert {entry.step for entry in found.state.guidance} == {1}


def test_a_pause_ends_by_the_deadline_of_the_run_and_by_cancelling():
    """A paused fit ends with the best so far when its time is over, and can be cancelled."""
    import anyio

    async def main():
        model = Until(TableModel(distribution), 30)
        found, _ = await fitted(Guidance([Entry(kind="pause", step=1)]), models=model, traces=False)
        at = anyio.current_time()
        with anyio.move_on_after(20) as scope:
            await fitted(Guidance([Entry(kind="pause")]), traces=False)
        return found, at, scope.cancelled_caught

    found, at, cancelled = virtually(main)
    assert "deadline of the run" in found.reason
    assert at == pytest.approx(30)
    assert found.state.step == 1
    assert cancelled


def test_several_processes_add_to_one_file(tmp_path):
    """Lines that processes append at the same time do not mix, and none is lost."""
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_append, [(str(tmp_path), name) for name in "abcd"]))
    entries = Guidance.at(tmp_path).entries()
    assert len({entry.id for entry in entries}) == 200
    for name in "abcd":
        mine = [entry.text for entry in entries if entry.by == name]
        assert mine == [f"{name}{number} " + "ü" * 3000 for number in range(50)]


def test_a_line_without_an_end_does_not_swallow_the_next(tmp_path):
    """What was written by hand without a line break at its end, or with empty lines, is read."""
    said = Guidance.at(tmp_path)
    with (tmp_path / FILE).open("w") as file:
        file.write('{"kind": "pause"}\n\n{"kind": "resume"}')
    assert [entry.kind for entry in said.entries()] == ["pause"]
    said.stop()
    assert [entry.kind for entry in said.entries()] == ["pause", "resume", "stop"]


def _append(where):
    directory, name = where
    guidance = Guidance.at(directory)
    for number in range(50):
        guidance.feedback(f"{name}{number} " + "ü" * 3000, by=name)
