"""YAML and JSON files of plain data, told apart by extension, and written all or nothing."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml

from langnet.errors import GraphError

__all__ = [
    "as_json",
    "as_yaml",
    "discard_unfinished",
    "read_data",
    "read_text",
    "replacing",
    "write_data",
    "write_text",
    "yaml_data",
]

_YAML = {".yaml", ".yml"}
_JSON = {".json"}
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
_BREAKS = frozenset("\x85\u2028\u2029")
"""Line breaks to YAML that it would read back as others, unless they are escaped."""


def read_data(path: Path) -> Any:
    """The data in a YAML or JSON file.

    Raises:
        GraphError: there is no such file, or it cannot be read as what its extension says.
    """
    is_yaml = _is_yaml(path)
    text = read_text(path)
    try:
        if is_yaml:
            return yaml_data(text)
        return json.loads(text, object_pairs_hook=_unique)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise GraphError(f"{path} is not {'YAML' if is_yaml else 'JSON'}: {error}") from error


def read_text(path: Path) -> str:
    """A file of UTF-8 text, its line breaks as they are.

    Raises:
        GraphError: there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise GraphError(f"there is no file {path}") from None
    except OSError as error:
        raise GraphError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GraphError(f"{path} is not UTF-8 text: {error}") from error


def yaml_data(text: str) -> Any:
    """The plain data of a YAML text.

    Raises:
        yaml.YAMLError: it is none, or a mapping holds a key twice.
    """
    return yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader


def write_data(path: Path, data: Any) -> None:
    """Writes data as YAML or JSON; texts of several lines stand as blocks in YAML.

    Raises:
        GraphError: the extension is neither.
    """
    write_text(path, as_yaml(data) if _is_yaml(path) else as_json(data))


def as_yaml(data: Any) -> str:
    """Plain data as YAML, in its order; texts of several lines stand as blocks."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def as_json(data: Any) -> str:
    """Plain data as JSON that people can read."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def write_text(path: Path, text: str) -> None:
    """Writes a file so that a reader finds either the old text or the whole new one."""
    with replacing(path) as file:
        # A lone surrogate becomes an escape that both formats read back.
        file.write(text.encode(errors="backslashreplace"))


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file that takes the place of another when the block ends, and only if it ends well.

    Args:
        path: the file.
        durable: whether it is on the disk then, and not only on its way there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def discard_unfinished(folder: Path) -> None:
    """Removes what `write_text` left in a folder whose process was killed in the midst of it."""
    for file in folder.glob(".*"):
        if _UNFINISHED.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _is_yaml(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in _YAML | _JSON:
        raise GraphError(f"{path} has the extension {suffix!r}; use .yaml, .yml or .json")
    return suffix in _YAML


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"the key {key!r} stands twice in one mapping")
        mapping[key] = value
    return mapping


class _Loader(yaml.SafeLoader):
    """Refuses a mapping with the same key twice, of which the first would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice in one mapping", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and never as aliases of each other."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if _BREAKS.intersection(text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _block)
