"""What is cancelled in the middle leaves nothing: no call, no task, no socket, no thread."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from langnet import Example, Graph, Input, Key, Meter, Method, Node, connect, evaluate, fit
from langnet.lm.limits import Limits
from langnet.metrics import exact
from langnet.program import Program
from langnet.run import stream
from tests.lm.server import serving

GRAPH = Graph(
    Input("text"),
    Node("notes", "{prompt}\n\n{text}\n\nNotes:", "Note it."),
    Node("answer", "{prompt}\n\n{text} notes {notes}\n\nAnswer:", "Say what it is."),
)
EXAMPLES = [Example(str(i), {"text": f"number {i}"}, {"answer": "42"}) for i in range(400)]
OPEN = 200


def left():
    """The event loop's tasks, and how many files and sockets are open."""
    return asyncio.all_tasks(), len(list(Path("/dev/fd").iterdir()))


async def streamed(model):
    program = Program(GRAPH, model)
    async with stream(program, EXAMPLES, key=Key(("k",)), concurrency=OPEN) as outcomes:
        async for _ in outcomes:
            pytest.fail("the server answered")


async def evaluated(model):
    program = Program(GRAPH, model)
    await evaluate(program, EXAMPLES, metric=exact, key=Key(("k",)), concurrency=OPEN)


async def fitted(model):
    method = Method(steps=2, batch_size=OPEN, concurrency=OPEN)
    await fit(GRAPH, EXAMPLES[:OPEN], EXAMPLES[OPEN:], models=model, method=method)


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="open files are counted in /dev/fd")
@pytest.mark.parametrize("work", [streamed, evaluated, fitted])
def test_cancelling_leaves_nothing(work, tmp_path):
    """With 200 calls open, a stream, an evaluation and a fit end, and nothing of them is left."""

    async def cancelled():
        async with serving(gate=asyncio.Event()) as server:
            before = left()
            limits = Limits(concurrency=OPEN)
            async with connect(
                f"{server.url}#toy", cache=tmp_path, meter=Meter(), limits=limits
            ) as model:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(work, model)
                    await server.waiting(OPEN)
                    tasks.cancel_scope.cancel()
                await server.idle()
            assert len(server.requests) == OPEN
            with anyio.fail_after(20):  # the server closes its ends, with tasks of its own
                while left() != before:
                    await anyio.lowlevel.checkpoint()

    threads = set(threading.enumerate())
    asyncio.run(cancelled())
    for thread in set(threading.enumerate()) - threads:
        thread.join(20)  # anyio's have been told to end when the loop did
    assert set(threading.enumerate()) <= threads
    assert not list(tmp_path.glob("journal-*"))
