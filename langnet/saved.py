"""What a fit left: a network in a file or in a run's directory, and the models it was fitted with.

A file that comes from elsewhere must not decide where inputs and keys are sent. So a model that it
names by an address, by a file, or with a variable of the environment, is taken only on trust;
models of the catalogue, of this machine's own servers and of a provider's usual address are safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from langnet import graph_file
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.lm.connect import Declaration
from langnet.lm.spec import parsed

__all__ = ["demand_trust", "located", "named_models", "recordable", "saved_models"]

_NAMES = ("best.yaml", "best.yml", "best.json")


def located(source: str | Path) -> Path:
    """The graph file that is meant: the file itself, or the best network of a run's directory.

    Raises:
        GraphError: the directory holds none.
    """
    path = Path(source)
    if not path.is_dir():
        return path
    for name in _NAMES:
        if (path / name).is_file():
            return path / name
    raise GraphError(
        f"the directory {path} holds no {_NAMES[0]}, which a fit writes at its end; go on with a "
        "fit that was stopped, or name a graph file"
    )


def saved_models(path: str | Path, *, trust: bool = False) -> dict[str, str]:
    """The models that a graph file names, as lines that `connect` takes, by the nodes' names.

    Args:
        path: a .yaml, .yml or .json file.
        trust: whether models that the file chose the address of are allowed.

    Raises:
        GraphError: the file cannot be read, or names such a model without trust.
        SpecError: a line of it names no model.
    """
    found = graph_file.load_models(path)
    if not trust:
        demand_trust(found, path)
    return found


def demand_trust(models: Mapping[str, str], place: str | Path) -> None:
    """Refuses models that the file which names them chose the address of.

    Raises:
        GraphError: one is such.
        SpecError: a line names no model.
    """
    for name, line in models.items():
        if not _is_safe(parsed(line)):
            raise GraphError(
                f"{place} names the model {name!r} by an address, a file or a variable of its own "
                f"choosing, {line}; give the models yourself (models=…, --model), or trust the "
                "file (trust=True, --trust)"
            )


def named_models(graph: Graph) -> list[str]:
    """The names of models that a graph's nodes call."""
    return sorted({node.model for node in graph.nodes.values()}) or ["default"]


def recordable(specs: Mapping[str, object]) -> dict[str, str]:
    """Those models that a graph file may name: lines in which no secret stands."""
    return {
        name: spec
        for name, spec in specs.items()
        if isinstance(spec, str) and "@" not in urlsplit(_url(parsed(spec))).netloc
    }


def _is_safe(declaration: Declaration) -> bool:
    if "key_env" in declaration.options:
        return False
    if declaration.provider == "local":
        return not declaration.name.endswith(".gguf") and not {"/", "\\"} & {*declaration.name}
    host = urlsplit(_url(declaration)).hostname
    if host is None or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _url(declaration: Declaration) -> str:
    return str(declaration.options.get("base_url", ""))
