"""Strategies: what each shows and makes, for weak and strong proposers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet import ContextOverflow, Key
from langnet.testing import ScriptedModel
from langnet.vi.proposal import Observation, Request
from langnet.vi.strategies import (
    DEFAULT_MIX,
    STRATEGIES,
    continuation,
    deletion,
    demonstrations,
    feedback,
    neighbours,
    paraphrase,
    phrasing,
    recombination,
    rewrite,
)
from langnet.vi.strategies.parts import joined_sentences, parted, sentences

KEY = Key(("strategies",))
SEEN = tuple(
    Observation(f"{n} + {n} = ?\n\nAnswer:", str(2 * n if n % 2 else 0), str(2 * n))
    for n in range(1, 9)
)
CURRENT = "Add the numbers. Write the sum."
SOLVED = (
    "Add the numbers.\n\nMind the sign.\n\n"
    "1 + 1 = ?\n\nAnswer: 2\n\n90 + 1 = ?\n\nAnswer: 91\n\n3 + 3 = ?\n\nAnswer: 6"
)
SHOWN = ("1 + 1 = ?\n\nAnswer: 2", "90 + 1 = ?\n\nAnswer: 91", "3 + 3 = ?\n\nAnswer: 6")


def request(model=None, **changes):
    settings = {
        "current": CURRENT,
        "known": ((CURRENT, 0.5), ("Sum up. Be brief.", 0.7)),
        "observations": SEEN,
        "labels": (),
        "model": model or ScriptedModel(lambda context, key: "Say the sum."),
    }
    return Request(**(settings | changes))


class Listener(ScriptedModel):
    """Keeps the contexts it is given, and refuses those with more letters than `room`."""

    def __init__(self, room=10**6):
        self.contexts = []

        def answer(context, key):
            self.contexts.append(context)
            if len(context) > room:
                raise ContextOverflow("too long", needed=len(context), available=room)
            return "New."

        super().__init__(answer)


def test_the_default_mix_serves_weak_models_first():
    """Every strategy in the mix exists, and those without a call have the most of it."""
    assert set(DEFAULT_MIX) <= set(STRATEGIES)
    assert max(DEFAULT_MIX, key=DEFAULT_MIX.get) == "phrasing"
    free = sum(share for name, share in DEFAULT_MIX.items() if not STRATEGIES[name].calls)
    assert free > sum(DEFAULT_MIX.values()) / 2


@pytest.mark.parametrize("name", STRATEGIES)
async def test_declared_calls_are_the_calls_made(name):
    """A strategy asks the model as often as it declares when it has all it needs."""
    model = Listener()
    told = (replace(SEEN[1], feedback="It is even."), *SEEN[2:])
    full = request(model, observations=told, feedback=("Be kind.",), labels=("yes", "no"))
    assert await STRATEGIES[name](full, KEY)
    assert model.calls["sample"] == STRATEGIES[name].calls


@pytest.mark.parametrize("name", STRATEGIES)
async def test_every_strategy_is_reproducible_and_serves_a_bare_request(name):
    """The same key gives the same text, and a request with nothing but a model breaks nothing."""
    assert await STRATEGIES[name](request(), KEY / 3) == await STRATEGIES[name](request(), KEY / 3)
    for number in range(5):
        assert isinstance(
            await STRATEGIES[name](
                request(current="", known=(), observations=(), feedback=()), KEY / number
            ),
            str,
        )


@pytest.mark.parametrize(
    "name", sorted(set(STRATEGIES) - {"phrasing", "continuation", "induction"})
)
async def test_a_parent_is_where_strategies_start(name):
    """With a parent given, what is shown or made comes from it, and not from the incumbent."""
    parent = "Take the sum. Give digits."
    model = Listener()
    for number in range(8):
        asked = request(model, parent=parent, known=(("Sum up.", 0.7),), feedback=("Hm.",))
        text = await STRATEGIES[name](asked, KEY / number)
        source = model.contexts[-1] if STRATEGIES[name].calls else text
        assert "Take the sum." in source or "Give digits." in source or "Sum up." in source
        assert CURRENT not in source


# --- demonstrations ---


async def test_demonstrations_hold_the_targets():
    """Demonstrations show observed contexts with their targets, never with wrong outputs."""
    for strategy in (demonstrations, neighbours):
        for number in range(20):
            text = await strategy(request(), KEY / number)
            blocks = text.split("\n\n")[1:]
            pairs = list(zip(blocks[::2], blocks[1::2], strict=True))
            assert pairs
            for question, answer in pairs:
                n = int(question.split()[0])
                assert answer == f"Answer: {2 * n}"


@pytest.mark.parametrize("strategy", [demonstrations, neighbours])
@pytest.mark.parametrize("count", [lambda text: len(text.encode()) // 4, len])
async def test_demonstrations_fit_the_bound(strategy, count):
    """However few tokens there are and however they are counted, the prompt keeps within them."""
    sizes = set()
    for limit in (10, 20, 40, 80):
        for number in range(10):
            text = await strategy(request(max_tokens=limit, count_tokens=count), KEY / number)
            assert count(text) <= limit
            sizes.add(text.count("Answer:"))
    assert max(sizes) > 1 or count is len
    assert await strategy(request(max_tokens=5), KEY) == ""


@pytest.mark.parametrize("strategy", [demonstrations, neighbours])
async def test_labels_are_shown_in_balance(strategy):
    """Of the labels there are, none is demonstrated more than once more often than another."""
    seen = tuple(
        Observation(f"text {n} of {label}\nAnswer:", "b", label)
        for n, label in enumerate("aaaaabaa")
    )
    most = 0
    for number in range(30):
        text = await strategy(request(observations=seen, labels=("a", "b")), KEY / number)
        counts = [text.count(f"Answer: {label}") for label in "ab"]
        assert max(counts) - min(counts) <= 1
        most = max(most, sum(counts))
    assert most > 2


async def test_hard_examples_come_first_half_of_the_time():
    """Demonstrations hold errors more often than the batch does."""
    seen = tuple(
        Observation(f"question {n}\n\nAnswer:", "right" if n else "wrong", "right")
        for n in range(12)
    )
    texts = [await demonstrations(request(observations=seen), KEY / number) for number in range(60)]
    hits = sum("question 0\n" in text for text in texts)
    assert 30 <= hits <= 55


async def test_neighbours_of_an_error_come_from_the_pool():
    """The examples nearest to an error are shown, the nearest last, the error itself never."""
    wrong = Observation("Which river flows through Paris?\n\nAnswer:", "Rhine", "Seine")
    right = Observation("What is 2 + 2?\n\nAnswer:", "4", "4")
    asked = [
        ("Name a poem by Goethe.", "Erlkönig"),
        ("Which river flows through Rome?", "Tiber"),
        ("How many legs has an ant?", "six"),
        ("Which river flows through Paris?", "Seine"),
        ("Who painted a river?", "Monet"),
    ]
    pool = tuple(Observation(f"{q}\n\nAnswer:", a, a) for q, a in asked)
    lengths = set()
    for number in range(20):
        text = await neighbours(request(observations=(wrong, right), pool=pool), KEY / number)
        blocks = text.split("\n\n")
        assert blocks[-2:] == ["Which river flows through Rome?", "Answer: Tiber"]
        assert "Paris" not in text
        assert "2 + 2" not in text
        if len(blocks) > 3:
            assert blocks[-4] == "Who painted a river?"
        lengths.add(len(blocks))
    assert len(lengths) > 2


# --- rewriting ---


async def test_rewrite_shows_what_went_wrong():
    """A rewrite sees a prompt, successes, and errors with what they should have been."""
    model = Listener()
    for number in range(16):
        await rewrite(request(model), KEY / number)
    started = [context.split("<instruction>\n")[1].split("\n")[0] for context in model.contexts]
    assert set(started) == {CURRENT, "Sum up. Be brief."}
    assert any("Should be:" in context for context in model.contexts)
    assert any("succeeded" in context for context in model.contexts)
    assert not any("Feedback" in context or "said" in context for context in model.contexts)


async def test_the_four_messages_take_turns():
    """Four rewrites that follow each other ask for four kinds of change."""
    model = Listener()
    for number in range(8):
        await rewrite(request(model), KEY / number)
    asked = [context.rsplit("such inputs.", 1)[1] for context in model.contexts]
    assert asked[:4] == asked[4:]
    assert len(set(asked)) == 4


async def test_rewrite_shows_half_of_the_batch():
    """Each rewrite sees another random half, so that none rests on the whole batch."""
    model = Listener()
    few = SEEN[:4]
    for number in range(12):
        await rewrite(request(model, observations=few), KEY / number)
    shown = [tuple(item.context in context for item in few) for context in model.contexts]
    assert {sum(half) for half in shown} == {2}
    assert len(set(shown)) > 3


async def test_rewrite_shows_feedback():
    """What the metric said stands with its example, and what people said stands by itself."""
    model = Listener()
    told = tuple(replace(item, feedback=f"note on {item.target}") for item in SEEN)
    await rewrite(request(model, observations=told, feedback=("Too curt.", "No units.")), KEY)
    (context,) = model.contexts
    assert "- Too curt.\n- No units." in context
    shown = [item for item in told if item.context in context]
    assert shown
    for item in shown:
        end = context.split(item.context, 1)[1].split("\n\n")[0]
        assert end.endswith(f"Feedback: note on {item.target}")


@pytest.mark.parametrize("strategy", [rewrite, feedback])
async def test_fewer_examples_are_shown_where_they_do_not_fit(strategy):
    """A context overflow shrinks the examples; where not even one fits, there is no proposal."""
    told = tuple(replace(item, feedback="look again") for item in SEEN)
    whole = Listener()
    await strategy(request(whole, observations=told), KEY)
    (context,) = whole.contexts
    small = Listener(len(context) - 1)
    assert await strategy(request(small, observations=told), KEY) == "New."
    sizes = [context.count("Output:") for context in small.contexts]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1] >= 1
    assert await strategy(request(Listener(10), observations=told), KEY) == ""


async def test_feedback_of_a_metric_is_reflected_on():
    """Reflection sees inputs, outputs and what was said of them, errors first; else no call."""
    model = Listener()
    told = (
        replace(SEEN[0], feedback="well done"),
        *(replace(item, feedback="count again") for item in SEEN[1::2]),
        *SEEN[2::2],
    )
    assert await feedback(request(model, observations=told), KEY) == "New."
    (context,) = model.contexts
    assert context.count("count again") == 4
    assert "well done" not in context
    assert "2 + 2 = ?\n\nAnswer:\nOutput: 0\nShould be: 4\nFeedback: count again" in context

    assert await feedback(request(model), KEY) == ""
    assert len(model.contexts) == 1


async def test_feedback_of_people_is_reflected_on():
    """What people said is shown with errors, although the metric said nothing."""
    model = Listener()
    assert await feedback(request(model, feedback=("It forgets to carry.",)), KEY) == "New."
    (context,) = model.contexts
    assert "- It forgets to carry." in context
    assert context.count("Should be:") == 4


# --- completion ---


async def test_continuation_shows_rising_scores():
    """The list rises in score, as whole numbers, and asks for a line that is better than all."""
    model = Listener()
    known = ((f"{CURRENT}\n\n{SHOWN[0]}", 0.5), ("Sum up.\nBe brief.", 0.704), ("Say it.", 0.2))
    await continuation(request(model, known=known), KEY)
    (context,) = model.contexts
    assert context.endswith(
        "Score: 20\nInstruction: Say it.\n\nScore: 50\nInstruction: Add the numbers. Write the "
        "sum.\n\nScore: 70\nInstruction: Sum up. Be brief.\n\nScore: 85\nInstruction:"
    )


@pytest.mark.parametrize(
    ("scores", "shown"),
    [
        ((-310.5, -200.5, -100.5), ["0", "47", "90", "95"]),
        ((0.0, 0.5, 1.0), ["0", "50", "100", "100"]),
        ((3.0, 5.0, 4.0), ["0", "45", "90", "95"]),
    ],
)
async def test_scores_of_any_unit_become_whole_numbers(scores, shown):
    """Shares are shown as hundredths; nats are stretched, with room above the best."""
    model = Listener()
    known = tuple((f"Prompt {n}", score) for n, score in enumerate(scores))
    await continuation(request(model, known=known), KEY)
    lines = [line for line in model.contexts[0].splitlines() if line.startswith("Score: ")]
    assert [line.removeprefix("Score: ") for line in lines] == shown


async def test_continuation_shows_no_scores_where_none_differ():
    """A plain list is continued where scores say nothing, as at the start of a fit."""
    model = Listener()
    await continuation(request(model, known=((CURRENT, 0.5), ("Sum up.", 0.501))), KEY)
    await continuation(request(model, known=()), KEY)
    plain, bare = model.contexts
    assert plain.endswith(f"- {CURRENT}\n- Sum up.\n-")
    assert bare.endswith(".\n-")
    assert "Score" not in plain + bare


async def test_paraphrase_shows_the_instruction_alone():
    """What is to be said in other words holds no demonstrations."""
    model = Listener()
    await paraphrase(request(model, parent=SOLVED), KEY)
    assert model.contexts[0].endswith("Text: Add the numbers. Mind the sign.\nSame meaning:")


async def test_phrasing_names_every_label():
    """A wording names each label of the node, in varying order, and calls no model."""
    found = set()
    for number in range(60):
        text = await phrasing(request(labels=("hot", "icy")), KEY / number)
        assert "hot" in text
        assert "icy" in text
        found.add(text)
    assert len(found) > 10


# --- editing ---


async def test_recombination_and_deletion_make_nothing_up():
    """Sentences are mixed or left out, and none is new."""
    known = {"Add the numbers.", "Write the sum.", "Sum up.", "Be brief."}
    for number in range(20):
        for strategy in (recombination, deletion):
            text = await strategy(request(), KEY / number)
            parts = {part.strip() + "." for part in text.split(".") if part.strip()}
            assert parts <= known
            assert parts


async def test_editing_never_splits_a_demonstration():
    """A question is never parted from its answer, nor an instruction put among them."""
    other = "Sum up.\n\n7 + 7 = ?\n\nAnswer: 14"
    known = ((SOLVED, 0.5), (other, 0.7))
    counts = set()
    for number in range(60):
        for strategy in (recombination, deletion):
            text = await strategy(request(current=SOLVED, known=known), KEY / number)
            rest = text
            for block in (*SHOWN, "7 + 7 = ?\n\nAnswer: 14"):
                rest = rest.replace(block, "#")
            assert "Answer" not in rest
            assert "?" not in rest
            head = rest.split("#", 1)[0].strip()
            assert set(rest[len(head) :].split()) <= {"#"}
            counts.add(rest.count("#"))
    assert {0, 1, 2, 3} <= counts


async def test_recombination_keeps_within_the_bound():
    """Where two prompts' demonstrations are too many, some go."""
    for number in range(20):
        text = await recombination(
            request(
                known=((SOLVED, 0.1), (SOLVED + "\n\n5 + 5 = ?\n\nAnswer: 10", 0.2)), max_tokens=20
            ),
            KEY / number,
        )
        assert len(text.encode()) // 4 <= 20


