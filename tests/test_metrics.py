"""Metrics: what counts as the same answer, and what can be said about a mean."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.errors import DataError
from langnet.key import Key
from langnet.metrics import (
    METRICS,
    Interval,
    confusion,
    contains,
    exact,
    interval,
    macro_f1,
    normalise,
    number,
    paired_interval,
    starts_with,
)

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=30)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  The\n Answer. ", "the answer"),
        ('"Yes!"', "yes"),
        ("**(A)**", "a"),
        ("\N{LEFT DOUBLE QUOTATION MARK}STRASSE\N{RIGHT DOUBLE QUOTATION MARK}", "strasse"),
        ("Stra\N{LATIN SMALL LETTER SHARP S}e", "strasse"),
        ("-5", "-5"),
        (".5.", ".5"),
        ("a.b", "a.b"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_normal_form(text, normal):
    """Case, white space, and quotes and punctuation around a text do not count; signs do."""
    assert normalise(text) == normal


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    """A normal form is its own normal form."""
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("metric", "prediction", "target", "value"),
    [
        (exact, "Yes.", "yes", 1),
        (exact, "Yes, it does", "yes", 0),
        (exact, "5", "-5", 0),
        (starts_with, "No. It turns.", "No", 1),
        (starts_with, "not a chance", "No", 0),
        (starts_with, "Oh no", "No", 0),
        (contains, "It is the C++ one", "c++", 1),
        (contains, "a comparison", "paris", 0),
        (number, "so 3 * 4 = $1,200.00.", "1200", 1),
        (number, "= -7", "-7", 1),
        (number, "\N{MINUS SIGN}7", "-7", 1),
        (number, "10-7", "7", 1),
        (number, "1,2,3", "3", 1),
        (number, "1e3", "1000", 1),
        (number, "7, no: 8", "7", 0),
        (number, "none", "7", 0),
        (number, ".5", "0.50", 1),
    ],
)
def test_metric_values(metric, prediction, target, value):
    """Each metric marks these answers as a person would."""
    assert metric(prediction, target) == value
    assert METRICS[metric.__name__] is metric


@given(st.sampled_from(sorted(METRICS)), st.text(), st.integers())
def test_metrics_lie_between_0_and_1_and_reward_the_target(name, prediction, target):
    """Whatever a model writes is marked in [0, 1], and the target itself gets 1."""
    metric = METRICS[name]
    assert 0 <= metric(prediction, str(target)) <= 1
    assert metric(str(target), str(target)) == 1


def test_a_target_without_a_number_is_a_fault():
    """`number` does not mark every answer wrong because it was the wrong metric."""
    with pytest.raises(DataError, match="'Yes' holds no number; use another metric"):
        number("7", "Yes")


@settings(deadline=None)
@given(VALUES, st.integers())
def test_the_interval_holds_the_mean_and_repeats(values, seed):
    """An interval lies within the values, and the same key gives the same interval."""
    found = interval(values, key=Key((seed,)), resamples=200)
    assert found == interval(values, key=Key((seed,)), resamples=200)
    assert found.mean == pytest.approx(sum(values) / len(values), abs=1e-9)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


@settings(deadline=None)
@given(VALUES)
def test_the_paired_interval_is_that_of_the_differences(values):
    """Pairs say nothing but their differences."""
    before = [value / 2 for value in values]
    after = [value + half for value, half in zip(values, before, strict=True)]
    differences = [late - early for early, late in zip(before, after, strict=True)]
    assert paired_interval(before, after, resamples=100) == interval(differences, resamples=100)


def test_the_interval_covers_the_true_mean():
    """Of 200 intervals at 90 %, about 180 hold the mean that the data were drawn from."""
    hits = 0
    for trial in range(200):
        rng = Key(("coverage", trial)).rng()
        found = interval(
            [float(rng.random() < 0.7) for _ in range(80)],
            confidence=0.9,
            key=Key((trial,)),
            resamples=300,
        )
        hits += found.low <= 0.7 <= found.high
    assert 166 <= hits <= 194  # three standard deviations


def test_more_confidence_is_a_wider_interval():
    """A surer statement says less."""
    values = [float(index % 3) for index in range(60)]
    narrow, wide = interval(values, confidence=0.5), interval(values, confidence=0.99)
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_equal_values_have_no_spread():
    """Where all values are equal the interval is a point; a single value tells no spread."""
    assert interval([0.25] * 4) == Interval(0.25, 0.25, 0.25, 4, 0.95)
    assert paired_interval([1, 2], [1, 2]) == Interval(0, 0, 0, 2, 0.95)
    assert interval([0.25]) == Interval(0.25, None, None, 1, 0.95)


def test_data_without_a_correction_still_have_an_interval():
    """Where BCa is undefined the percentile interval stands in, without a warning."""
    found = interval([0.1] * 9 + [0.1 + 1e-16, 1e-300])
    assert math.isfinite(found.low)
    assert math.isfinite(found.high)
    tiny = interval([0.0, 1e-300])
    assert 0 <= tiny.low <= tiny.high <= 1e-300


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: interval([]), "no values"),
        (lambda: interval([math.nan, 1]), "not a finite number"),
        (lambda: interval([1, 2], confidence=95), "in \\(0, 1\\), not 95"),
        (lambda: paired_interval([1], [1, 2]), "1 before and 2 after"),
        (lambda: confusion(["a"], []), "1 predictions do not pair with 0"),
        (lambda: macro_f1([], []), "no predictions"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, message):
    """Nothing to go by is an error, never a zero."""
    with pytest.raises(DataError, match=message):
        call()


def test_confusion_counts_pairs():
    """The table counts (target, prediction), sorted."""
    counts = confusion(["b", "a", "b", "?"], ["a", "a", "a", "b"])
    assert list(counts.items()) == [(("a", "a"), 1), (("a", "b"), 2), (("b", "?"), 1)]


def test_macro_f1_by_hand():
    """Three targets a and one b; a: precision 1, recall 2/3; b: precision 1/2, recall 1."""
    assert macro_f1(["a", "a", "b", "b"], ["a", "a", "a", "b"]) == pytest.approx(
        (2 * (2 / 3) / (1 + 2 / 3) + 2 * (1 / 2) / (1 + 1 / 2)) / 2
    )
    assert macro_f1(["?", "?"], ["a", "b"]) == 0
    assert macro_f1(["a", "b"], ["a", "b"]) == 1
