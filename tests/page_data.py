"""The files of a reader's own that pages of the docs speak of."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from langnet import Example, tasks


def _sentences(number: int, seed: int = 0) -> list[Example]:
    return tasks.get("subjectivity").generate(number, seed=seed)


def write_reviews() -> None:
    """Writes reviews.csv: sentences in the column text, 0 or 1 in the column label."""
    with Path("reviews.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for example in _sentences(40):
            rows.writerow([example.inputs["text"], int(example.targets["answer"] == "objective")])


def write_parts() -> None:
    """Writes train.jsonl, dev.jsonl and test.jsonl: sentences and their labels."""
    for seed, part in enumerate(("train", "dev", "test")):
        rows = [
            {"text": example.inputs["text"], "label": example.targets["answer"]}
            for example in _sentences(8, seed)
        ]
        Path(f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)))


def write_walks() -> None:
    """Writes navigate.json in BIG-Bench-Hard's form, and test.jsonl in that of Subj."""
    walks = [
        {"input": f"Take {n} steps.\nOptions:\n- Yes\n- No", "target": "Yes" if n % 2 else "No"}
        for n in range(60)
    ]
    Path("navigate.json").write_text(json.dumps({"examples": walks}))
    lines = [json.dumps({"sentence": f"Film {n}.", "label": n % 2}) for n in range(20)]
    Path("test.jsonl").write_text("\n".join(lines))


def write_solutions() -> None:
    """Writes example_model_solutions.jsonl in the form of GSM8K's published model solutions."""
    solved = [
        {
            "question": f"{n} + 1?",
            "ground_truth": f"A: {n + 1}",
            "small": {"is_correct": False, "solution": f"A: {n}"},
            "large": {"is_correct": True, "solution": f"A: {n + 1}"},
        }
        for n in range(30)
    ]
    Path("example_model_solutions.jsonl").write_text("\n".join(map(json.dumps, solved)))
