"""Lists of prompts: read in every form, and scored by the first step of a fit."""

from __future__ import annotations

import json

import pytest

from langnet import Inference, Method, fit
from langnet.errors import DataError
from langnet.exchange import listed_entries, read_list
from langnet.testing import TableModel
from tests.test_fit import data, distribution, network

FORMS = {
    "lines.txt": ("one\ntwo\n\n", ("one", "two")),
    "blocks.txt": ("one\nmore\n\n\ntwo\n", ("one\nmore", "two")),
    "rules.txt": ("one\n\nmore\n---\ntwo\n---\n", ("one\n\nmore", "two")),
    "breaks.md": ("one\r\ntwo\r\none\r\n", ("one", "two")),
    "list.json": ('["one", " two "]', ("one", "two")),
    "list.yaml": ("- one\n- two\n", ("one", "two")),
    "named.json": ('{"answer": ["one", "two"]}', ("one", "two")),
    "single.yaml": ("answer: one\n", ("one",)),
    "rows.jsonl": ('"one"\n\n{"text": "two", "prompt": "answer"}\n', ("one", "two")),
}


@pytest.mark.parametrize("name", FORMS)
def test_lists_are_read_in_every_form(tmp_path, name):
    """Texts come in their order, each once, without the white space around them."""
    text, wanted = FORMS[name]
    (tmp_path / name).write_bytes(text.encode())
    assert read_list(tmp_path / name, ["answer"]) == {"answer": wanted}


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("p.txt", "one\n", "does not say which prompt"),
        ("p.json", '{"other": "x"}', "candidates for 'other'"),
        ("p.json", '{"answer": 3}', "no text"),
        ("p.json", "3", "no text"),
        ("p.jsonl", "{", "line 1 is no JSON"),
        ("p.jsonl", '{"prompt": "answer"}', "line 1 has no text"),
        ("p.txt", " \n", "holds no prompts"),
        ("none.txt", None, "cannot be read"),
    ],
)
def test_what_is_no_list_is_told_with_its_file(tmp_path, name, text, fault):
    """The error names the file and what is wrong with it."""
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=fault) as error:
        read_list(tmp_path / name, ["thoughts", "answer"])
    assert name in str(error.value)


async def test_the_first_step_scores_a_list(tmp_path):
    """Each listed text is a candidate of step 1 alone, its origin the list; the good one wins."""
    texts = ("It is cold.", "Be warm, be warm, be warm.")
    entries = listed_entries({"answer": texts}, by="prompts.txt")
    method = Method(steps=2, batch_size=8, candidates=2, inference=Inference(draws=2))
    found = await fit(
        network(),
        *(data(24), data(10, 100)),
        models=TableModel(distribution),
        method=method,
        directory=tmp_path,
        traces=False,
        guidance=entries,
    )
    assert [entry.by for entry in found.state.guidance] == ["prompts.txt"] * 2
    listed = []
    for number in (1, 2):
        step = json.loads((tmp_path / "steps" / f"{number:04d}.json").read_text())
        candidates = [one for choice in step["selections"] for one in choice["candidates"]]
        listed.append({one["text"] for one in candidates if one["origin"] == "list"})
    assert listed == [set(texts), set()]
    assert "list" not in found.state.record
    assert found.graph.prompts["answer"] == texts[1]


def test_a_list_is_the_same_guidance_when_it_is_read_again():
    """Ids say what an entry says, so that a resumed fit takes no text twice."""
    once, again = (
        {entry.id for entry in listed_entries({"answer": ("one", "two")}, by=by)} for by in "ab"
    )
    assert once == again
    assert len(once) == 2
    assert not once & {entry.id for entry in listed_entries({"notes": ("one", "two")}, by="a")}
