"""Racing: the winner of full scoring for a third of its evaluations, within its promises."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.racing import METHODS, problem_sets, synthetic, verdict
from benchmarks.record_scores import recordings
from langnet import Key
from langnet.vi.control import control
from langnet.vi.race import Racing, race

KEY = Key(("race",))


class Judge:
    """Gives the scores of a matrix, and remembers what it was asked."""

    def __init__(self, matrix):
        self.matrix = np.asarray(matrix, dtype=np.float64)
        self.asked = []

    async def __call__(self, examples, candidates):
        self.asked.append((tuple(examples), tuple(candidates)))
        return self.matrix[np.ix_(examples, candidates)]

    def race(self, racing=Racing(), key=KEY, **known):  # noqa: B008 - frozen
        examples, candidates = self.matrix.shape
        return asyncio.run(
            race(self, examples=examples, candidates=candidates, settings=racing, key=key, **known)
        )


def noisy(examples=30, candidates=12, number=0, spread=0.3):
    rng = np.random.default_rng(number)
    effects = rng.normal(0, spread, candidates)
    return rng.normal(0, 1, (examples, 1)) + effects + rng.normal(0, 0.5, (examples, candidates))


values = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, -math.inf]), st.floats(-50, 50, allow_subnormal=False)
)


@st.composite
def matrices(draw):
    shape = (draw(st.integers(1, 24)), draw(st.integers(1, 14)))
    cells = st.lists(values, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1])
    return np.array(draw(cells)).reshape(shape)


racings = st.builds(
    Racing,
    share=st.sampled_from([0.1, 1 / 3, 0.6, 1.0]),
    rounds=st.integers(3, 7),
    finalists=st.integers(1, 4),
    first=st.integers(1, 5),
    level=st.sampled_from([0.01, 0.05, 0.4]),
)


@pytest.mark.parametrize("method", ["race", "race, incumbent known"])
async def test_races_find_the_winner_of_full_scoring(method):
    """On 200 problems a third of the evaluations finds it, or one within its standard error."""
    problems = [synthetic("nats", number) for number in range(200)]
    found = await verdict(METHODS[method], problems, KEY / "law")
    assert found.within >= 0.97
    assert found.most_calls <= 1 / 3 + 1e-9


@pytest.mark.parametrize(("method", "wanted"), [("race", 0.9), ("race, incumbent known", 0.95)])
async def test_values_of_zero_and_one_say_less(method, wanted):
    """On metrics a third finds it in 95 % of problems where the incumbent's values are known."""
    problems = [synthetic("metric", number) for number in range(500)]
    found = await verdict(METHODS[method], problems, KEY / "law")
    assert found.within >= wanted
    assert found.most_calls <= 1 / 3 + 1e-9


async def test_two_fifths_of_the_evaluations_are_enough_for_metrics(monkeypatch):
    """With a share of 0.4 a race on values of 0 and 1 finds the winner in 95 % of problems."""
    monkeypatch.setattr("benchmarks.racing.SHARE", 0.4)
    problems = [synthetic("metric", number) for number in range(500)]
    found = await verdict(METHODS["race"], problems, KEY / "law")
    assert found.within >= 0.95
    assert found.most_calls <= 0.4 + 1e-9


async def test_races_find_the_winner_on_recorded_scores():
    """The same on scores that fits met on the embedded model, in nats and as a metric."""
    sets = {name: some for name, some in problem_sets(200) if name.startswith("recorded")}
    assert {"recorded dln1, nats", "recorded dln1, metric"} <= set(sets)
    for problems in sets.values():
        found = await verdict(METHODS["race"], problems, KEY / "recorded")
        assert found.within >= 0.95
        assert found.most_calls <= 1 / 3 + 1e-9


async def test_races_beat_equal_shares():
    """A race picks worse prompts less often than a third of the rows for every candidate does."""
    problems = [synthetic(kind, number) for kind in ("nats", "metric") for number in range(60)]
    raced = await verdict(METHODS["race"], problems, KEY)
    equal = await verdict(METHODS["a third of the rows"], problems, KEY)
    assert raced.regret < 0.6 * equal.regret
    assert raced.within > equal.within


def test_recordings_are_of_several_prompts():
    """Each recording holds finite scores of enough prompts and examples to draw from."""
    for recording in recordings():
        scores = np.array(recording["scores"])
        assert np.isfinite(scores).all()
        assert scores.shape == (len(recording["targets"]), len(recording["origins"]))
        assert scores.shape[0] >= 20
        assert scores.shape[1] >= 8


@given(matrices())
@settings(max_examples=60, deadline=None)
def test_without_settings_all_is_scored_in_one_call(matrix):
    """`settings=None` gives the argmax of the means, the first of equals, from one block."""
    judge = Judge(matrix)
    found = judge.race(None)
    means = [math.fsum(column) / len(column) for column in matrix.T]
    assert found.winner == means.index(max(means))
    assert found.scores == tuple(means)
    assert judge.asked == [(tuple(range(len(matrix))), tuple(range(matrix.shape[1])))]
    assert found.evaluated == found.full == matrix.size


