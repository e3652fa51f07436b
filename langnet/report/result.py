"""The document of what a fit found, which the seed decides; for what it cost see `cost`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from langnet.data import Example, data_hash
from langnet.evaluate import Evaluation
from langnet.fit import Fitted
from langnet.metrics import Interval
from langnet.report.baselines import HeldOut

__all__ = [
    "RESULT_FORMAT",
    "answer_data",
    "held_out_data",
    "interval_data",
    "result_data",
]

RESULT_FORMAT = "langnet-result/1"


def result_data(
    fitted: Fitted,
    *,
    about: Mapping[str, Any],
    data: Mapping[str, Sequence[Example]],
    test: HeldOut | None = None,
) -> dict[str, Any]:
    """What a fit found, as plain data without times: the same for the same seed.

    Args:
        fitted: what came of the fit.
        about: what else should be on record, such as the task and the models.
        data: the examples of each part, which are recorded by number and digest.
        test: the comparison on held-out examples, if there was one.
    """
    state = fitted.state
    return {
        "format": RESULT_FORMAT,
        "network": fitted.graph.name,
        **about,
        "seed": state.seed,
        "objective": fitted.objective,
        "steps": state.step,
        "reason": fitted.reason,
        "data": {
            name: {"examples": len(examples), "digest": data_hash(examples)}
            for name, examples in data.items()
        },
        "plan": None if fitted.plan is None else fitted.plan.to_json(),
        "prompts": {"initial": fitted.initial.prompts, "fitted": fitted.graph.prompts},
        "validations": [asdict(validation) for validation in state.validations],
        "test": None if test is None else held_out_data(test),
    }


def held_out_data(test: HeldOut) -> dict[str, Any]:
    """A comparison on held-out examples as plain data, with the value of every example."""
    comparison = test.comparison
    initial, fitted = comparison.evaluations
    return {
        "examples": [example.id for example in test.examples],
        "initial": {**interval_data(comparison.before), **_answers(initial)},
        "fitted": {**interval_data(comparison.after), **_answers(fitted)},
        "gain": _gain(comparison.gain),
        "baselines": {
            name: {
                **interval_data(baseline.metric),
                "fitted minus this": _gain(baseline.gain),
                **_answers(baseline.evaluation),
            }
            for name, baseline in test.baselines.items()
        },
    }


def interval_data(found: Interval) -> dict[str, Any]:
    """A mean with its interval as plain data."""
    return asdict(found)


def answer_data(value: Any) -> Any:
    """A network's output as plain data: a text, or a list of them; `None` for a failed run."""
    if isinstance(value, tuple):
        return [answer_data(element) for element in value]
    return value if value is None else str(value)


def _gain(found: Interval) -> dict[str, Any]:
    low = found.low
    return {**interval_data(found), "above zero": low is not None and low > 0}


def _answers(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "values": list(evaluation.values),
        "predictions": [answer_data(prediction) for prediction in evaluation.predictions],
        "failures": [
            {"example": failure.example, "error": str(failure.error)}
            for failure in evaluation.failures
        ],
    }
