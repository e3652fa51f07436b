"""SCAN: its meaning by another road, and its published splits."""

from __future__ import annotations

import re

import pytest

from langnet import tasks
from langnet.errors import DataError
from langnet.tasks.scan import commands, interpret

TURNS = {"left": "I_TURN_LEFT ", "right": "I_TURN_RIGHT "}
ALL = tuple(commands())


def rewritten(command):
    """The actions by rewriting the text, from the inside out."""
    text = f" {command} "
    for verb in ("walk", "look", "run", "jump"):
        text = text.replace(f" {verb} ", f" <I_{verb.upper()} > ")
    text = text.replace(" turn ", " <> ")
    for way, turn in TURNS.items():
        text = re.sub(rf"<([^>]*)> opposite {way} ", rf"<{turn * 2}\1> ", text)
        text = re.sub(
            rf"<([^>]*)> around {way} ", lambda m, turn=turn: f"<{(turn + m[1]) * 4}> ", text
        )
        text = re.sub(rf"<([^>]*)> {way} ", rf"<{turn}\1> ", text)
    for word, times in (("twice", 2), ("thrice", 3)):
        text = re.sub(rf"<([^>]*)> {word} ", lambda m, times=times: f"<{m[1] * times}> ", text)
    text = re.sub(r"<([^>]*)> after <([^>]*)>", r"<\2\1>", text)
    text = re.sub(r"<([^>]*)> and <([^>]*)>", r"<\1\2>", text)
    return text.strip().strip("<>").strip()


def test_two_ways_to_interpret_agree():
    """Reading a command by its grammar and rewriting it give the same actions."""
    assert len(ALL) == len(set(ALL)) == 20_910
    assert all(interpret(command) == rewritten(command) for command in ALL[::7])


@pytest.mark.parametrize(
    "command",
    [
        "",
        "turn",
        "jump left left",
        "fly",
        "walk and",
        "walk twice twice",
        "around left walk",
        "twice",
    ],
)
def test_what_is_no_command_is_refused(command):
    """Nothing outside the language has a meaning."""
    with pytest.raises(DataError, match="no command of SCAN"):
        interpret(command)


@pytest.mark.parametrize(
    ("split", "train", "test"),
    # Of the published 14,670 to learn from, 1,467 are "jump" again and again.
    [("length", 16_990, 3_920), ("addprim_jump", 14_670 - 1_467 + 1, 7_706)],
)
def test_the_parts_are_those_that_were_published(split, train, test):
    """Each part has as many commands as published, by its rule, and no further one."""
    task = tasks.get("scan", split=split)
    learnt = task.generate(train, seed=1)
    held_out = task.generate(test, seed=1, part="test")
    assert {e.inputs["text"] for e in learnt} | {e.inputs["text"] for e in held_out} == set(ALL)
    with pytest.raises(DataError, match=f"found only {test} new texts"):
        task.generate(test + 1, seed=1, part="test")


def test_the_rules_of_the_parts():
    """Learnt actions are at most 22; of "jump" only the word itself is learnt, and first."""
    data = tasks.get("scan:split=length").splits(train=300, dev=100, test=100)
    assert max(len(e.targets["answer"].split()) for e in (*data.train, *data.dev)) <= 22
    assert min(len(e.targets["answer"].split()) for e in data.test) > 22
    data = tasks.get("scan:split=addprim_jump").splits(train=300, dev=100, test=100)
    assert data.train[0].inputs["text"] == "jump"
    assert not any("jump" in e.inputs["text"] for e in (*data.train[1:], *data.dev))
    assert all("jump" in e.inputs["text"] for e in data.test)
    again = tasks.get("scan:split=addprim_jump").generate(50, seed=1, exclude=data.train)
    assert not {e.inputs["text"] for e in again} & {e.inputs["text"] for e in data.train}
