"""What every generated task keeps to."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks import sentiment
from langnet.tasks.draw import balanced, sentences

VERDICTS = {
    "positive": sentiment._PRAISE["happy"],
    "negative": sentiment._PRAISE["unhappy"],
}
ANY_PRAISE = ("excellent", "superb", "hard to fault", "a real pleasure")
ANY_BLAME = ("poor", "dreadful", "hard to forgive", "a real disappointment")
TASKS = pytest.mark.parametrize("name", tasks.names())
FEW = {"circuit_decoding"}
"""Tasks that have little more than a thousand examples in all."""


def texts(task, examples):
    """The texts of the only input."""
    return [example.inputs[task.input] for example in examples]


@TASKS
@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 60), seed=st.integers(-3, 2**40))
def test_examples_are_balanced_distinct_and_deterministic(name, n, seed):
    """Labels differ by at most one, no text or id comes twice, and the seed decides everything."""
    task = tasks.get(name)
    examples = task.generate(n, seed=seed)
    assert len(examples) == len(set(texts(task, examples))) == len({e.id for e in examples}) == n
    if task.labels:
        counts = Counter(example.targets["answer"] for example in examples)
        shares = [counts[label] for label in task.labels]
        assert max(shares) - min(shares) <= (n % len(task.labels) > 0)
        assert set(counts) <= set(task.labels)
    assert task.generate(n, seed=seed) == examples
    assert task.generate(n + 5, seed=seed)[:n] == examples


@TASKS
def test_excluded_texts_do_not_come_up(name):
    """Even from the same seed, the excluded texts stay away."""
    task = tasks.get(name)
    train = task.generate(200, seed=1)
    for seed in (1, 2):
        test = task.generate(200, seed=seed, exclude=train)
        assert not set(texts(task, test)) & set(texts(task, train))


@pytest.mark.parametrize("name", [name for name in tasks.names() if name not in FEW])
def test_seeds_rarely_meet(name):
    """Of 500 texts at most a few are among 500 from another seed."""
    task = tasks.get(name)
    first, second = (set(texts(task, task.generate(500, seed=seed))) for seed in (1, 2))
    assert len(first & second) < 25


@TASKS
def test_the_target_is_of_the_node_that_is_named(name):
    """The node is the caller's to name; ids say the task and the seed."""
    (example,) = tasks.get(name).generate(1, seed=5, node="verdict")
    assert list(example.targets) == ["verdict"]
    assert example.id == f"{name}-5:1"


@pytest.mark.parametrize("name", ["sentiment", "subjectivity"])
def test_texts_are_well_formed(name):
    """No field is left over, sentences begin with capitals, and "an" stands before vowels."""
    task = tasks.get(name)
    for text in texts(task, task.generate(1000, seed=3)):
        assert not re.search(r"[{}]|  | [,.;]|[,.;]{2}", text), text
        assert re.fullmatch(r"[A-Z].*[.]", text), text
        assert not re.search(r"[.] [a-z]", text), text
        assert not re.search(r"\b[Aa] [aeio]|\b[Aa]n [^aeiouh]", text), text


def test_subjectivity_lengths():
    """Sentences have 8 to 35 words."""
    task = tasks.get("subjectivity")
    lengths = [len(text.split()) for text in texts(task, task.generate(1000, seed=4))]
    assert min(lengths) >= 8
    assert max(lengths) <= 35


@pytest.mark.parametrize(
    ("name", "loaded"),
    [
        ("sentiment", ("excellent", "poor", "superb", "dreadful", "good", "bad")),
        ("subjectivity", ("beautiful", "terrible", "wonderful", "dull", "charming", "tired")),
    ],
)
def test_loaded_words_stand_under_either_label(name, loaded):
    """A word of praise or blame does not give the label away."""
    task = tasks.get(name)
    examples = task.generate(3000, seed=5)
    for word in loaded:
        counts = Counter(
            example.targets["answer"]
            for example in examples
            if re.search(rf"\b{word}\b", example.inputs[task.input])
        )
        assert min(counts[label] for label in task.labels) >= 0.1 * counts.total() > 3, word


def test_the_verdict_decides_a_review():
    """Each verdict stands under its own label alone, and often after a clause of the other side."""
    task = tasks.get("sentiment")
    examples = task.generate(3000, seed=6)
    for label, other in (("positive", "negative"), ("negative", "positive")):
        verdicts = [form for form in VERDICTS[label] if "{" not in form]
        assert len(verdicts) > 8
        for verdict in verdicts:
            held = [e for e in examples if verdict in e.inputs["text"].replace("It ", "it ")]
            assert {e.targets["answer"] for e in held} == {label}, verdict
        praised = ANY_PRAISE if other == "positive" else ANY_BLAME
        mixed = [e for e in examples if any(word in e.inputs["text"] for word in praised)]
        assert sum(e.targets["answer"] == label for e in mixed) > 0.25 * len(mixed) > 50


def test_no_review_denies_itself():
    """Details that deny each other, such as a fresh bed and a stained one, do not meet."""
    for text in (e.inputs["text"] for e in tasks.get("sentiment").generate(2000, seed=7)):
        folded = text.lower()
        for place in sentiment._PLACES.values():
            for good, bad in zip(place["detail_good"], place["detail_bad"], strict=True):
                if "{" not in good + bad:
                    assert not (good.lower() in folded and bad.lower() in folded), text


def test_names_and_unknown_names():
    """Every name gets its task, and an unknown one the list of names."""
    assert [tasks.get(name).name for name in tasks.names()] == list(tasks.names())
    with pytest.raises(DataError, match="no task 'chess'; there is navigate, questions, sentiment"):
        tasks.get("chess")


def test_too_many_texts_are_refused():
    """A generator that has run out says so instead of going on for ever."""

    def few(n):
        return balanced(
            n,
            name="coin",
            input_name="side",
            labels=("heads", "tails"),
            draw=lambda rng, label: f"{label} {rng.randrange(2)}",
            seed=1,
            node="answer",
            exclude=(),
        )

    assert len(few(4)) == 4
    with pytest.raises(DataError, match="coin: found only 4 new texts of 5"):
        few(5)
    with pytest.raises(DataError, match="at least 0"):
        few(-1)


@given(st.randoms(use_true_random=False))
def test_a_symbol_repeats_a_form_only_when_it_must(rng):
    """Within a text each form is used once before any comes again; articles fit what follows."""
    rules = {"all": ("a {w}. a {w}, a {w} and a {w}",), "w": ("hour", "unit", "owl")}
    text = sentences(rules, "all", rng)
    words = re.findall(r"[Aa]n hour|[Aa] unit|[Aa]n owl", text)
    assert len(words) == 4
    assert len({word.lower() for word in words[:3]}) == 3
    assert re.match(r"An? \w+\. An? ", text)
