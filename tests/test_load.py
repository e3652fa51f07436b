"""`langnet.load`: a network of a file, opened when it is called and closed by who holds it."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import aiohttp
import anyio
import pytest

import langnet
from langnet import graph_file
from langnet.data import Example
from langnet.errors import GraphError, LangnetError
from langnet.graph import Graph
from langnet.lm.connect import SpecError
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.store import MemoryStore
from langnet.node import Input, Node
from langnet.saved import recordable
from langnet.testing import GatedModel, ScriptedModel
from tests.lm.server import serving

ONE = Graph(Input("x"), Node("a", "{x}{prompt}", "|a"), name="one")
TWO = Graph(
    Input("x"),
    Node("a", "{x}{prompt}", "|a"),
    Node("b", "{a}{prompt}", "|b", model="judge"),
    name="two",
)
ECHO = ScriptedModel(lambda context, key: context)
JUDGE = ScriptedModel(lambda context, key: "fine")


def examples(count):
    return [Example(f"e{n}", {"x": f"x{n}"}) for n in range(count)]


async def test_the_lines_of_the_issue_work_as_they_stand(tmp_path):
    """Load, await, stream: models open with the first call, and close when they are told to."""
    async with serving() as server:
        line = f"{server.url}#toy?probe=0"
        graph_file.save(ONE, tmp_path / "best.json", models={"default": line})
        fitted = langnet.load(tmp_path / "best.json")
        assert not server.requests
        assert (await fitted(x="in")).output == "forty two"
        found = [result.output async for result in fitted.stream(examples(5))]
        assert found == ["forty two"] * 5
        await fitted.aclose()
        with pytest.raises(RuntimeError, match="'one' is closed; load it again"):
            await fitted(x="in")
        with pytest.raises(RuntimeError, match="closed"):
            fitted.stream(examples(1))
    assert len(asyncio.all_tasks()) == 1


async def test_calls_at_the_same_time_open_once(tmp_path, monkeypatch):
    """However many make the first call, and whoever of them leaves, the models are opened once."""
    opened = []
    connect_all = langnet.opening.connect_all

    def counting(specs, **settings):
        opened.append(specs)
        return connect_all(specs, **settings)

    monkeypatch.setattr(langnet.opening, "connect_all", counting)
    fitted = langnet.load(ONE, models=ECHO)
    async with anyio.create_task_group() as group:
        leaves = anyio.CancelScope()

        async def first():
            with leaves:
                await fitted(x="gone")

        group.start_soon(first)
        leaves.cancel()
        for n in range(3):
            group.start_soon(fitted.run, Example(f"{n}", {"x": "in"}))
    assert len(opened) == 1
    await fitted.aclose()


async def test_what_cannot_be_opened_is_tried_anew(tmp_path):
    """The first call fails with the reason; the next one opens, if it can."""
    store = tmp_path / "file"
    store.write_text("no directory")
    fitted = langnet.load(ONE, models=ECHO, cache=store)
    with pytest.raises(LangnetError, match="cannot be used"):
        await fitted(x="in")
    store.unlink()
    assert (await fitted(x="in")).output == "in|a"
    await fitted.aclose()


async def test_a_block_opens_and_closes():
    """`async with` closes at its end, also after a call has opened the network outside it."""
    fitted = langnet.load(ONE, models=ECHO)
    assert (await fitted(x="in")).output == "in|a"
    async with fitted as network:
        assert network is fitted
        assert [result.output async for result in network.stream(examples(2))] == ["x0|a", "x1|a"]
    with pytest.raises(RuntimeError, match="closed"):
        await fitted(x="in")
    assert len(asyncio.all_tasks()) == 1


async def test_closing_ends_what_is_in_flight():
    """A stream that goes on when its network is closed has no call open afterwards."""
    model = GatedModel(ECHO)
    fitted = langnet.load(ONE, models=model)
    async with anyio.create_task_group() as group:

        async def read():
            with pytest.raises(RuntimeError, match="closed"):
                async for _ in fitted.stream(examples(10), concurrency=3):
                    pass

        group.start_soon(read)
        await model.arrived(3)
        await fitted.aclose()
    assert model.open == 0


async def test_a_network_that_is_dropped_open_is_told_of():
    """Who forgets to close it is warned, and what it had opened is closed all the same."""
    fitted = langnet.load(ONE, models=ECHO)
    await fitted(x="in")
    (task,) = asyncio.all_tasks() - {asyncio.current_task()}
    holders = [fitted]
    del fitted
    with pytest.warns(ResourceWarning, match="the network 'one' was never closed"):
        holders.clear()
    await asyncio.wait([task])
    assert task.cancelled()


def test_the_end_of_the_loop_closes_and_the_next_one_opens_again():
    """A network that outlives its event loop is closed in order, and may be used in another."""
    model = GatedModel(ECHO)
    model.release_all()
    fitted = langnet.load(ONE, models=model)

    async def main():
        return (await fitted(x="in")).output

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(main()) == "in|a"
        assert asyncio.run(main()) == "in|a"


async def test_another_loop_is_refused_while_the_first_one_runs():
    """Connections belong to one loop; the error says what to do."""
    fitted = langnet.load(ONE, models=ECHO)
    await fitted(x="in")

    def elsewhere():
        with pytest.raises(RuntimeError, match="open in another event loop"):
            asyncio.run(fitted(x="in"))

    await anyio.to_thread.run_sync(elsewhere)
    await fitted.aclose()


async def test_models_by_name(tmp_path):
    """One for all nodes, or by the names they call, with a default for what is not named."""
    graph_file.save(TWO, tmp_path / "best.yaml")
    async with langnet.load(tmp_path / "best.yaml", models=ECHO) as network:
        assert (await network(x="in")).output == "in|a|b"
    both = {"default": ECHO, "judge": JUDGE}
    async with langnet.load(tmp_path / "best.yaml", models=both) as network:
        assert (await network(x="in")).output == "fine"
    with pytest.raises(GraphError, match=r"best\.yaml calls the model 'default', and nothing says"):
        langnet.load(tmp_path / "best.yaml", models={"judge": JUDGE})
    with pytest.raises(GraphError, match=r'give models="local:smollm2"'):
        langnet.load(tmp_path / "best.yaml")
    with pytest.raises(SpecError):
        langnet.load(tmp_path / "best.yaml", models="nothing known")


async def test_models_of_a_file(tmp_path):
    """A path declares models, as --models does; what no node calls is not opened."""
    async with serving() as server:
        declared = f"models: {{default: '{server.url}#toy?probe=0', proposer: 'openai:none'}}\n"
        (tmp_path / "models.yaml").write_text(declared)
        async with langnet.load(ONE, models=tmp_path / "models.yaml") as network:
            assert (await network(x="in")).output == "forty two"


async def test_the_directory_of_a_run_is_a_network(tmp_path):
    """A fit leaves its best network in its directory, and the directory names it."""
    graph_file.save(ONE, tmp_path / "best.yaml")
    async with langnet.load(tmp_path, models=ECHO) as network:
        assert network.graph == ONE
        assert network._repr_html_() == ONE._repr_html_()
        assert repr(network) == f"Network of {ONE!r}"
    (tmp_path / "best.yaml").unlink()
    with pytest.raises(GraphError, match=r"holds no best\.yaml, which a fit writes at its end"):
        langnet.load(tmp_path, models=ECHO)


@pytest.mark.parametrize(
    "line",
    [
        "openai:gpt@https://elsewhere.example/v1",
        "openai:gpt?key_env=HOME",
        "local:/tmp/weights.gguf",
        "local:weights.gguf",
        "http://localhost.elsewhere.example/v1#toy",
    ],
)
def test_a_file_sends_nothing_where_it_likes(tmp_path, line):
    """Addresses, files and variables that a file chooses need trust; the error names the line."""
    path = Path(tmp_path, "best.yaml")
    graph_file.save(ONE, path, models={"default": line})
    with pytest.raises(GraphError, match="choosing") as raised:
        langnet.load(path)
    assert line in str(raised.value)
    assert langnet.load(path, trust=True).graph == ONE
    assert langnet.load(path, models=ECHO).graph == ONE


@pytest.mark.parametrize(
    "line",
    ["local:smollm2", "openai:gpt-4o", "anthropic:claude", "http://127.0.0.1:8000/v1#toy"],
)
def test_usual_places_need_no_trust(tmp_path, line):
    """The catalogue, a provider's own address and this machine are what a user would name."""
    graph_file.save(ONE, tmp_path / "best.yaml", models={"default": line})
    assert langnet.load(tmp_path / "best.yaml").graph == ONE


