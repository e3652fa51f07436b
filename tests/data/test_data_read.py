"""Reading files: every format gives the same examples, and every fault names its place and mend."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.data import Example, read
from langnet.errors import DataError

ROWS = [{"text": "fine", "label": "1"}, {"text": 'a "quoted", one', "label": "0"}]
LABELS = {"0": "subjective", "1": "objective"}
FILES = {
    "train.jsonl": "\n".join(map(json.dumps, ROWS)),
    "train.json": json.dumps(ROWS),
    "train.csv": 'text,label\nfine,1\n"a ""quoted"", one",0\n',
    "train.tsv": 'text\tlabel\nfine\t1\na "quoted", one\t0\n',
}

CUT_SHORT = gzip.compress(b"text,label\nT,Y\n", mtime=0)[:-9]


def write(tmp_path, name, content):
    """A file with the content."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("zipped", [False, True])
def test_formats_agree(tmp_path, name, ending, mark, zipped):
    """Format, line ends, a byte order mark and compression make no difference."""
    content = mark + FILES[name].replace("\n", ending).encode()
    if zipped:
        name, content = f"{name}.gz", gzip.compress(content)
    path = write(tmp_path, name, content)
    assert read(path, labels=LABELS) == [
        Example("train:1", {"text": "fine"}, {"answer": "objective"}),
        Example("train:2", {"text": 'a "quoted", one'}, {"answer": "subjective"}),
    ]


@pytest.mark.parametrize("name", ["train.jsonl", "train.csv"])
def test_blank_lines_are_no_rows(tmp_path, name):
    """Blank lines neither make examples nor shift ids."""
    path = write(tmp_path, name, "\n" + FILES[name].replace("\n", "\n\n"))
    assert [example.id for example in read(path)] == ["train:1", "train:2"]


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), min_size=1, max_size=5
    )
)
def test_json_lines_round_trip(tmp_path_factory, texts):
    """Any text that JSON can hold comes back as it was, whatever separators are in it."""
    path = tmp_path_factory.mktemp("data") / "any.jsonl"
    lines = (json.dumps({"input": text, "target": text}, ensure_ascii=False) for text in texts)
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    examples = read(path)
    assert [example.inputs["input"] for example in examples] == texts
    assert [example.targets["answer"] for example in examples] == texts


@pytest.mark.parametrize(("source", "target"), [("input", "target"), ("question", "answer")])
def test_well_known_columns_are_found(tmp_path, source, target):
    """Columns with well-known names need no options."""
    path = write(tmp_path, "a.jsonl", json.dumps({source: "x", target: "y", "more": 1}))
    assert read(path, node="out") == [Example("a:1", {source: "x"}, {"out": "y"})]


def test_columns_map_onto_inputs_and_nodes(tmp_path):
    """Columns can be given for several inputs and several observed nodes."""
    path = write(tmp_path, "a.csv", "q,c,why,y\nQ,C,W,Y\n")
    (example,) = read(
        path, inputs={"question": "q", "context": "c"}, target={"thoughts": "why", "answer": "y"}
    )
    assert example.inputs == {"question": "Q", "context": "C"}
    assert example.targets == {"thoughts": "W", "answer": "Y"}


def test_a_single_column_takes_the_inputs_name(tmp_path):
    """A column that is the only input can be named after the graph's input."""
    path = write(tmp_path, "a.csv", "text,label\nT,Y\n")
    assert read(path, inputs="text", input_name="question", target="label")[0].inputs == {
        "question": "T"
    }
    assert read(path, input_name="question")[0].inputs == {"question": "T"}
    with pytest.raises(DataError, match="names the inputs already"):
        read(path, inputs={"a": "text"}, input_name="question")


def test_inputs_alone_make_no_targets(tmp_path):
    """Data to predict on need no target, and a target alone still finds its input."""
    path = write(tmp_path, "a.csv", "text,gold\nT,Y\n")
    assert read(path, inputs="text")[0].targets == {}
    assert read(path, target="gold") == [Example("a:1", {"text": "T"}, {"answer": "Y"})]


