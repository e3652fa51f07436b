"""Networks named on the command line: Python files, module:attribute, graph files, fits."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import click

import langnet
from langnet import graph_file, tasks
from langnet.cli.paper import network_settings
from langnet.errors import GraphError, LangnetError
from langnet.graph import Graph
from langnet.procedure import Procedure
from langnet.saved import located, saved_models
from langnet.tasks import Task

__all__ = ["Network", "default_task", "load_network"]

_ATTRIBUTE = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")
_GRAPH_FILES = {".yaml", ".yml", ".json"}


@dataclass(frozen=True, slots=True)
class Network:
    """A network as it was named.

    Attributes:
        source: what the user wrote.
        make: builds it for a task, or the network itself where it is made for one already.
        task: the name of the task that it goes with by default.
        settings: what the user set of it, as NAME=VALUE.
        rounds: makes its procedure for `langnet rounds`, where it has one.
        models: those that its file says it was fitted with, by the names that nodes call; trusted
            by nobody yet.
    """

    source: str
    make: Callable[..., Graph] | Graph
    task: str | None = None
    settings: tuple[str, ...] = ()
    rounds: Callable[..., Procedure] | None = None
    models: Mapping[str, str] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, str | int | float]:
        """The settings that it has, each with its default."""
        if isinstance(self.make, Graph):
            return {}
        return {
            parameter.name: parameter.default
            for function in (self.make, self.rounds)
            for parameter in (inspect.signature(function).parameters.values() if function else ())
            if isinstance(parameter.default, str | int | float)
        }

    def graph(self, task: Task | None, **settings: str) -> Graph:
        """The network for a task.

        Args:
            task: the task.
            **settings: further settings by name, as texts; they go before those of the user.

        Raises:
            click.UsageError: it has no such setting, or no task where it needs one.
            GraphError: what was named does not make a graph.
        """
        if isinstance(self.make, Graph):
            if self.settings or settings:
                raise click.UsageError(f"{self.source} has no settings, so leave --set out")
            return self.make
        if task is None:
            raise click.UsageError(f"{self.source} makes a network for a task; give --task NAME")
        chosen = {**_pairs(self.settings), **settings}
        values = _settings(self, chosen)
        with _Told(self.source):
            graph: object = self.make(task, **_of(self.make, values))
        if not isinstance(graph, Graph):
            raise GraphError(
                f"network(task) of {self.source} returns a {type(graph).__name__}, not a Graph"
            )
        return graph

    def procedure(self, task: Task | None) -> Procedure:
        """What its rounds do on a task.

        Raises:
            click.UsageError: it has no rounds, or there is no task.
            GraphError: what is there makes no procedure.
        """
        if self.rounds is None or task is None:
            raise click.UsageError(
                f"{self.source} has no function rounds(task) that returns a Procedure, so there is "
                "nothing to do in rounds; langnet fit fits its network"
            )
        values = _settings(self, _pairs(self.settings))
        with _Told(self.source):
            found: object = self.rounds(task, **_of(self.rounds, values))
        if not isinstance(found, Procedure):
            raise GraphError(
                f"rounds(task) of {self.source} returns a {type(found).__name__}, not a Procedure"
            )
        return found


def load_network(
    source: str,
    *,
    settings: Sequence[str] = (),
    preset: str | None = None,
    trust: bool = False,
) -> Network:
    """Finds a network.

    Args:
        source: a Python file, module:attribute, a graph file, or the directory of a run.
        settings: of the network, as NAME=VALUE.
        preset: the data's preset, whose settings come before those.
        trust: import the functions that a graph file names.

    Raises:
        click.UsageError: nothing is there under that name.
        GraphError: what is there makes no network.
    """
    path = Path(source)
    if path.suffix == ".py":
        _must_exist(path)
        found = _of_module(source, _run_file(path))
    elif path.suffix.lower() in _GRAPH_FILES or path.is_dir():
        path = located(path)
        _must_exist(path)
        graph = graph_file.load(path, trust=trust)
        found = Network(source, graph, models=saved_models(path, trust=True))
    elif _ATTRIBUTE.fullmatch(source):
        found = _imported(source)
    else:
        raise click.UsageError(
            f"{source!r} names no network; give a Python file (graphs/dln2.py), module:attribute, "
            "a graph file (.yaml, .json), or the directory of a run"
        )
    return replace(found, settings=(*network_settings(preset, found.defaults), *settings))


def _pairs(items: Sequence[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in items]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise click.UsageError(f"--set needs NAME=VALUE, not {name!r}")
    return {name: value for name, _, value in pairs}


def _settings(network: Network, chosen: Mapping[str, str]) -> dict[str, Any]:
    """The settings by name, each of the type of its default."""
    defaults = network.defaults
    settings: dict[str, Any] = {}
    for name, text in chosen.items():
        if name not in defaults:
            known = ", ".join(f"{key}={value}" for key, value in defaults.items()) or "none"
            raise click.UsageError(
                f"{network.source} has no setting {name!r}; its settings are {known}"
            )
        kind = type(defaults[name])
        try:
            settings[name] = _read(text, kind)
        except ValueError as error:
            raise click.UsageError(
                f"the setting {name} of {network.source}: {text!r} is no {kind.__name__}"
            ) from error
    return settings


def _of(function: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that a function has."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in settings.items() if name in known}


def _read(text: str, kind: type) -> Any:
    if kind is not bool:
        return kind(text)
    if text not in {"true", "false"}:
        raise ValueError("it is true or false")
    return text == "true"


def default_task(network: Network, name: str | None) -> Task | None:
    """The generated task of that name, or else the one that goes with the network, if any.

    Raises:
        DataError: there is no task of that name.
    """
    name = name or network.task
    return None if name is None else tasks.get(name)


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise click.UsageError(f"there is no file {path}")


def _run_file(path: Path) -> ModuleType:
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - a file that ends in .py always has one
    assert spec.loader is not None  # noqa: S101 - likewise
    module = importlib.util.module_from_spec(spec)
    _add_to_path(path.parent)
    hidden = sys.modules.get(name)
    # Dataclasses look their module up. It is taken out again, so that a saved graph never names
    # functions by a module that nothing else could import.
    sys.modules[name] = module
    try:
        with _Told(str(path)):
            spec.loader.exec_module(module)
    finally:
        if hidden is None:
            del sys.modules[name]
        else:
            sys.modules[name] = hidden
    return module


def _of_module(source: str, module: ModuleType) -> Network:
    made: Any = getattr(module, "network", None) or getattr(module, "graph", None)
    if not isinstance(made, Graph) and not callable(made):
        raise GraphError(
            f"{source} has neither a function network(task) nor a graph; "
            "write graph = Graph(…) or def network(task): return Graph(…)"
        )
    rounds = getattr(module, "rounds", None)
    return Network(source, made, getattr(module, "TASK", None), rounds=rounds)


def _imported(source: str) -> Network:
    name, _, attributes = source.partition(":")
    _add_to_path(Path())
    try:
        is_there = importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        is_there = False
    if not is_there:
        raise click.UsageError(f"{source!r}: there is no module {name!r} to import")
    with _Told(name):
        module = importlib.import_module(name)
    made: Any = module
    for attribute in attributes.split("."):
        made = getattr(made, attribute, None)
    if not isinstance(made, Graph) and not callable(made):
        raise click.UsageError(
            f"{source!r}: {name} has no graph or function of a task called {attributes!r}"
        )
    return Network(source, made, getattr(module, "TASK", None))


def _add_to_path(folder: Path) -> None:
    """Lets modules beside a network be imported, after all that is installed."""
    place = str(folder.resolve())
    if place not in sys.path:
        sys.path.append(place)


class _Told:
    """Names the file and the line where a user's own code raised."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, Exception):
            return
        place = self.source
        if isinstance(error, SyntaxError):
            place = f"{error.filename}, line {error.lineno}"
        else:
            frames = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in frames if _is_users(frame.filename)]
            if own:
                place = f"{own[-1].filename}, line {own[-1].lineno}"
        what = str(error) if isinstance(error, LangnetError) else f"{type(error).__name__}: {error}"
        raise GraphError(f"{place}: {what}") from error


def _is_users(filename: str) -> bool:
    is_frozen = filename.startswith("<")
    return not is_frozen and not Path(filename).is_relative_to(Path(langnet.__file__).parent)
