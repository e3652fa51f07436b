"""What a task offers: settings, a name that says them, parts that do not meet, a solver."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks import Setting, Task, puzzles

TASKS = pytest.mark.parametrize("name", tasks.names())
HARDER = (
    "hyperbaton:adjectives=8",
    "logical_deduction:objects=5",
    "logical_deduction:objects=7",
    "boolean_expressions:values=1",
    "boolean_expressions:values=20",
    "word_sorting:split=length,part=test",
    "last_letter_concatenation:words=8",
    "scan:split=length,part=test",
    "scan:split=addprim_jump,part=test",
    "listops:split=depth,part=test",
    "listops:split=length,part=test",
    "propositional_logic:split=length,part=test",
    "propositional_evaluation:operators=12",
    "arithmetic:split=length,part=test",
    "arithmetic_check:steps=8,wrong=1.0",
)


def texts(examples):
    return [text for example in examples for text in example.inputs.values()]


@pytest.mark.parametrize("spec", [*tasks.names(), *HARDER])
def test_the_solver_agrees_with_the_generator(spec):
    """What a solver reads out of a text is what the generator meant by it."""
    task = tasks.get(spec)
    # There are few expressions of one value, and 5,040 orders of seven objects to try.
    few = {"boolean_expressions:values=1", "logical_deduction:objects=7"}
    examples = task.generate(12 if spec in few else 60, seed=4)
    assert all(task.metric(e.targets["answer"], e.targets["answer"]) for e in examples)
    if task.answer is None:
        assert task.name in {
            "questions",
            "sentiment",
            "subjectivity",
            "long_document",
            *puzzles.names(),
        }
        return
    for example in examples[:10] if task.name == "countdown" else examples:
        found = task.answer(example.inputs["text"])
        assert float(task.metric(found, example.targets["answer"])) == 1, example


@TASKS
def test_parts_share_no_text(name):
    """Parts are disjoint, the seed decides them, and other sizes leave the held-out ones alone."""
    task = tasks.get(name)
    data = task.splits(train=30, dev=20, test=25, seed=3)
    assert [len(part) for part in (data.train, data.dev, data.test)] == [30, 20, 25]
    everything = [*data.train, *data.dev, *data.test]
    assert len(set(texts(everything))) == len({example.id for example in everything}) == 75
    assert task.splits(train=30, dev=20, test=25, seed=3) == data
    more = task.splits(train=40, dev=20, test=25, seed=3)
    assert (more.test, more.dev, more.train[:30]) == (data.test, data.dev, data.train)
    assert task.splits(train=1, dev=0, test=25, seed=4).test != data.test


@TASKS
def test_a_task_says_what_a_graph_needs(name):
    """Inputs, a summary and prompts, of which the description is one, are there."""
    task = tasks.get(name)
    assert task.inputs == (task.input,)
    assert task.summary
    assert "\n" not in task.summary
    assert task.prompts["description"] == task.description
    assert list(task.prompts)[:2] == ["description", "chain-of-thought"]
    other = replace(task, description="Do it.")
    assert other.prompts["description"] == "Do it."
    for label in task.labels:
        assert label


@pytest.mark.parametrize("name", [name for name in tasks.names() if name not in puzzles.names()])
def test_defaults_are_the_generators_own(name):
    """A setting's default is that of the function it is handed to."""
    task = tasks.get(name)
    parameters = inspect.signature(task.make).parameters
    own = {key for key in parameters if key not in {"n", "seed", "node", "exclude"}}
    assert set(task.settings) == own
    for key, setting in task.settings.items():
        assert parameters[key].default == setting.default, key


@TASKS
def test_a_spec_leads_back_to_its_task(name):
    """`get` of a task's spec is the task, whatever its settings."""
    task = tasks.get(name)
    assert task.spec == name
    for key, setting in task.settings.items():
        if setting.choices:
            value = setting.choices[-1]
        elif isinstance(setting.default, bool):
            value = not setting.default
        elif isinstance(setting.default, str):
            value = "thoughts"
        else:
            value = setting.least if setting.least != setting.default else setting.most
        changed = task.configured(**{key: value})
        assert changed == tasks.get(changed.spec) == tasks.get(name, **{key: value})
        assert changed.spec != name


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("chess", "no task 'chess'; there is navigate.*reasoning-gym/NAME"),
        ("scan:split", "'split' in 'scan:split' is no setting; write NAME:SETTING=VALUE"),
        ("scan:size=3", "the task scan has no setting size; it has split, part"),
        ("questions:size=3", "has no setting size; it has none"),
        ("scan:split=random", "must be one of simple, length, addprim_jump, not 'random'"),
        ("listops:depth=deep", "depth must be a whole number, not 'deep'"),
        ("listops:depth=2.5", "depth must be a whole number"),
        ("listops:depth=0", "depth must lie between 1 and 20"),
        ("navigate:options=maybe", "options must be true or false"),
        ("arithmetic_check:wrong=nan", "wrong must lie between"),
    ],
)
def test_wrong_settings_are_told_with_the_mend(spec, message):
    """A setting that is not there, or cannot be that, is refused with what can."""
    with pytest.raises(DataError, match=message):
        tasks.get(spec)


def test_settings_are_read_as_what_they_are():
    """Texts from a command line become the type of the default, whole numbers others too."""
    assert tasks.get("navigate:options=False").chosen["options"] is False
    assert tasks.get("listops: depth = 5").chosen["depth"] == 5
    assert tasks.get("arithmetic_check", wrong=1).chosen["wrong"] == 1.0
    assert Setting(3, "objects", (3, 5)).read("objects", "5") == 5
    with pytest.raises(DataError, match="whole number, not True"):
        Setting(3, "objects").read("objects", True)  # noqa: FBT003


def test_labels_may_depend_on_settings():
    """Seven objects have seven options."""
    assert tasks.get("logical_deduction").labels == ("(A)", "(B)", "(C)")
    assert tasks.get("logical_deduction", objects=7).labels[-1] == "(G)"


def test_a_call_may_set_what_the_task_leaves_open():
    """`generate` takes settings for one call."""
    task = tasks.get("navigate")
    assert "Options" in task.generate(1, seed=1)[0].inputs["text"]
    assert "Options" not in task.generate(1, seed=1, options=False)[0].inputs["text"]


def test_a_task_of_files_makes_no_examples():
    """Without a generator there are no splits either."""
    task = Task("reviews", "Say which.", "text", ("good", "bad"))
    with pytest.raises(DataError, match="come from files"):
        task.splits(train=1)
