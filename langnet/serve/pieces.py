"""Answers in pieces, as a client of a stream reads them."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio

from langnet.concurrency import task_group
from langnet.data import Example
from langnet.errors import ModelError
from langnet.lm.meter import Meter
from langnet.network import Finished, Network, Piece
from langnet.serve.answer import answer_text

__all__ = ["told"]

Told = tuple[int, str | None]
"""The number of an answer, and a piece of its text; None at its end."""


@asynccontextmanager
async def told(
    network: Network, examples: Sequence[Example], meter: Meter
) -> AsyncIterator[AsyncIterator[Told]]:
    """Runs a network on examples, all at once, and gives their answers piece by piece.

    The texts of the output node come as they are drawn where that is a language node without a
    plate and its model streams; any other answer comes whole. Leaving the block cancels the runs.

    Raises:
        ModelError: a run failed; or a text broke off, and came out otherwise when it was asked for
            again, so that what was told no longer holds.
    """
    send, receive = anyio.create_memory_object_stream[Told](math.inf)

    async def one(index: int, example: Example) -> None:
        output = network.graph.outputs[0]
        given = drawn = ""
        async with network.watch(example, pieces=True, meter=meter) as events:
            async for event in events:
                if isinstance(event, Piece) and event.node == output and not event.index:
                    drawn = event.text if event.first else drawn + event.text
                    text = drawn
                elif isinstance(event, Finished):
                    text = answer_text(event.trace)
                    if not text.startswith(given):
                        raise ModelError(
                            f"the answer broke off after {len(given)} characters, and was another "
                            "one when it was asked for again; ask anew"
                        )
                else:
                    continue
                # A further attempt mostly draws the same text again, since it has the same seed.
                if len(text) > len(given) and text.startswith(given):
                    send.send_nowait((index, text[len(given) :]))
                    given = text
        send.send_nowait((index, None))

    async def all_of_them() -> None:
        with send:
            async with task_group() as tasks:
                for index, example in enumerate(examples):
                    tasks.start_soon(one, index, example)

    with receive:
        async with task_group() as tasks:
            tasks.start_soon(all_of_them)
            yield receive
            tasks.cancel_scope.cancel()
