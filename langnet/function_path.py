"""Functions by import path: how a graph file names code without holding any.

A function is `module:qualname`. An instance of a dataclass is the path of its class with its
fields as arguments. Naming a function imports nothing; finding one imports its module, which runs
code, and so is done only for files that the caller trusts. `langnet.functions` and `langnet.votes`
are always trusted.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import langnet.functions
import langnet.verdicts
import langnet.votes
from langnet.errors import GraphError

__all__ = ["find", "is_trusted", "path_of"]

_PATH = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")
_PLAIN = (str, int, float, bool, type(None))


def path_of(function: Any) -> tuple[str, dict[str, Any] | None]:
    """The import path of a function, and the arguments that make it where it is made by a class.

    Raises:
        GraphError: nothing could find the function again; the message says why.
    """
    if dataclasses.is_dataclass(function) and not isinstance(function, type):
        made = type(function)
        settings = [field for field in dataclasses.fields(function) if field.init]
        arguments = {field.name: getattr(function, field.name) for field in settings}
        if made.__module__ == langnet.functions.__name__:  # these take lists for their tuples
            arguments = {name: _listed(value) for name, value in arguments.items()}
        strange = [name for name, value in arguments.items() if not _is_plain(value)]
        if strange:
            raise GraphError(
                f"its arguments {', '.join(strange)} are no plain data; use texts, numbers, "
                "booleans, and lists or dicts of them"
            )
        return _checked(made), arguments
    return _checked(function), None


def is_trusted(path: str) -> bool:
    """Whether a path names one of langnet's own functions."""
    module, _, name = path.partition(":")
    return any(
        module == own.__name__ and name in own.__all__
        for own in (langnet.verdicts, langnet.functions, langnet.votes)
    )


def find(path: str, arguments: Mapping[str, Any] | None) -> Callable[..., Any]:
    """Imports a function, and makes it where there are arguments. This runs its module's code.

    Raises:
        GraphError: the path does not lead to something that can be called.
    """
    if not _PATH.fullmatch(path):
        raise GraphError(f"{path!r} is no import path; write module:name")
    module, _, qualname = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in qualname.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise GraphError(f"{path!r} cannot be imported: {error}") from error
    if arguments is None and dataclasses.is_dataclass(found):
        raise GraphError(f"{path!r} is made with arguments; give them")
    if arguments is not None:
        try:
            found = found(**arguments)
        except (TypeError, ValueError) as error:
            raise GraphError(f"{path!r} cannot be made with its arguments: {error}") from error
    if not callable(found):
        raise GraphError(f"{path!r} is a {type(found).__name__}, which cannot be called")
    return found  # type: ignore[no-any-return]


def _checked(thing: Any) -> str:
    module = getattr(thing, "__module__", None)
    qualname = getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str):
        raise GraphError(
            f"{thing!r} has no name that it could be imported by; "
            "define a function at the top level of a module"
        )
    if "<lambda>" in qualname:
        raise GraphError("a lambda has no name; define a function at the top level of a module")
    if "<locals>" in qualname:
        raise GraphError(
            f"{qualname} is defined inside a function; define it at the top level of a module"
        )
    if module == "__main__":
        raise GraphError(
            f"{qualname} is defined in the script that runs, which nothing else can import; "
            "move it into a module of its own"
        )
    found: Any = sys.modules.get(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    if found is not thing:
        raise GraphError(
            f"{module}:{qualname} does not lead back to it; "
            "define a function at the top level of a module"
        )
    return f"{module}:{qualname}"


def _listed(value: Any) -> Any:
    return [*value] if isinstance(value, tuple) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(element) for key, element in value.items())
    return isinstance(value, _PLAIN)
