"""What `langnet eval` writes of every example."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from langnet.data import Example
from langnet.evaluate import Evaluation
from langnet.report.result import answer_data
from langnet.text_file import write_text

__all__ = ["write_predictions"]


def write_predictions(
    path: Path, examples: Sequence[Example], target: str, found: Evaluation
) -> None:
    """Writes each answer as a JSON line, with the probability that was kept beside it, if any."""
    kept = [{"probability": value} for value in found.kept] or [{}] * len(examples)
    records = zip(examples, found.predictions, found.values, kept, strict=True)
    lines = [
        json.dumps(
            {
                "id": example.id,
                "inputs": example.inputs,
                "target": example.targets[target],
                "prediction": answer_data(prediction),
                "value": value,
                **more,
            },
            ensure_ascii=False,
        )
        for example, prediction, value, more in records
    ]
    write_text(path, "\n".join(lines) + "\n")
