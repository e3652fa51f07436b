"""Long documents: one line decides the label, wherever it stands."""

from __future__ import annotations

import re

from langnet import tasks

NOTICE = re.compile(
    r"(The|A|On|Parcel) .*\b(opens|closed|bus|letter|seats|meeting|sent|key|lift|metres)\b.*\."
)


def test_one_line_is_a_review_and_the_others_judge_nothing():
    """Each document has its lines, all but one notices, and the review stands anywhere."""
    examples = tasks.get("long_document", lines=4).generate(60, seed=1)
    places = set()
    for example in examples:
        lines = example.inputs["text"].split("\n")
        assert len(lines) == 4
        (place,) = [n for n, line in enumerate(lines) if not NOTICE.fullmatch(line)]
        places.add((place, example.targets["answer"]))
    assert len(places) == 8


def test_a_review_alone_is_the_shortest_document():
    """With one line there is the review and nothing else."""
    (example,) = tasks.get("long_document:lines=1").generate(1, seed=2)
    assert "\n" not in example.inputs["text"]