def test_ids_keep_the_whole_stem(tmp_path):
    """Only the endings that say the format are left off a file's name."""
    path = write(tmp_path, "a.v2.csv.gz", gzip.compress(b"text,label\nT,Y\n"))
    assert read(path)[0].id == "a.v2:1"


def test_ids_come_from_their_column(tmp_path):
    """A column "id" names the examples, and must do so uniquely."""
    path = write(tmp_path, "a.csv", "id,text,label\nx,T,Y\n7,U,Y\n")
    assert [example.id for example in read(path)] == ["x", "7"]
    path = write(tmp_path, "a.csv", "id,text,label\nx,T,Y\n\nx,U,Y\n")
    with pytest.raises(DataError, match=r"a.csv, line 4: the id 'x' is that of .*a.csv, line 2"):
        read(path)


def test_json_values_keep_their_types_as_inputs_only(tmp_path):
    """An input may be any JSON value; a target is its text."""
    path = write(tmp_path, "a.jsonl", '{"input": [1, {"k": "v"}], "target": true}')
    (example,) = read(path)
    assert example.inputs["input"] == [1, {"k": "v"}]
    assert example.targets["answer"] == "true"


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.txt", "x", {}, r"ending '\.txt'; rename the file to end in \.jsonl"),
        ("a.jsonl", "", {}, "no example"),
        ("a.csv", "text,label\n", {}, "no example"),
        ("a.jsonl", '\n{"input": }', {}, r"line 2: not valid JSON \(.* at column 11\)"),
        ("a.json", '[\n{"input": }]', {}, "not valid JSON .* at line 2, column 11"),
        ("a.json", '{"data": []}', {}, "list of objects"),
        ("a.json", "[1]", {}, "item 1: needs an object"),
        ("a.jsonl", "[1]", {}, "line 1: needs an object"),
        ("a.csv", "text,label\nT,Y\nT\n", {}, "line 3: has 1 cells, but the header has 2"),
        ("a.csv", 'text,label\n"T\n2",Y\nT,Y,Z\n', {}, "line 4: has 3 cells"),
        ("a.csv", 'text,label\n"T" x,Y\n', {}, "line 2: .*expected after"),
        ("a.csv", "text,text\nT,Y\n", {}, "the header has 'text' more than once"),
        ("a.csv", "foo,bar\nT,Y\n", {}, "input/target, .*the file has 'bar', 'foo'; name them"),
        ("a.csv", "text,label\nT,Y\n", {"inputs": "t"}, "line 2: there is no column 't'; there is"),
        ("a.csv", "text,label\nT,\n", {}, "line 2: the column 'label' is '', but a text"),
        ("a.jsonl", '{"input": null, "target": "y"}', {}, "'input' is null"),
        ("a.jsonl", '{"input": "x", "target": null}', {}, "'target' is None"),
        ("a.jsonl", '{"input": "x", "target": ["y"]}', {}, "'target' is .*text or a number"),
        ("a.jsonl", '{"input": "x", "target": "y"}\n{"input": "x"}', {}, "line 2: .*'target'"),
        ("a.csv", "text,label\nT,2\n", {"labels": LABELS}, "'2', which labels .* '0', '1'"),
        ("a.csv", b"text,label\nT,\xff\n", {}, "line 2: not UTF-8"),
        ("a.csv.gz", b"text", {}, "not a whole gzip file"),
        (
            "a.csv.gz",
            gzip.compress(b"text,label\nT,Y\n", mtime=0)[:-9],
            {},
            "not a whole gzip file",
        ),
    ],
)
def test_faults_name_the_place_and_the_mend(tmp_path, name, content, options, message):
    """Whatever is wrong with a file is said with the file, the line and what to do."""
    path = write(tmp_path, name, content)
    with pytest.raises(DataError, match=message) as caught:
        read(path, **options)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_an_operating_system_error(tmp_path):
    """A file that is not there is told as everywhere in Python."""
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.csv")
