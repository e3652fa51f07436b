"""Exports for trainers: which rows are made, and that a file is whole or not there."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langnet.collect import Solution, collect
from langnet.data import Example
from langnet.errors import DataError
from langnet.export import (
    Demonstrations,
    Judgements,
    Preferences,
    Verifications,
    write,
)
from langnet.graph import Graph
from langnet.key import Key
from langnet.metrics import number
from langnet.node import Function, Input, Node
from langnet.testing import TableModel

KEY = Key(("export",))
EXPORTS = [
    Preferences(),
    Demonstrations(),
    Judgements(),
    Verifications(lambda solution: f"{solution.context}{solution.text} Right?"),
]


def solution(text, context="q1:", *, example="q1", right=None, draw=0):
    """A solution that is right where its text begins with r, unless that is said."""
    value = float(text.startswith("r") if right is None else right)
    return Solution(example, draw, {}, context, text, text, value)


def solutions(*texts, question="q1"):
    """Solutions of one question, in turn."""
    return [
        solution(text, f"{question}:", example=question, draw=draw)
        for draw, text in enumerate(texts)
    ]


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_pairs_are_all_right_ones_with_all_wrong_ones(tmp_path):
    """The pairs of each question are the product, with the space that the model saw."""
    data = solutions("r1", "w1", "r2", "w2", "w3") + solutions("r9", "w9", question="q2")
    counts = write(tmp_path / "p.jsonl", data, Preferences(), key=KEY)
    pairs = {(row["chosen"], row["rejected"]) for row in rows(tmp_path / "p.jsonl")}
    assert pairs == {*product([" r1", " r2"], [" w1", " w2", " w3"]), (" r9", " w9")}
    assert counts == {
        "questions": 2,
        "solutions": 7,
        "correct": 3,
        "incorrect": 4,
        "repeated": 0,
        "rows": 7,
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 20))
def test_a_cap_keeps_that_many_different_pairs(tmp_path, right, wrong, cap):
    """No pair comes twice, and there are as many as there can be below the cap."""
    data = solutions(*(f"r{i}" for i in range(right)), *(f"w{i}" for i in range(wrong)))
    write(tmp_path / "p.jsonl", data, Preferences(cap=cap), key=KEY)
    pairs = [(row["chosen"], row["rejected"]) for row in rows(tmp_path / "p.jsonl")]
    assert len(set(pairs)) == len(pairs) == min(cap, right * wrong)


def test_the_choice_of_a_question_depends_on_its_key_alone(tmp_path):
    """Another order of questions chooses the same pairs, another key others."""
    first, second = (
        solutions(*(f"r{i}" for i in range(9)), *(f"w{i}" for i in range(9)), question=name)
        for name in ("q1", "q2")
    )

    def chosen(data, key):
        write(tmp_path / "p.jsonl", data, Preferences(cap=5), key=key)
        return {tuple(row.values()) for row in rows(tmp_path / "p.jsonl")}

    assert chosen(first + second, KEY) == chosen(second + first, KEY)
    assert chosen(first + second, KEY) != chosen(first + second, KEY / "other")


def test_each_type_has_the_columns_of_trl(tmp_path):
    """Prompt-completion, preference and unpaired preference, in both formats."""
    columns = {
        "prompt-completion": {"prompt", "completion"},
        "preference": {"prompt", "chosen", "rejected"},
        "unpaired-preference": {"prompt", "completion", "label"},
    }
    for export, conversational in product(EXPORTS, [False, True]):
        path = tmp_path / f"{type(export).__name__}-{conversational}.jsonl"
        data = solutions("r1", "w1")
        write(path, data, export, key=KEY, conversational=conversational)
        found = rows(path)
        assert found
        for row in found:
            assert set(row) == columns[export.type]
            for name, value in row.items():
                if name == "label":
                    assert isinstance(value, bool)
                elif conversational:
                    (message,) = value
                    assert message["role"] == ("user" if name == "prompt" else "assistant")
                    assert message["content"] == message["content"].strip() != ""
                else:
                    assert isinstance(value, str)


def test_demonstrations_are_right_and_unlike_each_other(tmp_path):
    """Wrong solutions and repeated ones are left out, and repeats are counted."""
    data = solutions("r1", "w1", "r1", "r2")
    counts = write(tmp_path / "d.jsonl", data, Demonstrations(), key=KEY)
    assert [row["completion"] for row in rows(tmp_path / "d.jsonl")] == [" r1", " r2"]
    assert counts["repeated"] == 1


def test_balanced_data_hold_as_many_right_as_wrong(tmp_path):
    """Each question gives as many of a kind, so one with a single kind gives none."""
    data = solutions("r1", "w1", "w2", "w3") + solutions("r9", "r8", question="q2")
    write(tmp_path / "j.jsonl", data, Judgements(balanced=True), key=KEY)
    labels = [row["label"] for row in rows(tmp_path / "j.jsonl")]
    assert sorted(labels) == [False, True]
    verdicts = Verifications(lambda solution: solution.text + "? ", balanced=False)
    write(tmp_path / "v.jsonl", data, verdicts, key=KEY)
    found = {row["prompt"]: row["completion"] for row in rows(tmp_path / "v.jsonl")}
    assert found["r1? "] == "Yes"
    assert found["w3? "] == "No"


def test_the_metadata_say_how_the_file_was_made(tmp_path):
    """Counts, settings and the hash of the very bytes stand beside the file."""
    path = tmp_path / "p.jsonl"
    about = {"model": "table", "note": "ü\ud800"}
    write(path, solutions("r\ud800", "w"), Preferences(cap=3), key=KEY, about=about)
    meta = json.loads((tmp_path / "p.meta.json").read_text())
    assert meta["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert meta["settings"] == {"cap": 3}
    assert (meta["type"], meta["format"]) == ("preference", "standard")
    assert meta["about"] == about
    assert rows(path)[0]["chosen"] == " r\ud800"


def test_a_stream_that_breaks_leaves_the_old_file(tmp_path):
    """An error in the middle changes nothing and leaves nothing beside it."""
    path = tmp_path / "p.jsonl"
    write(path, solutions("r", "w"), Preferences(), key=KEY)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def broken():
        yield from solutions("r", "w", "w2")
        yield from solutions("r", question="q2")
        raise KeyError("the stream broke")

    with pytest.raises(KeyError):
        write(path, broken(), Preferences(), key=KEY)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_what_cannot_be_exported_is_said(tmp_path):
    """A question in two places, and a text both right and wrong."""
    path = tmp_path / "p.jsonl"
    scattered = solutions("r") + solutions("r", question="q2") + solutions("w")
    both = [solution("x", right=True), solution("x", right=False)]
    for data, words in (
        (scattered, "together"),
        (both, "both right and wrong"),
    ):
        with pytest.raises(DataError, match=words):
            write(path, data, Preferences(), key=KEY)
    assert not path.exists()


def test_solutions_under_different_contexts_are_not_paired(tmp_path):
    """A pair has one prompt, whatever order solutions come in, and a cap counts over all."""
    data = [solution(text, context) for text in ("r1", "w1", "r2", "w2") for context in "abc"]
    data.append(solution("r3", "d"))
    write(tmp_path / "p.jsonl", data, Preferences(), key=KEY)
    pairs = {tuple(row.values()) for row in rows(tmp_path / "p.jsonl")}
    assert pairs == {*product("abc", [" r1", " r2"], [" w1", " w2"])}
    write(tmp_path / "p.jsonl", data, Preferences(cap=7), key=KEY)
    assert len({tuple(row.values()) for row in rows(tmp_path / "p.jsonl")} & pairs) == 7


async def test_what_is_collected_is_what_is_exported(tmp_path):
    """The texts of a node go into a file under what the model saw, right and wrong ones paired."""
    graph = Graph(
        Input("sum"),
        Node("solution", "{sum} {prompt}", "Solve:", draws=6),
        Function("answer", lambda solution: solution, over="solution"),
    )
    model = TableModel(lambda _: {"it is 4": 0.5, "it is 5": 0.5})
    examples = [Example(name, {"sum": "2 + 2"}, {"answer": "4"}) for name in ("e1", "e2")]
    found = await collect(graph, examples, models=model, draws=1, metric=number)
    counts = write(tmp_path / "p.jsonl", found.solutions, Preferences(), key=KEY)
    assert counts["solutions"] == 12
    assert {tuple(row.values()) for row in rows(tmp_path / "p.jsonl")} == {
        ("2 + 2 Solve:", " it is 4", " it is 5")
    }
