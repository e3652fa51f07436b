"""Data by option: what is generated, read, split off and renamed."""

from __future__ import annotations

import json
from collections import Counter

import click
import pytest

from langnet import DataError, Example, Graph, Input, Node
from langnet.cli.task import DataOptions, adapted, load_data

SIZES = {"train_size": 12, "dev_size": 6, "test_size": 8}
LABELS = {"data": "weather.jsonl", "labels": "1=hot,0=icy"}


def ids(examples):
    return [example.id for example in examples]


def test_held_out_examples_do_not_depend_on_the_other_sizes():
    """A generated test set stays the same when more is trained on, and nothing comes twice."""
    few = load_data(DataOptions(task="navigate", **SIZES), None)
    many = load_data(DataOptions(task="navigate", **{**SIZES, "train_size": 50}), None)
    other = load_data(DataOptions(task="navigate", **SIZES, data_seed=1), None)
    assert few.test == many.test
    assert few.dev == many.dev
    assert few.train == many.train[:12]
    assert not set(ids(few.test)) & set(ids(other.test))
    everything = [*many.test, *many.dev, *many.train]
    texts = [example.inputs[few.task.input] for example in everything]
    assert len(set(texts)) == len(set(ids(everything))) == 64


def test_the_networks_own_task_is_the_default():
    """TASK stands in for --task; without either the mend is told."""
    assert load_data(DataOptions(**SIZES), "sentiment").task.name == "sentiment"
    with pytest.raises(click.UsageError, match="--task with one of navigate"):
        load_data(DataOptions(**SIZES), None)


def test_parts_are_split_off_by_label(folder):
    """Parts of one file do not overlap, keep its order and its balance of labels."""
    found = load_data(DataOptions(**LABELS, **SIZES), None)
    assert [len(part) for part in (found.train, found.dev, found.test)] == [12, 6, 8]
    assert len({*ids(found.train), *ids(found.dev), *ids(found.test)}) == 26
    for part in (found.train, found.dev, found.test):
        counts = Counter(example.targets["answer"] for example in part)
        assert abs(counts["hot"] - counts["icy"]) <= 1
        numbers = [int(name.partition(":")[2]) for name in ids(part)]
        assert numbers == sorted(numbers)
    assert load_data(DataOptions(**LABELS, **SIZES), None) == found


def test_too_few_examples_are_shared_out_in_proportion(folder):
    """Where the sizes need more than there is, every part shrinks by the same factor."""
    sizes = {"train_size": 200, "dev_size": 100, "test_size": 100}
    found = load_data(DataOptions(**LABELS, **sizes), None)
    assert [len(part) for part in (found.train, found.dev, found.test)] == [30, 15, 15]


def test_all_takes_what_the_others_leave(folder):
    """`all` is the rest of the file, and the whole of a file of its own."""
    found = load_data(DataOptions(**LABELS, **{**SIZES, "train_size": None}), None)
    assert len(found.train) == 60 - 14
    found = load_data(
        DataOptions(**LABELS, **{**SIZES, "test_size": None}, test="weather.jsonl"), None
    )
    assert len(found.test) == 60


def test_a_file_makes_a_task(folder):
    """Its name is the file's, its labels those given in their order, or the data's sorted."""
    task = load_data(DataOptions(**LABELS, **SIZES), None).task
    assert (task.name, task.labels) == ("weather", ("hot", "icy"))
    assert task.description == "Answer with one of: hot, icy."
    with pytest.raises(DataError, match="none can be generated"):
        task.generate(3, seed=1)
    plain = load_data(DataOptions(data="weather.jsonl", **SIZES, instruction="Say."), None).task
    assert (plain.labels, plain.description) == (("0", "1"), "Say.")


def test_free_answers_are_no_labels(folder):
    """Many different targets are taken for texts."""
    rows = "".join(json.dumps({"input": f"{i}?", "target": f"{i}!"}) + "\n" for i in range(40))
    (folder / "free.jsonl").write_text(rows)
    assert load_data(DataOptions(data="free.jsonl", **SIZES), None).task.labels == ()


