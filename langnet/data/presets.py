"""Readers for the published formats of benchmarks that langnet is measured on.

None of the data comes with langnet; the readers take a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from langnet.data.example import Example
from langnet.data.gsm8k import read_gsm8k, read_gsm8k_solutions, text_of
from langnet.data.read import Row, examples_from, read, read_text, rows
from langnet.errors import DataError

__all__ = [
    "AIRLINE_LABELS",
    "DISASTER_LABELS",
    "MPQA_LABELS",
    "PRESETS",
    "SUBJ_LABELS",
    "TREC_LABELS",
    "read_airline",
    "read_bbh",
    "read_disaster",
    "read_mpqa",
    "read_scan",
    "read_subj",
    "read_trec",
]

SUBJ_LABELS: Mapping[str, str] = MappingProxyType({"0": "subjective", "1": "objective"})
"""What the labels of Subj (Pang and Lee 2004) stand for."""

TREC_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "0": "description",
        "1": "entity",
        "2": "expression",
        "3": "human",
        "4": "location",
        "5": "number",
    }
)
"""What the coarse labels of TREC (Li and Roth 2002) stand for."""

MPQA_LABELS: Mapping[str, str] = MappingProxyType({"0": "negative", "1": "positive"})
"""What the labels of MPQA (Wiebe, Wilson and Cardie 2005) stand for."""

DISASTER_LABELS: Mapping[str, str] = MappingProxyType({"Relevant": "yes", "Not Relevant": "no"})
"""What the labels of Leopard's disaster tweets (Bansal, Jha and McCallum 2020) stand for."""

AIRLINE_LABELS: Mapping[str, str] = MappingProxyType(
    {label: label for label in ("positive", "negative", "neutral")}
)
"""The labels of Leopard's airline tweets (Bansal, Jha and McCallum 2020)."""


def read_subj(
    path: str | PathLike[str], *, input_name: str = "sentence", node: str = "answer"
) -> list[Example]:
    """Reads Subj: one object a line with "sentence" and "label", 0 for subjective."""
    return read(
        path,
        inputs={input_name: "sentence"},
        target="label",
        labels=SUBJ_LABELS,
        node=node,
    )


def read_trec(
    path: str | PathLike[str], *, input_name: str = "sentence", node: str = "answer"
) -> list[Example]:
    """Reads TREC: one object a line with "sentence" and "label", 0 to 5."""
    return read(
        path,
        inputs={input_name: "sentence"},
        target="label",
        labels=TREC_LABELS,
        node=node,
    )


def read_mpqa(
    path: str | PathLike[str], *, input_name: str = "sentence", node: str = "answer"
) -> list[Example]:
    """Reads MPQA: one object a line with "sentence" and "label", 0 for negative."""
    return read(
        path, inputs={input_name: "sentence"}, target="label", labels=MPQA_LABELS, node=node
    )


def read_disaster(
    path: str | PathLike[str],
    *,
    input_name: str = "sentence",
    node: str = "answer",
    column: str = "sentence1",
    label: str = "label",
) -> list[Example]:
    """Reads Leopard's tweets about disasters, from JSON or CSV; the labels become yes and no.

    Args:
        path: the file.
        input_name: name of the graph's input.
        node: name of the node that the label observes.
        column: of the tweets.
        label: column of the labels, "Relevant" and "Not Relevant".
    """
    return read(path, inputs={input_name: column}, target=label, labels=DISASTER_LABELS, node=node)


def read_airline(
    path: str | PathLike[str],
    *,
    input_name: str = "sentence",
    node: str = "answer",
    column: str = "sentence1",
    label: str = "label",
) -> list[Example]:
    """Reads Leopard's tweets about airlines, from JSON or CSV: positive, negative or neutral.

    Args:
        path: the file.
        input_name: name of the graph's input.
        node: name of the node that the label observes.
        column: of the tweets; in the tweets' own CSV file it is "text".
        label: column of the labels; in the tweets' own CSV file it is "airline_sentiment".
    """
    return read(path, inputs={input_name: column}, target=label, labels=AIRLINE_LABELS, node=node)


def read_bbh(
    path: str | PathLike[str],
    *,
    input_name: str = "input",
    node: str = "answer",
    options: bool = True,
) -> list[Example]:
    """Reads a BIG-Bench-Hard task (Suzgun et al. 2022): "input" and "target" under "examples".

    Args:
        path: the JSON file.
        input_name: name of the graph's input.
        node: name of the node that the target observes.
        options: keep the lines from "Options:" on that end some tasks' inputs. Leave them out
            only where the targets are words such as "Yes", not letters such as "(A)".
    """
    path = Path(path)

    def fields(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        text = text_of(row, "input")
        if not options:
            text = text.partition("\nOptions:\n")[0]
        return {input_name: text}, {node: text_of(row, "target")}

    return examples_from(path, rows(path), fields)


def read_scan(
    path: str | PathLike[str], *, input_name: str = "command", node: str = "answer"
) -> list[Example]:
    """Reads SCAN (Lake and Baroni 2018): lines such as "IN: jump twice OUT: I_JUMP I_JUMP"."""
    path = Path(path)
    records = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        where = f"{path}, line {number}"
        if line.strip():
            match = _SCAN.fullmatch(line)
            if match is None:
                raise DataError(f"{where}: needs 'IN: … OUT: …', not {line!r:.80}")
            records.append(Row(where, match.groupdict()))
    if not records:
        raise DataError(f"{path}: there is no example in the file")
    return examples_from(
        path,
        records,
        lambda row: ({input_name: row["command"]}, {node: row["actions"]}),
    )


_SCAN = re.compile(r"\s*IN:\s*(?P<command>\S.*?)\s+OUT:\s*(?P<actions>\S.*?)\s*")


PRESETS: Mapping[str, Callable[..., list[Example]]] = MappingProxyType(
    {
        "airline": read_airline,
        "bbh": read_bbh,
        "disaster": read_disaster,
        "gsm8k": read_gsm8k,
        "gsm8k-solutions": read_gsm8k_solutions,
        "mpqa": read_mpqa,
        "scan": read_scan,
        "subj": read_subj,
        "trec": read_trec,
    }
)
"""The readers by name. Each takes a path, `input_name` and `node`."""
