"""What is kept of requests that were sent while nothing was limited."""

from __future__ import annotations

from langnet.lm.pace import Pacer


def test_what_was_sent_before_a_limit_was_known_counts_under_it():
    """As a sum, with what each call really took; and it leaves the window as a whole."""
    pacer = Pacer(burst=60.0)
    taken = [pacer.take(place / 100, 1, 50, since=place / 100) for place in range(40)]
    for one in taken[:20]:
        pacer.settle(one, 10)
    assert len(pacer._log) < 10
    pacer.limit({"requests": 41, "tokens": 1300})
    assert pacer.delay(0.5, 1, 100) == 0
    assert pacer.delay(0.5, 1, 101) > 50
    pacer.settle(taken[20], 10)
    assert pacer.delay(0.5, 1, 140) == 0
    pacer.take(0.5, 1, 100, since=0.5)
    assert pacer.delay(0.6, 1, 0) > 50
    assert pacer.delay(70.0, 1, 1300) <= 0
