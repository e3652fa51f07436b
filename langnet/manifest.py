"""Manifests: all that decides the numbers of a fit, in one file that can be run again.

Published numbers of language models often cannot be had again, since templates, truncation, stop
strings, seeds or versions are not told (Huang et al. 2024, arXiv 2403.17031, go through such
details for one experiment). A manifest tells them, with digests of the data and of the result, so
that whoever runs it again knows whether the same came out.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from langnet.errors import DataError
from langnet.guidance import Entry

__all__ = [
    "FORMAT",
    "Differences",
    "compared",
    "differing",
    "digest",
    "manifest",
    "read_manifest",
    "versions",
]

FORMAT = "langnet-manifest/1"
_Place = tuple[str | int, ...]
_PACKAGES = ("langnet", "numpy", "scipy", "tiktoken", "xllamacpp")
"""Packages whose release can change a number."""

CONVENTIONS: Mapping[str, str] = MappingProxyType(
    {
        "context": "the node's template with its fields filled in literally; never truncated: what "
        "does not fit the model's context fails with ContextOverflow",
        "text": "without surrounding white space; it ends before the first stop string, at the "
        "model's end token, or at max_tokens",
        "joining": "a scored text meets its context with one space where neither has white space",
        "score": "log-probabilities in nats at the node's temperature (0 counts as 1), the end of "
        "the text included where the model gives it; labels without their end",
        "choices": "normalised over the labels; the verbalisers of a label are added up",
        "failed examples": "count 0 in metrics, up to max_failures",
    }
)
"""What holds for every fit, in words."""


def manifest(
    *,
    arguments: Sequence[str],
    run: Mapping[str, Any],
    network: Mapping[str, Any] | None,
    result: Mapping[str, Any],
    cost: Mapping[str, Any],
    guidance: Iterable[Entry] = (),
) -> dict[str, Any]:
    """Everything that decided the numbers of a fit.

    Args:
        arguments: of `langnet fit`.
        run: what the run is; see `langnet.checkpoint.describe`. It holds every node's template,
            prompt, decoding and choices, the models' identities, the method, the seed, and digests
            of the data.
        network: the network as a graph file holds it; None where it cannot be saved.
        result: what came of it; see `langnet.report.result.result_data`.
        cost: seconds, calls and tokens.
        guidance: what people said and the fit followed, with the steps at which it took it.
    """
    return {
        "format": FORMAT,
        "arguments": [*arguments],
        "run": dict(run),
        "network": None if network is None else dict(network),
        "guidance": [_said(entry) for entry in guidance],
        "conventions": dict(CONVENTIONS),
        "versions": versions(),
        "data": result.get("data"),
        "result": {"digest": digest(result), **dict(result)},
        "cost": dict(cost),
    }


def _said(entry: Entry) -> dict[str, Any]:
    """An entry without who said it and when: that decides nothing, and is nobody's business."""
    data = entry.to_json()
    return {name: value for name, value in data.items() if name not in {"by", "at"}}


def versions() -> dict[str, str]:
    """The releases of all that can change a number; what is not installed is left out."""
    found = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "machine": platform.machine(),
        "system": platform.system(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def digest(result: Mapping[str, Any]) -> str:
    """SHA-256 of a result as JSON with sorted names, in hexadecimal digits."""
    plain = json.dumps(result, sort_keys=True, ensure_ascii=False)
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Reads a manifest.

    Raises:
        DataError: the file is none, or of another version of langnet.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a manifest: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DataError(f"{path} is no manifest that this version reads; it wants {FORMAT!r}")
    wanted = {"arguments": list, "run": dict, "versions": dict, "result": dict}
    for name, kind in wanted.items():
        if not isinstance(found.get(name), kind):
            raise DataError(f"{path} is no whole manifest: {name!r} is missing or of another kind")
    if not all(isinstance(argument, str) for argument in found["arguments"]):
        raise DataError(f"{path} is no whole manifest: its arguments are texts")
    return found


@dataclass(frozen=True, slots=True)
class Differences:
    """Where a run differs from a manifest.

    Attributes:
        fatal: what makes it another fit: its network, data, method or seed.
        notable: what may change numbers, but need not: models and versions.
    """

    fatal: tuple[str, ...]
    notable: tuple[str, ...]


def compared(recorded: Mapping[str, Any], run: Mapping[str, Any]) -> Differences:
    """How a run that is about to begin differs from the one in a manifest.

    Args:
        recorded: the manifest.
        run: what is about to be run; see `langnet.checkpoint.describe`.
    """
    before: Mapping[str, Any] = recorded["run"]
    # Through JSON, so that tuples and lists are the same.
    after: Mapping[str, Any] = json.loads(json.dumps(run))
    names = ("seed", "graph", "train", "dev", "method")
    fatal = [
        f"{name}: {_shown(before.get(name))} became {_shown(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    ]
    models = {**_models(before), "proposer": before.get("proposer")}
    now = {**_models(after), "proposer": after.get("proposer")}
    notable = [
        f"the model {name!r}: {models.get(name)} became {now.get(name)}"
        for name in sorted({*models, *now})
        if models.get(name) != now.get(name)
    ]
    releases = versions()
    notable += [
        f"{name}: {recorded['versions'].get(name, 'none')} became {releases.get(name, 'none')}"
        for name in sorted({*recorded["versions"], *releases})
        if recorded["versions"].get(name) != releases.get(name)
    ]
    return Differences(tuple(fatal), tuple(notable))


def differing(recorded: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a result differs from a recorded one, a line each; none where their digests agree.

    Args:
        recorded: the result in a manifest, without its digest.
        result: what came of the fit now.
    """
    if digest(recorded) == digest(result):
        return ()
    before, after = dict(_leaves(recorded)), dict(_leaves(json.loads(json.dumps(result))))
    return tuple(
        f"{'.'.join(map(str, place))}: {_shown(before.get(place))} became "
        f"{_shown(after.get(place))}"
        for place in dict.fromkeys((*before, *after))
        if _leaf(before, place) != _leaf(after, place)
    )


def _leaves(value: Any, place: _Place = ()) -> Iterator[tuple[_Place, Any]]:
    """All that a document holds, by where it stands; what is empty counts as it is."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        inner = [*value.items()]
    elif isinstance(value, list):
        inner = [*enumerate(value)]
    if not inner:
        yield place, value
    for name, element in inner:
        yield from _leaves(element, (*place, name))


def _leaf(leaves: Mapping[_Place, Any], place: _Place) -> str | None:
    """As JSON, in which 1, 1.0 and true are told apart; `None` where there is nothing."""
    return json.dumps(leaves[place]) if place in leaves else None


def _models(run: Mapping[str, Any]) -> Mapping[str, Any]:
    found = run.get("models")
    return found if isinstance(found, Mapping) else {}


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    limit = 60
    return text if len(text) <= limit else f"{text[:limit]}…"
