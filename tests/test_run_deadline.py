"""The deadline of a run: a fit keeps its best, an evaluation reports what it has. Virtual time."""

from __future__ import annotations

import anyio
import pytest

from langnet import Key, RunDeadlineExceeded, TooManyFailures, evaluate
from langnet.errors import ModelError
from langnet.lm.connect import connect
from langnet.lm.until import Until
from langnet.lm.wrapper import Wrapper
from langnet.metrics import exact
from langnet.program import Program
from langnet.testing import TableModel
from tests.test_fit import data, distribution, fitted, network
from tests.virtual import virtually


class Slow(Wrapper):
    """Takes a second for each call, and fails where the context holds a word."""

    def __init__(self, word="never"):
        super().__init__(TableModel(distribution))
        self.word = word
        self.last = 0.0

    async def sample(self, context, *, decoding, keys):
        await self._second(context)
        return await super().sample(context, decoding=decoding, keys=keys)

    async def score(self, context, texts, *, decoding, end=True):
        await self._second(context)
        return await super().score(context, texts, decoding=decoding, end=end)

    async def choose(self, context, choices):
        await self._second(context)
        return await super().choose(context, choices)

    async def _second(self, context):
        self.last = anyio.current_time()
        await anyio.sleep(1)
        if self.word in context:
            raise ModelError("no")


def in_a_virtual_run(work):
    """What an async function gives, and when it was done."""

    async def timed():
        return await work(), anyio.current_time()

    return virtually(timed)


# Traces are written by a thread, which virtual time does not wait for.
QUIET = {"traces": False}


@pytest.mark.parametrize("seconds", [0.5, 7.0, 20.0])
def test_a_fit_ends_at_the_deadline_with_its_best_and_can_go_on(tmp_path, seconds):
    """It ends in time, says why, keeps its record, and goes on to what it would have been."""
    whole, needed = in_a_virtual_run(lambda: fitted(model=Slow()))
    assert needed > seconds
    cut, ended = in_a_virtual_run(lambda: fitted(tmp_path, Until(Slow(), seconds), **QUIET))
    assert ended == seconds
    assert cut.reason == str(RunDeadlineExceeded())
    assert cut.state.step < whole.state.step
    assert cut.graph.prompts == cut.state.best
    gone_on, _ = in_a_virtual_run(lambda: fitted(tmp_path, Slow(), resume=True, **QUIET))
    assert gone_on.state == whole.state


def test_a_deadline_that_comes_late_changes_nothing():
    """A fit that is done in time is the same as without."""
    whole, needed = in_a_virtual_run(lambda: fitted(model=Slow()))
    found, _ = in_a_virtual_run(lambda: fitted(model=Until(Slow(), needed + 1)))
    assert (found.state, found.reason) == (whole.state, "all steps are done")


async def evaluated(model, **settings):
    return await evaluate(
        Program(network(), model),
        data(20),
        metric=exact,
        key=Key(("deadline",)),
        concurrency=4,
        **settings,
    )


def test_an_evaluation_reports_what_it_has():
    """Examples that the deadline cuts off are named failures, and no share of failures counts."""
    whole, needed = in_a_virtual_run(lambda: evaluated(Slow()))
    assert needed == 10  # two calls for each example, four examples at once

    def cut(**settings):
        return in_a_virtual_run(lambda: evaluated(Until(Slow(), 5.0), **settings))

    found, ended = cut(cut_off=True, max_failures=0.0)
    assert ended == 5
    assert found.values[:8] == whole.values[:8]
    assert [failure.example for failure in found.failures] == [f"e{i}" for i in range(8, 20)]
    assert all(isinstance(failure.error, RunDeadlineExceeded) for failure in found.failures)
    with pytest.raises(RunDeadlineExceeded):
        cut()


def test_true_failures_still_count():
    """An evaluation that fails by itself is a failure, deadline or not."""
    with pytest.raises(TooManyFailures):
        in_a_virtual_run(lambda: evaluated(Until(Slow("sun"), 5.0), cut_off=True))


def test_connected_models_keep_to_the_deadline():
    """Also a model object, and so the embedded model, is cut off."""

    async def work():
        slow = Slow()
        async with connect(slow, deadline=2.5) as model:
            with pytest.raises(RunDeadlineExceeded):
                await evaluated(model)
        assert slow.last == 2.0

    assert in_a_virtual_run(work) == (None, 2.5)
