"""The M-step's scores: sums over nodes, one call per context, −inf for what cannot serve."""

from __future__ import annotations

import math

import numpy as np
import pytest

from langnet import ContextOverflow, Example, Key, Method, Program, infer
from langnet.metrics import exact
from langnet.testing import TableModel
from langnet.vi import Evidence, Scorer, likelihood
from langnet.vi.context import Context
from langnet.vi.posterior import Inference, Row
from langnet.vi.step import improve
from tests.laws.graphs import TARGETS, chain, inputs, model, shared


async def test_a_shared_prompt_sums_its_nodes():
    """Law 8: the score of a shared prompt is the sum of its nodes' terms."""
    graph = shared()
    table = model()
    batch = [Example("e", inputs(graph), TARGETS)]

    async def listed(request, key):
        return f"candidate {key[-1]}"

    settings = Inference(draws=4)
    key = Key(("law8",))
    result = await improve(
        graph,
        batch,
        Context(
            models=table,
            proposer=table,
            metric=exact,
            method=Method(
                candidates=3,
                mix={"listed": 1.0},
                proposers={"listed": listed},
                inference=settings,
                racing=None,
            ),
            key=key,
        ),
    )
    (selection,) = result.selections
    assert selection.prompt == "shared"
    program = Program(graph, table)
    forward = await program.run(
        inputs(graph), key=key.below("forward", "e"), greedy=True, example="e"
    )
    posterior = await infer(
        program, batch[0], key=key.below("infer", "e"), settings=settings, forward=forward
    )
    texts = [candidate.text for candidate in selection.candidates]
    total = np.zeros(len(texts))
    for name in ("h", "y"):
        rows = tuple(row for row in posterior.rows if row.node == name)
        total += await likelihood(Evidence(batch[0], rows), Scorer(program, "shared", texts))
    assert [candidate.score for candidate in selection.candidates] == pytest.approx(list(total))


async def test_scores_are_the_weighted_log_likelihood():
    """S(π) = Σ w log p of one example, exactly, on rows by hand."""
    graph = chain()
    table = TableModel(
        lambda c: {"red": 0.8, "blue": 0.2} if "new" in c else {"red": 0.5, "blue": 0.5}
    )
    rows = (
        Row("e1", "h", (), 0.25, {"x": "1"}, "red"),
        Row("e1", "h", (), 0.75, {"x": "1"}, "blue"),
    )
    scorer = Scorer(Program(graph, table), "h", ["old", "new"])
    scores = await likelihood(Evidence(Example("e1", {"x": "1"}, TARGETS), rows), scorer)
    wanted = 0.25 * math.log(0.8) + 0.75 * math.log(0.2)
    assert list(scores) == pytest.approx([math.log(0.5), wanted])


async def test_rows_of_one_context_share_a_call():
    """Texts after the same context are scored in one call: calls are candidates × contexts."""
    graph = chain()
    table = model()
    rows = tuple(
        Row(f"e{i}", "h", (), 1.0, {"x": str(i % 2)}, text)
        for i, text in enumerate(("red", "green", "blue", "red", "red"))
    )
    scorer = Scorer(Program(graph, table), "h", ["one", "two", "three"])
    values = await scorer.logprobs(rows)
    assert values.shape == (5, 3)
    assert table.calls["score"] == 3 * 2


async def test_a_prompt_that_leaves_no_room_loses():
    """A candidate with which an input overflows the context scores −inf, and the rest stand."""

    class Small(TableModel):
        async def score(self, context, texts, *, decoding, end=True):
            if len(context) > 40:
                raise ContextOverflow("too long", needed=len(context), available=40)
            return await super().score(context, texts, decoding=decoding, end=end)

    graph = chain()
    program = Program(graph, Small(model().distribution))
    scorer = Scorer(program, "h", ["short", "long" * 20])
    rows = (Row("e", "h", (), 1.0, {"x": "1"}, "red"),)
    scores = await likelihood(Evidence(Example("e", {"x": "1"}, TARGETS), rows), scorer)
    assert math.isfinite(scores[0])
    assert scores[1] == -math.inf