@given(matrices(), racings, st.booleans(), st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_promises_hold_for_any_scores(matrix, racing, known, number):
    """Budget, rounds and rows are as promised, and the winner is the best of those seen in full."""
    examples, candidates = matrix.shape
    judge = Judge(matrix)
    strata = ["even" if row % 2 else "odd" for row in range(examples)] if number % 2 else None
    incumbent = matrix[:, 0] if known else None
    found = judge.race(racing, KEY / number, strata=strata, incumbent=incumbent)

    pairs = [(row, column) for rows, columns in judge.asked for row in rows for column in columns]
    assert len(pairs) == len(set(pairs)) == found.evaluated <= found.full
    assert found.full == examples * (candidates - known)
    evaluated = ~np.isnan(found.matrix)
    assert evaluated[:, 0].all()
    assert np.array_equal(found.matrix[evaluated], matrix[evaluated])
    assert len(judge.asked) == len(found.rounds)
    finalists = np.flatnonzero(evaluated.all(axis=0))
    means = matrix.mean(axis=0)
    assert found.winner in finalists
    best = max(found.scores[place] for place in finalists)
    assert found.scores[found.winner] == best
    assert all(found.scores[place] < best for place in finalists if place < found.winner)
    serves = np.isfinite(means)
    assert serves[found.winner] or not serves.any()
    if serves[0]:  # else others come up until one serves
        assert found.evaluated <= racing.most(examples, candidates, known=known)
        assert len(found.rounds) <= racing.rounds


@pytest.mark.parametrize("candidates", [8, 9, 13, 25])
@pytest.mark.parametrize("examples", [20, 21, 40, 60])
def test_the_promise_is_a_third(examples, candidates):
    """From eight candidates and twenty examples on, a third of full scoring is enough."""
    assert Racing().most(examples, candidates) == examples * candidates // 3
    most = Racing().most(examples, candidates, known=True)
    assert most == examples * (candidates - 1) // 3


@pytest.mark.parametrize(("examples", "candidates"), [(1, 1), (1, 9), (7, 1), (30, 2), (2, 5)])
def test_small_races_are_full_scoring(examples, candidates):
    """Where nothing can be left out, all is scored in one call, and the winner is exact."""
    matrix = noisy(examples, candidates)
    judge = Judge(matrix)
    found = judge.race()
    assert found.winner == int(np.argmax(matrix.mean(axis=0)))
    if examples == 1 or candidates <= 2:
        assert found.evaluated == matrix.size
        assert len(judge.asked) == 1


def test_all_of_a_known_incumbent_is_known():
    """A known incumbent is never asked for, and alone it wins without a call."""
    matrix = noisy()
    judge = Judge(matrix)
    found = judge.race(incumbent=matrix[:, 0])
    assert all(0 not in columns for _, columns in judge.asked)
    assert found.evaluated <= found.full / 3
    alone = Judge(matrix[:, :1])
    found = alone.race(None, incumbent=matrix[:, 0])
    assert (found.winner, found.evaluated, found.rounds, alone.asked) == (0, 0, (), [])


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 15))
@settings(max_examples=40, deadline=None)
def test_ties_keep_the_incumbent(number, examples, candidates):
    """Candidates that score as the incumbent does on every example leave it in place."""
    column = np.random.default_rng(number).normal(size=(examples, 1))
    judge = Judge(np.repeat(column, candidates, axis=1))
    assert judge.race(key=KEY / number).winner == 0


def test_of_equal_challengers_the_first_wins():
    """Of two copies of the best prompt the lower position wins."""
    matrix = noisy(40, 12)
    matrix[:, 4] = matrix[:, 9] = matrix.max(axis=1) + 1
    assert Judge(matrix).race().winner == 4


@given(st.integers(0, 1000), st.permutations(range(1, 12)))
@settings(max_examples=40, deadline=None)
def test_the_order_of_challengers_does_not_matter(number, order):
    """Challengers in another order give the same winner and the same evaluations."""
    matrix = noisy(number=number)
    found = Judge(matrix).race()
    places = [0, *order]
    moved = Judge(matrix[:, places]).race()
    assert places[moved.winner] == found.winner
    assert np.array_equal(moved.matrix, found.matrix[:, places], equal_nan=True)


def test_a_race_is_a_function_of_key_and_scores():
    """The same key asks the same, another key asks for other rows first."""
    one, same, other = (Judge(noisy()) for _ in range(3))
    assert one.race().winner == same.race().winner
    other.race(key=KEY / "other")
    assert one.asked == same.asked
    assert one.asked != other.asked


def test_all_candidates_of_a_round_see_the_same_rows():
    """Each round is one block of new rows under all who are in it, and the field only shrinks."""
    judge = Judge(noisy(40, 20))
    found = judge.race()
    (first, incumbent), *heats = judge.asked
    assert (first, incumbent) == (tuple(range(40)), (0,))
    field, seen = set(range(1, 20)), 0
    for (rows, columns), (upto, count) in zip(heats, found.rounds[1:], strict=True):
        assert set(columns) <= field
        assert list(columns) == sorted(columns)
        seen += len(rows)
        assert (upto, count) == (seen, len(columns))
        field = set(columns)
    assert seen == 40
    assert len(judge.asked) <= 5


