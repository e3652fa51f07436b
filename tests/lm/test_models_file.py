"""Files that declare models: what they say is what is opened, and faults name place and mend."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import aiohttp
import pytest

from langnet.key import Key
from langnet.lm.anthropic import AnthropicModel
from langnet.lm.backoff import Retries
from langnet.lm.base import Decoding
from langnet.lm.budget import Price
from langnet.lm.connect import connect, connect_all
from langnet.lm.limited import Limited
from langnet.lm.limits import Limits
from langnet.lm.models_file import read
from langnet.lm.openai import OpenAIModel
from langnet.lm.retry import Retrying
from langnet.lm.spec import Declaration, SpecError, parsed
from tests.lm.server import SECRET, fault, serving

KEYS = [Key(("draw", 0))]
YAML = """
models:
  default:
    provider: openai
    name: gpt-4o-mini
    limits: {requests_per_minute: 3000, tokens_per_minute: "${TOKENS}", concurrency: 4}
    retries: {attempts: 5, call_deadline: 60.5}
    price: {prompt: 0.15, completion: 0.6}
    extra: {top_k: 4, note: "$${HOST}"}
  judge: "local:smollm2?threads=1"
  proposer:
    {provider: openai, name: "${NAME:-qwen}", base_url: "${HOST}/v1", endpoint: completions,
     scoring: echo, api_key: "${MY_KEY}", limits: false, retries: false, probe: true}
  writer: {provider: anthropic, name: claude-x, system: "Be brief.", timeout: 3}
"""
TOML = """
[models]
judge = "local:smollm2?threads=1"

[models.default]
provider = "openai"
name = "gpt-4o-mini"
limits = {requests_per_minute = 3000, tokens_per_minute = "${TOKENS}", concurrency = 4}
retries = {attempts = 5, call_deadline = 60.5}
price = {prompt = 0.15, completion = 0.6}
extra = {top_k = 4, note = "$${HOST}"}

[models.proposer]
provider = "openai"
name = "${NAME:-qwen}"
base_url = "${HOST}/v1"
endpoint = "completions"
scoring = "echo"
api_key = "${MY_KEY}"
limits = false
retries = false
probe = true

