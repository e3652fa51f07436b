"""Published formats: small files in every format, and the real ones where they are present."""

import json
from pathlib import Path

import pytest

from langnet.data import (
    PRESETS,
    Example,
    read_airline,
    read_bbh,
    read_disaster,
    read_gsm8k,
    read_gsm8k_solutions,
    read_mpqa,
    read_scan,
    read_subj,
    read_trec,
    split,
)
from langnet.errors import DataError

REAL = Path(__file__).parents[3] / "shared" / "data"


def write(tmp_path, name, content):
    """A file with the content."""
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_subj_and_trec_labels_have_their_names(tmp_path):
    """Label numbers become the names that they stand for."""
    path = write(tmp_path, "a.jsonl", {"sentence": "s", "label": "1"})
    assert read_subj(path) == [Example("a:1", {"sentence": "s"}, {"answer": "objective"})]
    assert read_trec(path, node="kind")[0].targets == {"kind": "entity"}
    path = write(tmp_path, "a.jsonl", {"sentence": "s", "label": 6})
    with pytest.raises(DataError, match="'6', which labels does not name"):
        read_trec(path)


def test_bbh_keeps_its_options_unless_told(tmp_path):
    """The lines of options are part of the question unless they are left out."""
    text = "Back?\nOptions:\n- Yes\n- No"
    path = write(tmp_path, "a.json", {"canary": "c", "examples": [{"input": text, "target": "No"}]})
    assert read_bbh(path) == [Example("a:1", {"input": text}, {"answer": "No"})]
    assert read_bbh(path, options=False, input_name="q")[0].inputs == {"q": "Back?"}


def test_gsm8k_targets_are_the_final_numbers(tmp_path):
    """The target is what follows the last mark, without commas."""
    path = write(tmp_path, "a.jsonl", {"question": "q", "answer": "2 * 3 = 6\n#### 1,200"})
    assert read_gsm8k(path) == [Example("a:1", {"question": "q"}, {"answer": "1200"})]
    path = write(tmp_path, "a.jsonl", {"question": "q", "answer": "1200"})
    with pytest.raises(DataError, match="line 1: the answer does not end"):
        read_gsm8k(path)


def test_scan_lines_are_commands_and_actions(tmp_path):
    """A line holds a command and its actions; anything else is a fault."""
    path = write(tmp_path, "a.txt", "IN: jump twice OUT: I_JUMP I_JUMP\n\nIN: run OUT: I_RUN\n")
    assert read_scan(path) == [
        Example("a:1", {"command": "jump twice"}, {"answer": "I_JUMP I_JUMP"}),
        Example("a:2", {"command": "run"}, {"answer": "I_RUN"}),
    ]
    with pytest.raises(DataError, match="line 2: needs 'IN"):
        read_scan(write(tmp_path, "a.txt", "IN: run OUT: I_RUN\nrun\n"))
    with pytest.raises(DataError, match="no example"):
        read_scan(write(tmp_path, "a.txt", "\n"))


def test_tweets_are_read_from_either_format(tmp_path):
    """Leopard's JSON has columns of its own; in a CSV file they are named."""
    path = write(tmp_path, "a.json", [{"sentence1": "Flood!", "label": "Relevant"}])
    assert read_disaster(path) == [Example("a:1", {"sentence": "Flood!"}, {"answer": "yes"})]
    path = write(tmp_path, "a.csv", "text,airline_sentiment\nLate again,negative\n")
    (example,) = read_airline(path, column="text", label="airline_sentiment", input_name="text")
    assert example == Example("a:1", {"text": "Late again"}, {"answer": "negative"})
    path = write(tmp_path, "a.jsonl", {"sentence": "a bleak decade", "label": 0})
    assert read_mpqa(path)[0].targets == {"answer": "negative"}


def test_every_solution_is_an_example(tmp_path):
    """A question has an example for each of its solutions, which says whether it is right."""
    row = {
        "question": "2 + 2?",
        "ground_truth": "A: 4",
        "small": {"is_correct": False, "solution": "A: 5"},
        "large": {"is_correct": True, "solution": "A: 4"},
    }
    path = write(tmp_path, "a.jsonl", row)
    assert read_gsm8k_solutions(path, reference="right", node="verdict") == [
        Example(
            f"a:1:{model}", {"question": "2 + 2?", "solution": s, "right": "A: 4"}, {"verdict": v}
        )
        for model, s, v in (("small", "A: 5", "No"), ("large", "A: 4", "Yes"))
    ]
    for broken, message in (
        ({"question": "q"}, "no solution with"),
        ({**row, "small": {"is_correct": "no", "solution": "s"}}, "not true or false"),
    ):
        with pytest.raises(DataError, match=message):
            read_gsm8k_solutions(write(tmp_path, "a.jsonl", broken))


def test_real_solutions_are_split_by_question():
    """No question is in two parts, and each keeps its four solutions."""
    path = REAL / "gsm8k" / "example_model_solutions.jsonl"
    if not path.exists():
        pytest.skip("the published file example_model_solutions.jsonl is not here")
    examples = read_gsm8k_solutions(path)
    assert len(examples) == 2400
    parts = split(examples, sizes=(800, 400, 1200), seed=1, group="question")
    questions = [{example.inputs["question"] for example in part} for part in parts]
    assert [len(part) for part in parts] == [800, 400, 1200]
    assert [len(part) for part in questions] == [200, 100, 300]
    assert len(set.union(*questions)) == 600


@pytest.mark.parametrize("reader", [read_bbh, read_gsm8k])
def test_columns_must_be_texts(tmp_path, reader):
    """A number where a text belongs is a fault of the file."""
    row = {"input": 1, "target": "x", "question": 1, "answer": "#### 1"}
    path = write(tmp_path, "a.json", [row])
    with pytest.raises(DataError, match="is 1, not a text"):
        reader(path)


@pytest.mark.parametrize(
    ("preset", "name", "count", "labels"),
    [
        ("subj", "nlu/subj/test.jsonl", 2000, {"subjective", "objective"}),
        ("trec", "nlu/trec/test.jsonl", 500, None),
        ("bbh", "bbh/navigate.json", 250, {"Yes", "No"}),
        ("gsm8k", "gsm8k/train.jsonl", 1000, None),
        ("scan", "scan/tasks.txt", 20910, None),
    ],
)
def test_real_files_are_read_whole(preset, name, count, labels):
    """The published files give as many examples as they are known to hold."""
    if not (REAL / name).exists():
        pytest.skip(f"the published file {name} is not here")
    examples = PRESETS[preset](REAL / name)
    assert len(examples) == count
    assert labels in (None, {example.targets["answer"] for example in examples})
