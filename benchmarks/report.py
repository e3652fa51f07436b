"""How large the page of a large run is, and how long Chromium takes to open it.

    python benchmarks/report.py [--steps 50] [--candidates 20] [--nodes 5] [--examples 500]
        [--repeats 5] [--browser /usr/bin/chromium] [--keep FOLDER] [--json]

The run is generated: a chain of nodes whose texts are drawn from a vocabulary with the frequencies
of a natural one, all different, so that nothing is gained by repetition that a real run would not
have. Every validation keeps every node's text of every example, and every batch a posterior. The
time runs from the start of navigation until the page has drawn all its parts, the median over new
browser contexts. Needs playwright and a Chromium; without one only the size is told.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from langnet.checkpoint import write_json
from langnet.report.page import report_page
from langnet.text_file import write_text

_WORDS = 6000
_WORDS_OF_TEXT = 24
_WORDS_OF_PROMPT = 50
_BATCH = 40
_DRAWS = 5


class Writer:
    """Texts whose words are as frequent as those of a language (Zipf's law)."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
        lengths = self._rng.integers(2, 10, _WORDS)
        self._words = ["".join(self._rng.choice(letters, length)) for length in lengths]
        shares = 1 / np.arange(1, _WORDS + 1)
        self._ends = np.cumsum(shares / shares.sum())

    def text(self, words: int) -> str:
        """So many words."""
        places = np.searchsorted(self._ends, self._rng.random(words))
        return " ".join(self._words[min(place, _WORDS - 1)] for place in places)

    def number(self) -> float:
        """From 0 to 1."""
        return float(self._rng.random())


def make_run(folder: Path, *, steps: int, candidates: int, nodes: int, examples: int) -> None:
    """Writes a run directory as `langnet fit` does, of so many steps, nodes and so on."""
    writer = Writer(0)
    names = [f"node_{number}" for number in range(nodes)]
    prompts = {name: writer.text(_WORDS_OF_PROMPT) for name in names}
    initial = dict(prompts)
    dev = [f"dev:{number}" for number in range(examples)]
    train = [f"train:{number}" for number in range(examples)]
    rows = [
        {
            "example": name,
            "part": name.split(":")[0],
            "inputs": {"text": writer.text(30)},
            "targets": {names[-1]: _label(writer)},
        }
        for name in (*train, *dev)
    ]
    _write_lines(folder / "examples.jsonl", rows)
    validations = []
    for step in range(steps + 1):
        if step:
            chosen = [_selection(writer, name, prompts, candidates) for name in names]
            write_json(folder / "steps" / f"{step:04d}.json", _step(writer, chosen, prompts))
            batch = [train[(step * _BATCH + place) % examples] for place in range(_BATCH)]
            seen = ({**_seen(writer, name, names), **_posterior(writer, names)} for name in batch)
            _write_lines(folder / "steps" / f"{step:04d}.traces.jsonl", seen)
        answered = [_seen(writer, name, names) for name in dev]
        _write_lines(folder / "validations" / f"{step:04d}.jsonl", answered)
        mean = statistics.fmean(row["value"] for row in answered)
        validations.append({"step": step, "metric": mean})
    state = {"step": steps, "prompts": prompts, "best": prompts, "validations": validations}
    write_json(folder / "state.json", state)
    write_json(folder / "run.json", _about(names, initial))


def _about(names: list[str], prompts: dict[str, str]) -> dict[str, Any]:
    parents = {name: [names[place - 1] if place else "text"] for place, name in enumerate(names)}
    nodes = {
        name: {
            "name": name,
            "template": f"{{prompt}}\n\n{{{parents[name][0]}}}",
            "prompt": prompts[name],
            "trainable": True,
            "choices": None,
            "draws": None,
            "over": None,
            "model": "default",
        }
        for name in names
    }
    graph = {"order": ["text", *names], "parents": parents, "outputs": [names[-1]]}
    return {
        "seed": 0,
        "graph": {**graph, "target": names[-1], "nodes": nodes},
        "train": "",
        "dev": "",
        "models": {"every node": "generated"},
        "proposer": "generated",
        "method": {},
    }


def _label(writer: Writer) -> str:
    return "yes" if writer.number() < 0.5 else "no"


def _seen(writer: Writer, example: str, names: list[str]) -> dict[str, Any]:
    texts = {name: writer.text(_WORDS_OF_TEXT) for name in names[:-1]}
    texts[names[-1]] = _label(writer)
    value = float(writer.number() < 0.7)
    return {"example": example, "value": value, "texts": texts}


def _posterior(writer: Writer, names: list[str]) -> dict[str, Any]:
    return {
        "alternatives": [
            {
                "node": name,
                "index": [],
                "texts": [writer.text(_WORDS_OF_TEXT) for _ in range(_DRAWS)],
                "weights": [1 / _DRAWS] * _DRAWS,
                "sources": ["prior"] * _DRAWS,
            }
            for name in names[:-1]
        ]
    }


def _selection(
    writer: Writer, name: str, prompts: dict[str, str], candidates: int
) -> dict[str, Any]:
    texts = [prompts[name], *(writer.text(_WORDS_OF_PROMPT) for _ in range(candidates))]
    scores = [-writer.number() for _ in texts]
    winner = max(range(len(scores)), key=scores.__getitem__)
    prompts[name] = texts[winner]
    return {
        "prompt": name,
        "candidates": [
            {"text": text, "origin": "rewrite", "score": score, "examples": _BATCH}
            for text, score in zip(texts, scores, strict=True)
        ],
        "chosen": winner,
        "winner": winner,
        "gain": scores[winner] - scores[0],
        "standard_error": 0.1,
        "dropped": {},
    }


def _step(
    writer: Writer, selections: list[dict[str, Any]], prompts: dict[str, str]
) -> dict[str, Any]:
    return {
        "metric": writer.number(),
        "score": -writer.number(),
        "bound": None,
        "calls": {"sent": {"forward": 200, "infer": 900, "propose": 100, "score": 4000}},
        "selections": selections,
        "prompts": dict(prompts),
        "failures": [],
    }


def _write_lines(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))


def opening_times(page: Path, browser: str, repeats: int) -> Iterator[float]:
    """Seconds from navigation until every part is drawn, once per new context."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - optional

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for _ in range(repeats):
            context = opened.new_context()
            tab = context.new_page()
            began = time.perf_counter()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]")
            tab.wait_for_selector(".detail h4")
            yield time.perf_counter() - began
            context.close()
        opened.close()


def main() -> None:
    """Generates a run, writes its page, measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"steps": 50, "candidates": 20, "nodes": 5, "examples": 500}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--keep", type=Path, help="a folder for the run and its page")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        make_run(folder, **{name: getattr(given, name) for name in sizes})
        size = sum(path.stat().st_size for path in folder.rglob("*.json*"))
        began = time.perf_counter()
        page = folder.resolve() / "report.html"
        write_text(page, report_page([folder]))
        found = {
            "run, MB": round(size / 1e6, 1),
            "page, MB": round(page.stat().st_size / 1e6, 2),
            "writing the page, s": round(time.perf_counter() - began, 2),
        }
        if Path(given.browser).exists():
            times = [*opening_times(page, given.browser, given.repeats)]
            found["opening it, s, median"] = round(statistics.median(times), 2)
            found["opening it, s, slowest"] = round(max(times), 2)
        if given.json:
            json.dump(found, sys.stdout)
        else:
            for name, value in found.items():
                print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