async def test_nothing_to_delete_is_no_proposal():
    """A prompt of one sentence is not emptied."""
    assert await deletion(request(parent="Add."), KEY) == ""
    assert await recombination(request(parent="Add.", known=()), KEY) == ""


# --- taking prompts apart ---


@given(st.text("aB1 .!?\n-", max_size=40))
def test_sentences_lose_nothing(text):
    """The sentences of a text, put together, are the text."""
    assert "".join(sentences(text)) == text
    assert joined_sentences(sentences(text)) == text.strip()


def test_a_prompt_is_taken_apart():
    """Instructions of several paragraphs stay whole, and demonstrations are told apart."""
    assert parted(SOLVED, request()).instruction == "Add the numbers.\n\nMind the sign."
    assert parted(SOLVED, request()).demonstrations == SHOWN
    unknown = "Add.\n\n50 + 1 = ?\n\nAnswer: 51\n\n1 + 1 = ?\n\nAnswer: 2"
    assert parted(unknown, request()).instruction == "Add."
    assert len(parted(unknown, request()).demonstrations) == 2
    plain = "Add.\n\nMind the sign.\nAnswer: with digits."
    assert parted(plain, request()).text == plain
    bare = request(observations=(Observation("3 is", "odd", "odd"), Observation("4 is", "", "")))
    assert parted("Say.\n\n3 is odd\n\n4 is even", bare).demonstrations == ("3 is odd", "4 is even")


@given(st.lists(st.integers(1, 12), max_size=4, unique=True), st.booleans())
def test_taken_apart_and_put_together(numbers, headed):
    """A prompt made of an instruction and demonstrations is put together as it was."""
    shown = [f"{n} + {n} = ?\n\nAnswer: {2 * n}" for n in numbers]
    prompt = "\n\n".join((["Add.\n\nMind the sign."] if headed else []) + shown)
    assert parted(prompt, request()).text == prompt
