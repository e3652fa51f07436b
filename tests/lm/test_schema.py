"""Structured output: what a schema asks of servers, and where it is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from langnet import Example, Graph, Node, Program, bound
from langnet.errors import CapabilityError, GraphError
from langnet.graph_file import load, save, to_dict
from langnet.key import Key
from langnet.lm.base import Capabilities, Completion, Decoding, TextScore, TextScores
from langnet.lm.cache import Cached, MemoryStore
from langnet.lm.openai import OpenAIModel
from langnet.testing.models import TableModel
from langnet.vi.context import resolved_objective
from langnet.vi.method import Method
from tests.lm.dialect_servers import native
from tests.lm.server import serving

KEYS = [Key(("draw", 0))]
SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "null"}}}
STRUCTURED = Decoding(schema=SCHEMA)


def test_a_schema_is_kept_as_json_in_its_own_order():
    """A mapping and its JSON are one schema; another order of properties is another."""
    assert Decoding(schema=json.dumps(SCHEMA, indent=2)) == STRUCTURED
    assert hash(STRUCTURED) == hash(Decoding(schema=dict(SCHEMA)))
    swapped = {**SCHEMA, "properties": dict(reversed(SCHEMA["properties"].items()))}
    assert Decoding(schema=swapped) != STRUCTURED
    assert replace(STRUCTURED, temperature=0.0).schema == STRUCTURED.schema


@pytest.mark.parametrize("schema", ["[1]", "no", "3", {"a": {1, 2}}, {"a": float("nan")}])
def test_what_is_no_schema_is_refused(schema):
    """A schema that no server could be sent is an error where it is given."""
    with pytest.raises(ValueError, match="schema must be a JSON schema"):
        Decoding(schema=schema)


FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
}


@pytest.mark.parametrize(
    ("kind", "endpoint", "sent"),
    [
        ("vllm", "chat", {"response_format": FORMAT}),
        ("vllm", "completions", {"response_format": FORMAT}),
        ("sglang", "completions", {"response_format": FORMAT}),
        ("llamacpp", "chat", {"response_format": FORMAT}),
        ("llamacpp", "completions", {"json_schema": SCHEMA}),
        ("ollama", "chat", {"format": SCHEMA}),
        ("ollama", "completions", {"format": SCHEMA}),
        ("tgi", "chat", {"response_format": {"type": "json", "value": SCHEMA}}),
        ("tgi", "completions", {"grammar": {"type": "json", "value": SCHEMA}}),
    ],
)
async def test_each_dialect_is_sent_the_schema_in_its_own_field(kind, endpoint, sent):
    """The schema stands in the field that the server reads, and in no other."""
    async with native(kind) as server:
        model = OpenAIModel("toy", base_url=f"{server.url}/v1", dialect=kind, endpoint=endpoint)
        await model.sample("Q", decoding=STRUCTURED, keys=KEYS)
        await model.aclose()
    ((_, body),) = server.requests
    body = body.get("parameters", body)
    fields = {"response_format", "json_schema", "format", "grammar"}
    assert {name: body[name] for name in fields & body.keys()} == sent
    if endpoint == "chat":
        assert list(json.loads(json.dumps(sent)).items()) == list(sent.items())


async def test_any_chat_is_sent_a_response_format_and_no_plain_completions():
    """Without a dialect a chat is asked in OpenAI's form; completions have no form for it."""
    async with serving() as server:
        chat = OpenAIModel("toy", base_url=server.url)
        await chat.sample("Q", decoding=STRUCTURED, keys=KEYS)
        plain = OpenAIModel("toy", base_url=server.url, endpoint="completions")
        with pytest.raises(CapabilityError, match="leave the decoding's schema out"):
            await plain.sample("Q", decoding=STRUCTURED, keys=KEYS)
        await chat.aclose()
        await plain.aclose()
    (body,) = server.requests
    assert body["response_format"] == FORMAT