def test_models_in_a_file_are_no_part_of_the_graph(tmp_path):
    """A file with models holds the same graph, and secrets of an address are never recorded."""
    graph_file.save(ONE, tmp_path / "best.yaml", models={"default": "local:smollm2"})
    assert graph_file.load(tmp_path / "best.yaml") == ONE
    assert graph_file.load_models(tmp_path / "best.yaml") == {"default": "local:smollm2"}
    lines = {"a": "http://me:secret@127.0.0.1/v1#toy", "b": "local:smollm2", "c": ECHO}
    assert recordable(lines) == {"b": "local:smollm2"}
    (tmp_path / "best.yaml").write_text("format: langnet-graph/1\nmodels: {default: 3}\n")
    with pytest.raises(GraphError, match=r"best\.yaml: models\.default"):
        graph_file.load_models(tmp_path / "best.yaml")


async def test_networks_may_share_a_session_a_cache_and_limits():
    """What is handed in is used by all, and closed by none of them."""
    store = MemoryStore()
    limiter = Limiter(Limits(concurrency=1))
    async with serving() as server, aiohttp.ClientSession() as session:
        shared = {"session": session, "cache": store, "limits": limiter}
        line = f"{server.url}#toy?probe=0"
        async with (
            langnet.load(ONE, models=line, **shared) as one,
            langnet.load(TWO, models=line, **shared) as two,
            anyio.create_task_group() as group,
        ):
            for n in range(3):
                group.start_soon(one.run, Example("e", {"x": f"{n}"}))
                group.start_soon(two.run, Example("e", {"x": f"{n}"}))
        assert server.most_open == 1
        asked = len(server.requests)
        async with langnet.load(ONE, models=line, **shared) as again:
            assert (await again.run(Example("e", {"x": "0"}))).output == "forty two"
        assert len(server.requests) == asked
        assert not session.closed


async def test_results_come_as_they_finish():
    """Unordered, the first that is ready comes first, whichever example it is."""
    model = GatedModel(ECHO)
    async with (
        langnet.load(ONE, models=model) as network,
        network.stream(examples(3), ordered=False) as results,
    ):
        await model.arrived(3)
        model.release("x1|a")
        assert (await anext(results)).example == "e1"
        model.release_all()
        assert {result.example async for result in results} == {"e0", "e2"}