def test_a_preset_reads_a_published_format(folder):
    """--preset knows columns and labels, and takes none besides."""
    rows = "".join(json.dumps({"sentence": f"s{i}", "label": i % 2}) + "\n" for i in range(30))
    (folder / "subj.jsonl").write_text(rows)
    options = {"data": "subj.jsonl", "preset": "subj", **SIZES}
    assert load_data(DataOptions(**options), None).task.labels == ("subjective", "objective")
    with pytest.raises(click.UsageError, match="--preset"):
        load_data(DataOptions(**options, target="label"), None)


def test_solutions_of_a_question_stay_in_one_part(folder):
    """--preset gsm8k-solutions has two inputs, and splits by question; gsm8k compares numbers."""
    solution = {"is_correct": True, "solution": "s"}
    rows = "".join(
        json.dumps({"question": f"q{i}", "m": solution, "n": {**solution, "is_correct": False}})
        + "\n"
        for i in range(20)
    )
    (folder / "solved.jsonl").write_text(rows)
    found = load_data(DataOptions(data="solved.jsonl", preset="gsm8k-solutions", **SIZES), None)
    assert found.task.labels == ("Yes", "No")
    assert found.task.inputs == ("question", "solution")
    parts = [{e.inputs["question"] for e in p} for p in (found.train, found.dev, found.test)]
    assert [len(part) for part in parts] == [6, 3, 4]
    assert len(set.union(*parts)) == 13
    rows = "".join(
        json.dumps({"question": f"{i}?", "answer": f"#### {i}"}) + "\n" for i in range(30)
    )
    (folder / "sums.jsonl").write_text(rows)
    task = load_data(DataOptions(data="sums.jsonl", preset="gsm8k", **SIZES), None).task
    assert task.metric("It is 7.", "7") == 1


def test_examples_take_the_graphs_names():
    """A sole input and the target are renamed; several inputs have to match."""
    graph = Graph(Input("text"), Node("verdict", "{text} {prompt}", choices=("a", "b")))
    (example,) = adapted([Example("1", {"question": "q"}, {"answer": "a"})], graph)
    assert example == Example("1", {"text": "q"}, {"verdict": "a"})
    with pytest.raises(DataError, match=r"none of the choices.*--labels c=a"):
        adapted([Example("1", {"question": "q"}, {"answer": "c"})], graph)
    two = Graph(Input("text"), Input("title"), Node("verdict", "{text}{title}{prompt}"))
    with pytest.raises(DataError, match="--input text=COLUMN --input title=COLUMN"):
        adapted([Example("1", {"question": "q"}, {"answer": "a"})], two)


def test_worked_steps_are_observed_where_the_graph_has_the_node():
    """A trace reaches the node that it is of; a node that is not there is told of."""
    graph = Graph(
        Input("text"),
        Node("thoughts", "{text} {prompt}"),
        Node("result", "{text} {thoughts} {prompt}"),
    )
    found = load_data(DataOptions(task="arithmetic:trace=thoughts", **SIZES), None)
    for example in adapted(found.train, graph):
        assert set(example.targets) == {"thoughts", "result"}
        assert example.targets["thoughts"].endswith(f"= {example.targets['result']}")
    found = load_data(DataOptions(task="arithmetic:trace=steps", **SIZES), None)
    with pytest.raises(DataError, match="observes 'steps', but the network's nodes are thoughts"):
        adapted(found.train, graph)


def test_several_inputs_have_columns_each(folder):
    """--input NAME=COLUMN names each input's column."""
    rows = "".join(json.dumps({"a": f"{i}", "b": "x", "y": "z"}) + "\n" for i in range(30))
    (folder / "two.jsonl").write_text(rows)
    options = DataOptions(data="two.jsonl", input=("title=a", "b"), target="y", **SIZES)
    with pytest.raises(DataError, match="no column 'none'"):
        load_data(DataOptions(data="two.jsonl", input=("title=none",), target="y", **SIZES), None)
    assert set(load_data(options, None).train[0].inputs) == {"title", "b"}