def test_a_clearly_better_incumbent_ends_the_race():
    """Where every challenger is clearly behind, no final is run."""
    matrix = noisy(40, 12, spread=0.0) + np.r_[8.0, np.zeros(11)]
    found = Judge(matrix).race()
    assert found.winner == 0
    assert found.evaluated < 0.27 * matrix.size
    assert np.isnan(found.matrix[:, 1:]).any(axis=0).all()


def test_who_cannot_serve_is_out_at_once():
    """A candidate is not asked again after a score of −inf, however good its others are."""
    matrix = noisy(40, 12)
    matrix[:, 5] += 5
    matrix[:, 7] = -math.inf
    judge = Judge(matrix)
    found = judge.race()
    assert found.winner == 5
    assert sum(7 in columns for _, columns in judge.asked) == 1
    assert found.scores[7] == -math.inf


def test_one_that_serves_is_found_where_the_incumbent_cannot():
    """Where incumbent and finalists fail on some example, the others come up until one serves."""
    matrix = noisy(40, 12)
    matrix[:, 0] = -math.inf
    matrix[:, 1:] -= 3
    for column in range(1, 11):
        matrix[np.random.default_rng(column).permutation(40)[:3], column] = -math.inf
    found = Judge(matrix).race()
    assert found.winner == 11
    assert found.standard_error is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_refused(bad):
    """NaN and +inf are errors that name the candidate and the example."""
    matrix = noisy(20, 8)
    matrix[3, 2] = bad
    with pytest.raises(ValueError, match=r"candidate 2 has the score .* on example 3"):
        Judge(matrix).race(None)
    with pytest.raises(ValueError, match="candidate 0"):
        Judge(noisy(20, 8)).race(incumbent=np.full(20, bad))


async def test_misuse_is_refused():
    """Blocks of a wrong shape, empty races and strata of a wrong length say what is wrong."""

    async def transposed(examples, candidates):
        return np.zeros((len(candidates), len(examples)))

    async def run(score, examples, candidates, **more):
        await race(score, examples=examples, candidates=candidates, settings=None, key=KEY, **more)

    with pytest.raises(ValueError, match="give \\(example, candidate\\)"):
        await run(transposed, 3, 2)
    with pytest.raises(ValueError, match="needs examples and candidates"):
        await run(transposed, 0, 2)
    with pytest.raises(ValueError, match="strata has 1 entries for 3"):
        await run(transposed, 3, 2, strata=["one"])
    for wrong in ({"share": 0}, {"level": 1}, {"rounds": 2}, {"first": 0}, {"finalists": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Racing(**wrong)


def test_the_gain_comes_with_its_standard_error():
    """Differences to the incumbent are on all rows, and their error is that of a paired mean."""
    matrix = noisy(40, 12)
    matrix[:, 6] += 1
    found = Judge(matrix).race()
    differences = matrix[:, found.winner] - matrix[:, 0]
    assert found.winner == 6
    assert np.array_equal(found.differences, differences)
    assert found.standard_error == pytest.approx(differences.std(ddof=1) / math.sqrt(40))
    assert Judge(noisy(1, 5)).race().standard_error is None


def test_every_beginning_of_the_order_is_balanced():
    """A beginning of the order holds each stratum, and each half by difficulty, in its share."""
    rng = np.random.default_rng(0)
    baseline = rng.normal(size=60)
    strata = [str(number) for number in rng.permutation(60) % 3]
    hard = baseline < np.median(baseline)
    for number in range(10):
        order = control(baseline, strata, KEY / number).order
        assert sorted(order) == list(range(60))
        for upto in range(3, 60):
            rows = list(order[:upto])
            for stratum in "012":
                count = sum(strata[row] == stratum for row in rows)
                assert abs(count - upto / 3) < 3
            assert abs(hard[rows].sum() - upto / 2) < 4.5


def test_the_estimate_regresses_out_what_is_known():
    """Where differences are a function of stratum and difficulty, few rows give them nearly."""
    rng = np.random.default_rng(1)
    baseline = rng.normal(size=60)
    strata = ["ab"[number % 2] for number in range(60)]
    lean = np.where(np.array(strata) == "a", 2.0, -1.0)
    scores = (baseline * 1.5 + lean)[:, None]
    known = control(baseline, strata, KEY)
    rows = list(known.order[:20])
    truth = float((scores[:, 0] - baseline).mean())
    found = known.estimate(rows, scores[rows])
    plain = float((scores[rows, 0] - baseline[rows]).mean())
    assert abs(found.means[0] - truth) < 0.25 * max(abs(plain - truth), 0.2)
    assert known.estimate(list(known.order), scores[list(known.order)]).means[0] == pytest.approx(
        truth
    )
