"""What the grammar of questions promises: one kind of answer each, not given away by its words."""

import re
from collections import Counter

import pytest

from langnet import tasks
from langnet.key import Key
from langnet.tasks import questions

TASK = tasks.get("questions")
ASKING = ("what", "which", "who", "where", "when", "how", "why", "whom", "name", "can")


@pytest.fixture(scope="module")
def drawn():
    """Many questions of each label, straight from its grammar."""
    return {
        label: [questions._draw(Key(("question", label, i)).rng(), label) for i in range(3000)]
        for label in TASK.labels
    }


def labels_of(drawn, pattern):
    """How often each label's questions match a pattern."""
    found = {label: sum(bool(re.search(pattern, t)) for t in drawn[label]) for label in drawn}
    return Counter(found)


def test_no_question_has_two_labels(drawn):
    """No text that one grammar makes is made by another, so a label is the only right one."""
    owners = Counter(text for texts in drawn.values() for text in set(texts))
    assert max(owners.values()) == 1


def test_questions_are_well_formed(drawn):
    """No field is left over, a question begins with a capital and ends as one, and asks."""
    for text in (text for texts in drawn.values() for text in texts):
        assert not re.search(r"[{}]|  | [,.;?]|[,;?]{2}", text), text
        assert re.fullmatch(r"[A-Z].*[?.]", text), text
        assert any(word in ASKING for word in re.findall(r"\w+", text.lower())), text
        assert not re.search(r"\b[Aa] [aeio]|\b[Aa]n [^aeiouh]", text), text
        assert 3 <= len(text.split()) <= 22, text


@pytest.mark.parametrize(
    "pattern", [r"(?i)^what\b", r"\bPeru\b|\bKenya\b|\bCuba\b", r"\bNATO\b|\bFIFA\b|\bthe BBC\b"]
)
def test_words_that_stand_under_most_labels(drawn, pattern):
    """Neither "what" nor a country or an organisation says what is asked for."""
    counts = labels_of(drawn, pattern)
    assert sum(count > 0.02 * counts.total() for count in counts.values()) >= 4
    assert max(counts.values()) < 0.75 * counts.total()


@pytest.mark.parametrize("word", ["Who", "Where", "When", "How", "Name"])
def test_question_words_do_not_decide(drawn, word):
    """A question word that is usual for one label opens questions of another as well."""
    assert sum(count > 0 for count in labels_of(drawn, rf"^{word}\b").values()) >= 2


def test_held_out_questions_are_seldom_near_copies():
    """Of held-out questions few differ from a training question in one word alone."""
    train = TASK.generate(200, seed=1)
    test = TASK.generate(200, seed=2, exclude=train)
    known = {gap for e in train for gap in gaps(e.inputs["text"])}
    near = sum(bool(known & set(gaps(e.inputs["text"]))) for e in test)
    assert near < 0.15 * len(test)


def gaps(text):
    """The text with each word left out in turn."""
    words = text.split()
    return [(*words[:i], None, *words[i + 1 :]) for i in range(len(words))]
