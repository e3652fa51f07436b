"""Listening to the embedded model, whose texts are drawn in a thread."""

from __future__ import annotations

import threading

import anyio
import anyio.lowlevel
import pytest

from langnet.key import Key
from langnet.lm.base import Completion, Decoding
from langnet.lm.listen import Delta, listening, streamed
from langnet.lm.local.hearing import Hearing
from langnet.lm.local.ticket import Ticket

KEYS = [Key(("draw", i)) for i in range(3)]


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


async def test_pieces_cross_from_the_thread_in_order():
    """Parts of characters are joined, each text is told apart, and stop strings are not told."""
    heard = []
    ticket = Ticket()
    hearing = Hearing(heard.append, KEYS[:2], ["END"], ticket)

    def work():
        euro = "€".encode()
        for index, piece in [(0, b" 5 "), (1, b"x"), (0, euro[:1]), (0, euro[1:]), (1, b" EN")]:
            hearing.heard(index, piece)
        hearing.heard(1, b"D")
        ticket.deliver([Completion("5 €"), Completion("x")])

    thread = in_thread(work)
    hearing.end(await ticket.wait())
    thread.join()
    assert [delta for delta in heard if delta.key == KEYS[0]] == [
        Delta("5", KEYS[0], first=True),
        Delta(" €", KEYS[0]),
    ]
    assert [delta for delta in heard if delta.key == KEYS[1]] == [Delta("x", KEYS[1], first=True)]


@pytest.mark.parametrize("delivered", [False, True])
async def test_what_a_listener_raises_ends_the_call(delivered):
    """Its error comes out where the answer is awaited, also where that is there already."""
    error = KeyError("bug")

    def listener(_):
        raise error

    ticket = Ticket()
    hearing = Hearing(listener, KEYS[:1], [], ticket)

    def work():
        if delivered:
            ticket.deliver([Completion("x")])
        hearing.heard(0, b"x")
        hearing.heard(0, b"y")

    in_thread(work).join()
    await anyio.lowlevel.checkpoint()
    with pytest.raises(KeyError) as caught:
        hearing.end(await ticket.wait())
    assert caught.value is error


async def test_who_has_left_hears_nothing_more():
    """A cancelled request tells nothing, though the engine may still be at its last token."""
    heard = []
    ticket = Ticket()
    hearing = Hearing(heard.append, KEYS[:1], [], ticket)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ticket.wait()
    in_thread(lambda: hearing.heard(0, b"x")).join()
    await anyio.lowlevel.checkpoint()
    assert heard == []


@pytest.mark.model
async def test_listening_changes_no_text(smollm2):
    """The embedded model draws the same texts, and what is heard adds up to each."""
    decoding = Decoding(max_tokens=24, stop=("\n\n",))
    context = "Write a few words about the café at the harbour, with an emoji:"
    plain = await smollm2.sample(context, decoding=decoding, keys=KEYS)
    heard = []
    with listening(heard.append):
        assert await smollm2.sample(context, decoding=decoding, keys=KEYS) == plain
    for key, completion in zip(KEYS, plain, strict=True):
        mine = [delta for delta in heard if delta.key == key]
        assert "".join(delta.text for delta in mine) == completion.text
        assert [delta.first for delta in mine] == [True] + [False] * (len(mine) - 1)
        assert len(mine) > 3
    async with streamed(smollm2, context, decoding=decoding, key=KEYS[0]) as pieces:
        async for _ in pieces:
            break
