"""The package litellm in front of a real server on this machine, where it is installed."""

from __future__ import annotations

import importlib.util
import traceback

import pytest

from langnet.errors import CapabilityError, ContextOverflow, RateLimited, RequestRejected
from langnet.errors import TransientError as Transient
from langnet.key import Key
from langnet.lm.base import Choice, Decoding, Usage
from langnet.lm.connect import connect
from langnet.lm.litellm import LiteLLMModel
from langnet.lm.meter import Meter
from langnet.lm.models_file import read
from langnet.lm.retry import Retries
from langnet.testing.contract import check_model
from tests.lm.server import SECRET, fault, serving

KEYS = [Key(("draw", i)) for i in range(2)]
INSTALLED = importlib.util.find_spec("litellm") is not None
needed = pytest.mark.skipif(not INSTALLED, reason='pip install "langnet[litellm]"')


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """The package asks the network for prices when it is imported, unless it is told not to."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def model_at(server, **arguments):
    return LiteLLMModel("openai/toy", base_url=server.url, api_key=SECRET, **arguments)


async def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    """A line that needs what is not installed says so before anything is opened."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(CapabilityError, match=r"langnet\[litellm\]"):
        async with connect("litellm:openai/toy"):
            pass


@needed
@pytest.mark.filterwarnings("ignore")
async def test_draws_reach_the_server_and_come_back(monkeypatch):
    """Decoding, seeds, key and usage pass through; labels and scores are refused."""
    async with serving() as server:
        model = model_at(server, extra={"presence_penalty": 0.5})
        found = await model.sample(
            "Q", decoding=Decoding(stop=("END",), top_p=0.5, max_tokens=9), keys=KEYS
        )
        assert [(text.text, text.finish) for text in found] == [("forty two", "stop")] * 2
        assert found[0].usage == Usage(1, 2, 1)
        body = next(each for each in server.requests if each["seed"] == KEYS[0].seed % 2**31)
        assert body["messages"] == [{"role": "user", "content": "Q"}]
        expected = {"stop": ["END"], "top_p": 0.5, "max_tokens": 9, "presence_penalty": 0.5}
        assert {name: body[name] for name in expected} == expected
        assert set(server.keys) == {f"Bearer {SECRET}"}
        await model.sample("Q", decoding=Decoding(temperature=0), keys=KEYS)
        assert len(server.requests) == 3
        with pytest.raises(CapabilityError, match="score"):
            await model.choose("Q", [Choice("a")])
        await check_model(model, varied=False)


@needed
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fault(429, Retry_After="3"), RateLimited),
        (fault(500), Transient),
        (fault(503, Retry_After="3"), RateLimited),
        (fault(401, f"{SECRET} is wrong"), RequestRejected),
        (fault(400), RequestRejected),
        (
            fault(
                400,
                "This model's maximum context length is 4097 tokens. However, your messages "
                "resulted in 5000 tokens.",
                "context_length_exceeded",
            ),
            ContextOverflow,
        ),
    ],
)
async def test_its_errors_are_ours_and_it_tries_nothing_again(answer, kind, capfd):
    """Each is one request, is told without the key, and prints nothing."""
    async with serving() as server:
        server.faults.append(answer)
        with pytest.raises(kind) as caught:
            await model_at(server).sample("Q", decoding=Decoding(), keys=KEYS[:1])
        assert type(caught.value) is kind
        assert len(server.requests) == 1
    if kind is RateLimited:
        assert caught.value.retry_after == 3
    if kind is ContextOverflow:
        assert (caught.value.needed, caught.value.available) == (5000, 4097)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    assert capfd.readouterr().out == ""


@needed
@pytest.mark.filterwarnings("ignore")
async def test_a_file_declares_such_a_model(tmp_path, monkeypatch):
    """It stands in the same stack as others: limits, retries, a meter."""
    meter = Meter()
    async with serving() as server:
        monkeypatch.setenv("URL", server.url)
        path = tmp_path / "models.yaml"
        path.write_text(
            'models: {a: {provider: litellm, name: openai/toy, base_url: "${URL}", api_key: k}}'
        )
        server.faults.append(fault(500))
        declared = read(path)["a"]
        async with connect(declared, meter=meter, retries=Retries(first_wait=0.0)) as model:
            await model.sample("Q", decoding=Decoding(), keys=KEYS[:1])
    assert meter.snapshot().calls == 2
