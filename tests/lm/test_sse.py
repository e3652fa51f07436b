"""Server-sent events: the standard's cases, and the law that pieces do not matter."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.lm.sse import EventParser, ServerEvent


def parsed(*pieces, longest=10_000):
    parser = EventParser(longest=longest)
    return [event for piece in pieces for event in parser.feed(piece)] + parser.end()


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata:b\r\rdata:  c\r\n\r\n", [("a",), ("b",), (" c",)]),
        (b"data: one\ndata: two\ndata\n\n", [("one\ntwo\n",)]),
        (b": a comment\n\nid: 4\nretry: 1\n\nevent: ping\n\n", []),
        (b"event: error\ndata: x\n\ndata: y\n\n", [("x", "error"), ("y",)]),
        (b"\xef\xbb\xbfdata: \xe2\x82\xac\n\n", [("€",)]),
        (b"data: \xff\n\n", [("�",)]),
        (b"data: [DONE]", [("[DONE]",)]),
        (b"data: last\n", [("last",)]),
        (b"", []),
    ],
)
def test_fields_and_line_breaks_mean_what_the_standard_says(stream, events):
    """Three kinds of line breaks, comments, several lines of data, names, and a mark before all."""
    assert parsed(stream) == [ServerEvent(*event) for event in events]


LINES = st.sampled_from(
    [
        b"data: x",
        b"data:",
        b": hm",
        b"event: e",
        b"nothing",
        b"",
        b"data: \xe2\x82\xac",
        b"data\xff",
    ]
)
BREAKS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(LINES, BREAKS)), st.lists(st.integers(0, 200)))
def test_pieces_do_not_matter(lines, cuts):
    """However a connection cuts a stream, its events are the same."""
    stream = b"".join(line + end for line, end in lines)
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    pieces = [stream[a:b] for a, b in pairwise(places)]
    assert parsed(*pieces) == parsed(stream)
    assert parsed(*[bytes([byte]) for byte in stream]) == parsed(stream)


@pytest.mark.parametrize("pieces", [[b"data: " + b"x" * 99], [b"data: x\n"] * 20, [b"y"] * 101])
def test_an_event_without_end_is_refused(pieces):
    """An event may not take more memory than it is allowed, in one line or in many."""
    with pytest.raises(ValueError, match="longer than 100"):
        parsed(*pieces, longest=100)


def test_long_streams_of_short_events_are_not_refused():
    """What is bounded is one event."""
    assert len(parsed(*[b"data: x\n\n: ping\n\n"] * 1000, longest=100)) == 1000
