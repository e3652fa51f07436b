"""Files of prompts: text, JSON, YAML, and the state of a DSPy program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from langnet.errors import DataError, GraphError
from langnet.exchange.dspy import dspy_state, from_dspy, is_dspy
from langnet.exchange.prompts import Prompts
from langnet.exchange.text import as_text, from_text
from langnet.graph_file import prompts_data, prompts_from
from langnet.node import Node
from langnet.text_file import as_json, as_yaml, read_data, read_text, write_text

__all__ = ["FORMATS", "Read", "format_of", "read_prompts", "rendered", "write_prompts"]

_DATA = {".yaml", ".yml", ".json"}


@dataclass(frozen=True, slots=True)
class Read:
    """What a file of prompts says.

    Attributes:
        texts: the prompts by name.
        left_out: what it holds besides, in words.
    """

    texts: Mapping[str, str]
    left_out: tuple[str, ...] = ()


FORMATS: Mapping[str, Callable[[Prompts], str]] = MappingProxyType(
    {
        "text": lambda prompts: as_text(prompts.texts),
        "json": lambda prompts: as_json(prompts_data(prompts.texts)),
        "yaml": lambda prompts: as_yaml(prompts_data(prompts.texts)),
        "dspy": lambda prompts: as_json(dspy_state(prompts)),
    }
)
"""How prompts are written."""


def rendered(prompts: Prompts, form: str) -> str:
    """Prompts as text in one of `FORMATS`."""
    return FORMATS[form](prompts)


def format_of(path: str | Path) -> str:
    """The format that a file's ending stands for: text where it is neither JSON nor YAML."""
    ending = Path(path).suffix.lower().removeprefix(".")
    return {"json": "json", "yaml": "yaml", "yml": "yaml"}.get(ending, "text")


def write_prompts(path: str | Path, prompts: Prompts, form: str | None = None) -> None:
    """Writes prompts, all or nothing.

    Args:
        path: the file.
        prompts: what is written.
        form: one of `FORMATS`; by default what the file's ending says.

    Raises:
        DataError: the format cannot hold them.
    """
    write_text(Path(path), rendered(prompts, form or format_of(path)))


def read_prompts(path: str | Path, nodes: Iterable[Node] = ()) -> Read:
    """Reads a file of prompts, whatever wrote it.

    A `.json` or `.yaml` file holds what `graph_file.save_prompts` writes, or a mapping of names to
    texts, or the state of a DSPy program; any other file is text, see `langnet.exchange.text`.

    Args:
        path: the file.
        nodes: of the network that the prompts are for; they say which prompt a predictor of DSPy
            stands for.

    Raises:
        GraphError: it cannot be read, or holds no prompts.
    """
    path = Path(path)
    try:
        if path.suffix.lower() not in _DATA:
            return Read(from_text(read_text(path)))
        data = read_data(path)
        if is_dspy(data):
            return Read(*from_dspy(data, nodes))
        return Read(_named(data))
    except GraphError as error:
        prefix = "" if str(path) in str(error) else f"{path}: "
        raise GraphError(*(f"{prefix}{fault}" for fault in error.faults)) from None
    except DataError as error:
        raise GraphError(f"{path}: {error}") from error


def _named(data: Any) -> dict[str, str]:
    is_plain = isinstance(data, Mapping) and "format" not in data
    if is_plain and data and all(isinstance(value, str) for value in data.values()):
        return {str(name): text for name, text in data.items()}
    return prompts_from(data)