async def test_no_text_is_scored_under_a_schema():
    """What is drawn under a schema has another distribution, so there is no score for it."""
    async with native("vllm") as server:
        model = OpenAIModel("toy", base_url=f"{server.url}/v1", dialect="vllm")
        with pytest.raises(CapabilityError, match="another distribution"):
            await model.score("Q", ["a"], decoding=STRUCTURED)
        await model.aclose()
    assert not server.requests
    table = TableModel(lambda _: {"a": 1.0})
    with pytest.raises(CapabilityError, match="cannot hold a text"):
        await table.sample("Q", decoding=STRUCTURED, keys=KEYS)
    with pytest.raises(CapabilityError, match="another distribution"):
        await table.score("Q", ["a"], decoding=STRUCTURED)


class Own:
    """A model of the caller's, which holds a text to a schema."""

    identity = "own"
    capabilities = Capabilities(score=True)

    async def sample(self, context, *, decoding, keys):
        return [Completion(str(decoding.schema)) for _ in keys]

    async def score(self, context, texts, *, decoding, end=True):
        return TextScores(tuple(TextScore((-1.0,)) for _ in texts))


class Noting(MemoryStore):
    """A store that notes what it is asked for."""

    def __init__(self):
        super().__init__()
        self.names = []

    def get(self, name):
        self.names.append(name)
        return super().get(name)


async def test_the_cache_keeps_schemas_apart_and_old_names_as_they_were():
    """Answers under different schemas are different entries; without one the name is as before."""
    store = Noting()
    model = Cached(Own(), store)
    decoding = Decoding(temperature=0.5, max_tokens=7, stop=("a", "b"), top_p=0.9)
    texts = [
        (await model.sample("Q", decoding=replace(decoding, schema=schema), keys=KEYS))[0].text
        for schema in (None, SCHEMA, {"type": "object"}, SCHEMA)
    ]
    assert texts == ["None", STRUCTURED.schema, '{"type":"object"}', STRUCTURED.schema]
    assert len(set(store.names)) == 3
    assert store.names[0] == "9c6b1b3e297d53328d45bddcfbe5d956e6df6467125168842270af33d6fb862b"
    await model.score("Q", ["t"], decoding=decoding)
    await model.score("Q", ["t"], decoding=replace(decoding, schema=SCHEMA))
    first, second = store.names[-2:]
    assert first == "b2dc354f9eea02a87e97df2120e9a68ee75e2000d1f6064ae69663ba203c8085"
    assert second != first


class Able(Own):
    """A model that could score, but for the schema."""

    async def choose(self, context, choices):
        raise AssertionError("nothing is to be chosen")


async def test_a_node_with_a_schema_has_no_bound():
    """A fit maximises the metric by itself; a bound that is asked for is refused at once."""
    graph = Graph(Node("a", "{prompt} Q", decoding=STRUCTURED))
    plain = Graph(Node("a", "{prompt} Q"))
    models = {"default": Able()}
    assert resolved_objective(graph, models, Method()) == "rollout"
    assert resolved_objective(plain, models, Method()) == "likelihood"
    example = Example("1", {}, {"a": "x"})
    with pytest.raises(CapabilityError, match=r"'a'.*schema.*rollout"):
        await bound(Program(graph, models), [example], key=Key(("bound",)))
    found = await bound(Program(plain, models), [example], key=Key(("bound",)))
    assert found.iwae.mean == -1.0


def test_a_graph_keeps_its_schemas(tmp_path):
    """A node's schema is written into the graph's file as a mapping, and read again."""
    graph = Graph(Node("a", "{prompt} Q", decoding=STRUCTURED))
    save(graph, tmp_path / "graph.yaml")
    assert load(tmp_path / "graph.yaml").nodes["a"].decoding == STRUCTURED
    data = {"node": "a", "template": "Q", "decoding": {"schema": "text"}}
    (tmp_path / "graph.yaml").write_text(json.dumps(to_dict(graph) | {"parts": [data]}))
    with pytest.raises(GraphError, match="schema"):
        load(tmp_path / "graph.yaml")


def test_a_node_has_choices_or_a_schema():
    """A closed set and a schema are two answers to one question."""
    with pytest.raises(GraphError, match="choices and a schema"):
        Graph(Node("a", "Q", choices=["x", "y"], decoding=STRUCTURED))
