"""llama.cpp's own server, run in this process, over the model that is embedded elsewhere."""

from __future__ import annotations

import json

import pytest

from langnet.errors import ContextOverflow, DataError
from langnet.key import Key
from langnet.lm.base import Choice, Decoding
from langnet.lm.local.catalogue import find
from langnet.lm.openai import OpenAIModel
from langnet.testing.contract import check_model

pytestmark = pytest.mark.model

CONTEXT = "Question: What is the capital of France?\nAnswer:"
SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string", "maxLength": 12}},
    "required": ["capital"],
}


@pytest.fixture(scope="module")
def url():
    """A server's address; it ends with the process."""
    try:
        path = find("smollm2")
    except DataError as error:
        pytest.skip(str(error))
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.warmup = 1024, 2, False
    params.cpuparams.n_threads = 2
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


async def test_a_real_server_keeps_the_contract(url):
    """A model that is declared by its dialect draws, scores and chooses at a real server."""
    model = OpenAIModel("smollm2", base_url=url, dialect="llamacpp")
    try:
        # The server computes in other batches, so equal events differ a little (4-bit weights).
        await check_model(model, context=CONTEXT, tolerance=0.5)
    finally:
        await model.aclose()


async def test_a_real_servers_numbers_are_those_of_its_own_distribution(url):
    """Forcing a token changes nothing about its number: the top of the list has the same."""
    model = OpenAIModel("smollm2", base_url=url, dialect="llamacpp")
    try:
        top = dict((await model._first_tokens(CONTEXT, 20))[0])
        words = [token for token in top if token.strip()][:3]
        scores = await model.score(CONTEXT, words, decoding=Decoding())
        assert [s.logprob for s in scores.scores] == pytest.approx(
            [top[word] for word in words], abs=0.2
        )
        paris, london = (await model.choose(CONTEXT, [Choice("Paris"), Choice("Purple")])).logprobs
        assert paris > london
    finally:
        await model.aclose()


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
async def test_a_real_server_holds_a_text_to_a_schema(url, endpoint):
    """A text under a schema follows it."""
    model = OpenAIModel("smollm2", base_url=url, dialect="llamacpp", endpoint=endpoint)
    decoding = Decoding(temperature=0, max_tokens=60, schema=SCHEMA)
    try:
        (drawn,) = await model.sample(CONTEXT, decoding=decoding, keys=[Key(("draw", 0))])
    finally:
        await model.aclose()
    assert isinstance(json.loads(drawn.text)["capital"], str)


async def test_a_real_server_is_named_and_says_what_is_too_long(url):
    """The probe knows the server, and a prompt that is too long is an overflow with its sizes."""
    model = OpenAIModel("smollm2", base_url=url, endpoint="completions")
    try:
        found = await model.probe()
        with pytest.raises(ContextOverflow) as caught:
            await model.sample("word " * 2000, decoding=Decoding(), keys=[Key(("draw", 0))])
    finally:
        await model.aclose()
    assert found.dialect == "llamacpp"
    assert caught.value.available == 512
    assert caught.value.needed >= 2000
