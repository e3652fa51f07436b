"""Manifests: what decides a number is told, and what differs is found."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.errors import DataError
from langnet.manifest import compared, differing, digest, manifest, read_manifest, versions

RUN = {
    "seed": 3,
    "graph": {"order": ["x", "y"]},
    "train": "aa",
    "dev": "bb",
    "models": {"default": "local:one"},
    "proposer": "local:one",
    "method": {"steps": 2, "mix": {"phrasing": 1.0}},
}
RESULT = {"data": {"test": {"digest": "cc"}}, "prompts": {"fitted": {"y": "p"}}}


def made(**changes):
    return manifest(
        arguments=["net.py"], run={**RUN, **changes}, network=None, result=RESULT, cost={"calls": 1}
    )


def test_a_manifest_can_be_written_and_read(tmp_path):
    """What was written comes back, and the versions are those that run."""
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(made()), encoding="utf-8")
    found = read_manifest(file)
    assert found == made()
    assert found["versions"] == versions()
    assert "langnet" in found["versions"]


def test_the_same_run_does_not_differ():
    """A run is compared as JSON holds it: tuples are lists."""
    found = compared(made(), {**RUN, "graph": {"order": ("x", "y")}})
    assert found.fatal == found.notable == ()


@pytest.mark.parametrize("name", ["seed", "graph", "train", "dev", "method"])
def test_another_fit_is_told_apart(name):
    """What makes it another fit is named."""
    found = compared(made(), {**RUN, name: "another"})
    assert len(found.fatal) == 1
    assert found.fatal[0].startswith(f"{name}: ")


def test_other_models_and_versions_are_notable():
    """They may give the same numbers, so they are told and not refused."""
    recorded = made()
    recorded["versions"] = {**recorded["versions"], "numpy": "1.0"}
    found = compared(recorded, {**RUN, "models": {"default": "local:two"}})
    assert found.fatal == ()
    assert any("local:one became local:two" in line for line in found.notable)
    assert any(line.startswith("numpy: 1.0 became ") for line in found.notable)


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=4))
def test_a_digest_depends_on_the_content_alone(data):
    """The order of names does not matter, the values do."""
    assert digest(data) == digest(dict(reversed(data.items())))
    assert digest(data) != digest({**data, "one more": 1})


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "other"}', '{"format": "langnet-manifest/1"}']
)
def test_what_is_no_manifest_is_refused(tmp_path, text):
    """The message names the file."""
    (tmp_path / "m.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"m\.json"):
        read_manifest(tmp_path / "m.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(*2 * [st.dictionaries(st.text(max_size=2), JSON, max_size=3)])
def test_results_differ_where_their_digests_do(before, after):
    """There is a line if and only if the documents are not the same."""
    assert bool(differing(before, after)) == (digest(before) != digest(after))
    assert differing(before, before) == ()


def test_a_difference_names_its_place():
    """Lists go by position, and what is missing is told as null."""
    before = {"test": {"values": [1.0, 0.0], "mean": 0.5}}
    after = {"test": {"values": (1.0, 1.0, 0.0), "mean": 0.5}}
    assert differing(before, after) == (
        "test.values.1: 0.0 became 1.0",
        "test.values.2: null became 0.0",
    )