[models.writer]
provider = "anthropic"
name = "claude-x"
system = "Be brief."
timeout = 3
"""
ENVIRONMENT = {
    "TOKENS": "200000",
    "HOST": "http://127.0.0.1:9",
    "MY_KEY": SECRET,
    "EMPTY": "",
}


@pytest.fixture
def write(tmp_path):
    """Writes a file of models."""

    def written(text, name="models.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize(("text", "name"), [(YAML, "m.yaml"), (YAML, "m.yml"), (TOML, "m.toml")])
def test_what_a_file_declares(write, text, name):
    """All fields mean the same in both formats, and variables stand for what they hold."""
    path = write(text, name)
    found = read(path, environment=ENVIRONMENT)
    assert found == {
        "default": Declaration(
            provider="openai",
            name="gpt-4o-mini",
            options={"extra": {"top_k": 4, "note": "${HOST}"}},
            limits=Limits(requests_per_minute=3000, tokens_per_minute=200000, concurrency=4),
            retries=Retries(attempts=5, call_deadline=60.5),
            price=Price(0.15, 0.6),
        ),
        "judge": Declaration(provider="local", name="smollm2", options={"threads": 1}),
        "proposer": Declaration(
            provider="openai",
            name="qwen",
            options={
                "base_url": "http://127.0.0.1:9/v1",
                "endpoint": "completions",
                "scoring": "echo",
                "api_key": SECRET,
                "probe": True,
            },
            limits=None,
            retries=None,
        ),
        "writer": Declaration(
            provider="anthropic", name="claude-x", options={"system": "Be brief.", "timeout": 3}
        ),
    }
    assert found["judge"] == parsed("local:smollm2?threads=1")
    assert found["proposer"].place == f"{path}: models.proposer"
    assert SECRET not in repr(found)


def test_the_example_of_the_documentation_is_read(write):
    """What the page on models shows is a file of models."""
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(models:.*?)^```$", page, re.MULTILINE | re.DOTALL)
    found = read(write(text), environment=ENVIRONMENT)
    assert list(found) == ["default", "judge", "proposer", "own"]
    assert found["own"].options["base_url"] == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("models", "faults"),
    [
        ("{a: {provider: opnai, name: x}}", ["models.a.provider", "did you mean 'openai'?"]),
        ("{a: {provider: x, name: x}}", ["models.a.provider", "known are"]),
        ("{a: {name: x}}", ["models.a.provider is missing"]),
        ("{a: {provider: openai}}", ["models.a.name is missing"]),
        ("{a: {provider: openai, name: 7}}", ["models.a.name must be text, not 7"]),
        (
            "{a: {provider: openai, name: x, scorring: echo}}",
            ["models.a has an unknown field 'scorring'", "did you mean 'scoring'?"],
        ),
        ("{a: {provider: openai, name: x, timeout: soon}}", ["models.a.timeout", "a number"]),
        ("{a: {provider: openai, name: x, probe: 1}}", ["models.a.probe", "true or false"]),
        ("{a: {provider: openai, name: x, extra: [1]}}", ["models.a.extra", "a mapping"]),
        (
            "{a: {provider: openai, name: x, limits: {requests_per_minut: 3}}}",
            ["models.a.limits has an unknown field", "did you mean 'requests_per_minute'?"],
        ),
        (
            "{a: {provider: openai, name: x, limits: {requests_per_minute: 0}}}",
            ["models.a.limits cannot be used: requests_per_minute must be at least 1"],
        ),
        (
            "{a: {provider: openai, name: x, limits: {concurrency: lots}}}",
            ["models.a.limits cannot be used"],
        ),
        ("{a: {provider: openai, name: x, limits: true}}", ["models.a.limits must be", "or false"]),
        ("{a: {provider: openai, name: x, retries: 5}}", ["models.a.retries must be a mapping"]),
        ("{a: {provider: openai, name: x, price: false}}", ["models.a.price must be a mapping"]),
        ("{a: {provider: local, name: x, limits: {}}}", ["unknown field 'limits'"]),
        ("{a: {provider: local, name: x, price: {}}}", ["unknown field 'price'"]),
        ("{a: {provider: local, name: x, base_url: y}}", ["unknown field 'base_url'"]),
        ("{a: openai}", ["models.a: 'openai' names no model"]),
        ("{a: [1]}", ["models.a must be a line such as local:smollm2, or a mapping"]),
        ("{7: local:x}", ["models has the field 7, which is no text"]),
        ("{}", ["models declares none"]),
        ("[]", ["models must be a mapping"]),
        (
            "{a: {provider: openai, name: '${NONE}'}}",
            ["models.a.name takes the variable NONE, which is not set", "${NONE:-other}"],
        ),
        ("{a: {provider: openai, name: '${EMPTY}'}}", ["the variable EMPTY, which is not set"]),
        ("{a: {provider: openai, name: '${a b}'}}", ["models.a.name has a ${ that names no"]),
        (
            "{a: {provider: openai, name: x, api_key: k, key_env: K}}",
            ["models.a.key_env", "keep one"],
        ),
        (
            "{a: {provider: openai}, b: {provider: local, nam: x}}",
            ["3 faults", "models.a.name", "models.b.name", "did you mean 'name'?"],
        ),
        ("&all {a: *all}", ["nested too deeply"]),
    ],
)
def test_every_fault_is_named_with_its_place_and_mend(write, models, faults):
    """A message holds the file, the path of the keys, and what to do; all faults come at once."""
    path = write(f"models: {models}")
    with pytest.raises(SpecError) as caught:
        read(path, environment=ENVIRONMENT)
    for expected in (str(path), *faults):
        assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("models: {a: local:x, a: local:y}", "m.yaml", "line 1, column 22: the key 'a' stands"),
        ("models: {a: local:x", "m.yaml", "is not YAML, line 1"),
        ("[models]\na = 'x'\na = 'y'", "m.toml", "is not TOML"),
        ("model: {a: local:x}", "m.yaml", "models is missing"),
        ("models: {a: local:x}\nmodel: 1", "m.yaml", "did you mean 'models'?"),
        ("- a", "m.yaml", "must be a mapping"),
        ("", "m.json", "use .yaml, .yml or .toml"),
        ("models: {a: local:x\x00}", "m.yaml", "is not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(write, text, name, says):
    """Formats, keys that stand twice, and fields that nobody knows."""
    path = write(text, name)
    with pytest.raises(SpecError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """No file, a directory, and what is no text."""
    (tmp_path / "directory.yaml").mkdir()
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    for name, says in {
        "none.yaml": "there is no file",
        "directory.yaml": "cannot be read",
        "bytes.toml": "not UTF-8",
    }.items():
        with pytest.raises(SpecError, match=says):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "models: {a: {provider: openai, name: x, api_key: " + SECRET + ", endpoint: [oh}}",
        "models: {a: {provider: openai, name: x, api_key: [" + SECRET + "]}}",
        "models: {a: {provider: openai, name: x, api_key: 4815162342, probe: 4815162342}}",
        "models: {a: {provider: '${MY_KEY}', name: x}}",
        "models: {a: {provider: openai, name: x, probe: '${MY_KEY}'}}",
        "models: {a: {provider: openai, name: x, '${MY_KEY}': 1, limits: '${MY_KEY}'}}",
        "models: {a: '${MY_KEY}'}",
        "models: {a: {provider: openai, name: x, api_key: !!int " + SECRET + "}}",
    ],
)
def test_no_fault_shows_a_secret(write, text):
    """Neither a key that stands in the file nor one from a variable is in any message."""
    with pytest.raises(SpecError) as caught:
        read(write(text), environment=ENVIRONMENT)
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown.replace(text, "")
    assert "4815162342" not in shown
    assert caught.value.__context__ is None


def beneath(model, kind):
    """The model of that kind in a stack."""
    while not isinstance(model, kind):
        model = model.model
    return model


async def test_what_is_declared_is_opened(write, monkeypatch):
    """Models have their own limits and retries, the caller's elsewhere, and one session."""
    monkeypatch.setenv("MY_KEY", SECRET)
    async with serving(echo=True) as server:
        monkeypatch.setenv("HOST", server.url)
        path = write(
            """
models:
  one: {provider: openai, name: a, base_url: "${HOST}", limits: {requests_per_minute: 500},
        price: {prompt: 1, completion: 2.5}}
  two: {provider: openai, name: b, base_url: "${HOST}", limits: false, retries: false}
  same: {provider: openai, name: b, base_url: "${HOST}", limits: false, retries: false}
  three: {provider: openai, name: c, base_url: "${HOST}", api_key: "${MY_KEY}",
          retries: {attempts: 1}, endpoint: completions, probe: true}
  four: {provider: anthropic, name: d, base_url: "${HOST}", retries: false}
"""
        )
        async with connect_all(path, limits=Limits(requests_per_minute=70)) as models:
            one, two, three, four = (models[name] for name in ("one", "two", "three", "four"))
            assert isinstance(beneath(one, Retrying), Retrying)
            assert beneath(one, Limited).limiter.reading().requests_per_minute == 500
            assert isinstance(two, OpenAIModel)
            assert two is models["same"]
            assert beneath(three, Limited).limiter.reading().requests_per_minute == 70
            assert three.capabilities.score
            assert isinstance(four, Limited)
            assert isinstance(four.model, AnthropicModel)
            assert beneath(one, OpenAIModel).price == Price(1, 2.5)
            assert two.price is None
            servers = [beneath(one, OpenAIModel), two, beneath(three, OpenAIModel), four.model]
            (connections,) = {id(model._connection.session) for model in servers}
            shared = two._connection.session
            assert id(shared) == connections
            server.faults.append(fault(500))
            await one.sample("Q", decoding=Decoding(), keys=KEYS)
            for model in (two, three):
                server.faults.append(fault(500))
                with pytest.raises(Exception, match="answered 500"):
                    await model.sample("Q", decoding=Decoding(), keys=KEYS)
        assert shared.closed
        assert set(server.keys) == {None, f"Bearer {SECRET}"}


async def test_options_that_do_not_go_together_are_found_before_anything_is_opened(write):
    """The message has the file and the model's place."""
    path = write("models: {a: {provider: openai, name: x, scoring: echo}}")
    with pytest.raises(SpecError, match=r"models\.yaml: models\.a: a chat cannot be scored"):
        async with connect_all(str(path)):
            pass
    async with connect(Declaration(provider="openai", name="x"), limits=None) as model:
        assert beneath(model, OpenAIModel).name == "x"


async def test_a_session_of_the_caller_serves_all_and_stays_open():
    """Connections that were handed in are used by every server's model, and not closed."""
    async with serving() as server, aiohttp.ClientSession() as session:
        specs = {name: f"openai:{name}@{server.url}" for name in ("a", "b")}
        async with connect_all(specs, session=session, retries=None, limits=None) as models:
            for model in models.values():
                assert model._connection.session is session
                await model.sample("Q", decoding=Decoding(), keys=KEYS)
        assert not session.closed
        assert len(server.requests) == 2
