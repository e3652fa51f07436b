"""What calls cost: sums by part, over sessions, and unknown where a part is unknown."""

from __future__ import annotations

import io
import json

from rich.console import Console

from langnet.lm.meter import MeterReading
from langnet.report.cost import cost_data, cost_line, cost_table, spending_data

KNOWN = MeterReading(sample_calls=2, prompt_tokens=10, completion_tokens=4, known_cost=0.5)
UNKNOWN = MeterReading(score_calls=1, prompt_tokens=7, unpriced_tokens=7, hits=3, queued=1.5)
PARTS = {
    "by_node": {"": KNOWN, "answer": UNKNOWN},
    "by_model": {"dear": KNOWN, "stranger": UNKNOWN},
    "by_purpose": {"forward": KNOWN, "score": UNKNOWN},
}


def shown(part):
    console = Console(file=io.StringIO(), width=100)
    console.print(part)
    return console.file.getvalue()


def test_a_total_is_known_where_every_part_is():
    """One model without a price makes the total unknown; the known part and the gap are named."""
    data = spending_data(KNOWN + UNKNOWN, PARTS)
    assert (data["cost"], data["known_cost"], data["unpriced_models"]) == (None, 0.5, ["stranger"])
    assert data["by_model"]["dear"]["cost"] == 0.5
    assert data["by_node"]["answer"]["cost"] is None
    assert spending_data(KNOWN)["cost"] == 0.5
    json.dumps(data, allow_nan=False)


def test_sessions_add_up_by_part_and_old_ones_have_no_known_price():
    """Parts add up by name over sessions; what an older version wrote loads and is unpriced."""
    first = cost_data(KNOWN, 1.0, parts=PARTS)
    second = cost_data(KNOWN, 2.0, first["sessions"], parts=PARTS)
    assert (second["seconds"], second["calls"], second["known_cost"]) == (3.0, 4, 1.0)
    assert second["by_node"]["answer"]["hits"] == 6
    assert len(second["sessions"]) == 2
    old = {"seconds": 9.0, "sample_calls": 1, "prompt_tokens": 5, "hits": 1}
    mixed = cost_data(KNOWN, 1.0, [old], parts=PARTS)
    assert (mixed["seconds"], mixed["calls"], mixed["cost"]) == (10.0, 3, None)
    assert mixed["unpriced_tokens"] == 5


def test_the_line_says_what_is_not_known():
    """Money is a sum, at least a sum, or unknown; never nothing for want of a price."""
    assert "0.5000 USD" in cost_line(cost_data(KNOWN, 1.0))
    mixed = cost_line(cost_data(KNOWN + UNKNOWN, 1.0, parts=PARTS))
    assert "at least 0.5000 USD (no price of stranger)" in mixed
    parts = {"by_model": {"stranger": UNKNOWN}}
    unknown = cost_line(cost_data(UNKNOWN, 1.0, parts=parts, currency="EUR"))
    assert "unknown (no price of stranger)" in unknown


def test_the_table_has_a_row_for_each_part():
    """Nodes, models and purposes have their rows, with the cost or that it is unknown."""
    text = shown(cost_table(spending_data(KNOWN + UNKNOWN, PARTS)))
    for name in ("(none)", "answer", "dear", "stranger", "forward", "score"):
        assert name in text
    assert "0.5000 USD" in text
    assert "unknown" in text
    assert "1.5 s" in text
