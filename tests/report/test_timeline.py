"""How long a fit may take yet, going by what it has done."""

from __future__ import annotations

import pytest

from langnet.events import FitFinished, FitStarted, PhaseAdvanced, StepFinished, Validated
from langnet.report.timeline import Timeline


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def finished(step, steps, seconds):
    return StepFinished(step, steps, -1.5, None, 0.5, (), seconds, None)


def validate(timeline, clock, step, seconds, size=10):
    for done in range(1, size + 1):
        clock.now += seconds / size
        timeline(PhaseAdvanced("validate", done, size))
    timeline(Validated(step, 0.5, 0.5, is_best=True))


def take_step(timeline, clock, step, steps, seconds):
    clock.now += seconds
    timeline(finished(step, steps, seconds))


def test_the_first_step_already_says_how_long_the_rest_takes():
    """With steps of 30 s and validations of 10 s, the estimate is exact after the first of each."""
    clock = Clock()
    timeline = Timeline(clock=clock, later=20)
    timeline(FitStarted(0, 5, "likelihood", {}))
    assert timeline.left is None
    validate(timeline, clock, 0, 10)
    assert timeline.left is None
    for step in range(1, 6):
        take_step(timeline, clock, step, 5, 30)
        # The validation of this step is still ahead, and 20 examples are held out at 1 s each.
        assert timeline.left == pytest.approx((5 - step) * 40 + 10 + 20)
        validate(timeline, clock, step, 10)
        assert timeline.left == pytest.approx((5 - step) * 40 + 20)
    timeline(FitFinished(5, 0.5, "done"))
    for done in range(1, 11):
        clock.now += 1
        timeline(PhaseAdvanced("before", done, 10))
        assert timeline.left == pytest.approx(20 - done)
    for done in range(1, 11):
        clock.now += 1
        timeline(PhaseAdvanced("after", done, 10))
        assert timeline.left == pytest.approx(10 - done)
    assert timeline.elapsed == pytest.approx(10 + 200 + 20)


def test_time_left_falls_within_a_step_and_never_below_what_is_sure():
    """It falls with the clock, and a step that overruns does not eat up the later ones."""
    clock = Clock()
    timeline = Timeline(clock=clock)
    timeline(FitStarted(0, 3, "likelihood", {}, 10))
    validate(timeline, clock, 0, 5)
    take_step(timeline, clock, 1, 3, 30)
    assert timeline.left == pytest.approx(2 * 30 + 5)
    clock.now += 12
    assert timeline.left == pytest.approx(2 * 30 + 5 - 12)
    clock.now += 500
    assert timeline.left == pytest.approx(30 + 5)


def test_a_resumed_fit_estimates_from_its_own_steps():
    """Steps of earlier sessions are not known, and a first validation is taken by its tenths."""
    clock = Clock()
    timeline = Timeline(clock=clock)
    timeline(FitStarted(7, 9, "likelihood", {}))
    assert timeline.left is None
    take_step(timeline, clock, 8, 9, 20)
    assert timeline.left is None
    clock.now += 2
    timeline(PhaseAdvanced("validate", 1, 10))
    # 18 s of this validation, and a step and a validation.
    assert timeline.left == pytest.approx(18 + 20 + 20)


@pytest.mark.parametrize(("every", "ahead"), [(1, 4), (2, 3), (3, 2), (10, 1)])
def test_only_validations_that_come_are_counted(every, ahead):
    """Validations come at multiples of validate_every and at the end."""
    clock = Clock()
    timeline = Timeline(clock=clock)
    timeline(FitStarted(0, 5, "likelihood", {}, every))
    validate(timeline, clock, 0, 10)
    take_step(timeline, clock, 1, 5, 1)
    if every == 1:
        validate(timeline, clock, 1, 10)
    assert timeline.left == pytest.approx(4 + 10 * ahead)


def test_outside_a_fit_the_examples_say_how_long_it_takes():
    """An evaluation alone is estimated by its examples."""
    clock = Clock()
    timeline = Timeline(clock=clock, later=100)
    assert timeline.left is None
    clock.now += 5
    timeline(PhaseAdvanced("evaluate", 10, 100))
    assert timeline.left == pytest.approx(45)
