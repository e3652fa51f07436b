"""What goes out as JSON and what comes in, where a strict reader would refuse it."""

from __future__ import annotations

import json
from math import inf

import pytest

from langnet.lm.http import _decoded, _encoded


@pytest.mark.parametrize("body", [{"a": "half \ud800 pair"}, {"seed": 2**70}, {"Q": "ä\u2028"}])
def test_every_body_is_sent(body):
    """Half a surrogate pair and a number beyond 64 bits are JSON all the same."""
    assert json.loads(_encoded(body)) == body


def test_answers_of_the_usual_dialects_are_read():
    """Some servers write infinities, which JSON does not know; others another encoding."""
    assert _decoded(b'{"logprob": -Infinity}') == {"logprob": -inf}
    assert _decoded('{"text": "ä"}'.encode("utf-16")) == {"text": "ä"}
    with pytest.raises(ValueError, match="Expecting"):
        _decoded(b"<html>")
    with pytest.raises((ValueError, RecursionError)):
        _decoded(b"[" * 200_000)
