"""Files that declare models by name, in YAML or TOML.

    models:
      default: {provider: openai, name: gpt-4o-mini, limits: {requests_per_minute: 3000}}
      judge: "local:smollm2"
      proposer: {provider: openai, name: qwen, base_url: "${HOST}/v1", api_key: "${KEY:-none}"}

A model is a line as `connect` takes it, or a mapping: its provider, its name, the provider's
options, and how it is to be asked. `${NAME}` stands for a variable of the environment; see
`langnet.lm.variables`. No message shows what one holds, nor a key.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from langnet.fields import Fields
from langnet.lm.backoff import Retries
from langnet.lm.budget import Price
from langnet.lm.limits import Limits
from langnet.lm.spec import OPTIONS, Declaration, SpecError, flag, parsed
from langnet.lm.variables import Variables
from langnet.text_file import yaml_data

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read"]

T = TypeVar("T")

# Options that a line has no room for, or that must not stand in one.
_MORE: Mapping[str, type] = {"base_url": str, "api_key": str, "extra": dict}


def read(
    path: str | Path, *, environment: Mapping[str, str] | None = None
) -> dict[str, Declaration]:
    """The models that a file declares, by name; nothing is opened.

    Args:
        path: a .yaml, .yml or .toml file.
        environment: variables by name; by default those of the process.

    Raises:
        SpecError: the file cannot be read, or holds faults; the message lists all with their
            places and mends.
    """
    path = Path(path)
    data = _data(path)
    variables = Variables(os.environ if environment is None else environment, faults=[])
    reading = _Reading(path, variables)
    whole = Fields(variables.filled(data), "", reading.faults)
    listed = whole.take("models", dict, default={}, required=True)
    whole.end()
    if not listed and "models" in whole:
        whole.fault("models", "declares none; give one such as default: local:smollm2")
    by_name = Fields(listed, "models", reading.faults)
    found = {name: reading.model(name, listed[name]) for name in by_name.keys()}  # noqa: SIM118
    if reading.faults:
        raise SpecError(reading.message())
    return {name: declared for name, declared in found.items() if declared is not None}


def _data(path: Path) -> Any:
    """What a file holds. Errors of the parsers are not passed on: they quote the file."""
    readers = {".yaml": _yaml, ".yml": _yaml, ".toml": _toml}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SpecError(f"{path} has the extension {path.suffix!r}; use .yaml, .yml or .toml")
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        fault = f"there is no file {path}"
    except OSError as error:
        fault = f"{path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        fault = f"{path} is not UTF-8 text"
    else:
        data, fault = reader(text)
        if not fault:
            return data
        fault = f"{path} {fault}"
    raise SpecError(fault)


def _yaml(text: str) -> tuple[Any, str]:
    try:
        return yaml_data(text), ""
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
        return None, f"is not YAML{place}: {error.problem}"
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, f"is not YAML: {type(error).__name__}"


def _toml(text: str) -> tuple[Any, str]:
    try:
        return tomllib.loads(text), ""
    except tomllib.TOMLDecodeError as error:
        return None, f"is not TOML: {error}"
    except RecursionError:
        return None, "is not TOML: it is nested too deeply"


@dataclass(slots=True)
class _Reading:
    """One file being read: its faults, and what must not be shown of it."""

    path: Path
    variables: Variables

    @property
    def faults(self) -> list[str]:
        """Those found so far."""
        return self.variables.faults

    def message(self) -> str:
        """All faults, without what must not be shown."""
        faults = [self.variables.masked(fault) for fault in self.faults]
        if len(faults) == 1:
            return f"{self.path}: {faults[0]}"
        return f"{self.path}: {len(faults)} faults:\n" + "\n".join(f"  - {f}" for f in faults)

    def model(self, name: str, value: Any) -> Declaration | None:
        """The model of that name, if nothing is wrong with it."""
        place, before = f"models.{name}", len(self.faults)
        if isinstance(value, str):
            try:
                return replace(parsed(value), place=f"{self.path}: {place}")
            except SpecError as error:
                self.faults.append(f"{place}: {error}")
                return None
        if not isinstance(value, dict):
            self.faults.append(f"{place} must be a line such as local:smollm2, or a mapping")
            return None
        values = Fields(value, place, self.faults)
        provider = values.text("provider")
        if provider not in OPTIONS:
            near = difflib.get_close_matches(provider, OPTIONS, n=1)
            mend = f"did you mean {near[0]!r}?" if near else f"known are {sorted(OPTIONS)}"
            if provider:
                values.fault("provider", f"is unknown: {provider!r}; {mend}")
            return None
        options = self._options(value, values, provider)
        declared = Declaration(
            provider=provider,
            name=values.text("name"),
            options=options,
            place=f"{self.path}: {place}",
        )
        if provider != "local":  # which is asked once, as fast as it answers, and costs nothing
            declared = replace(
                declared,
                price=self._settings(values, "price", Price, None),
                limits=self._settings(values, "limits", Limits, "usual"),
                retries=self._settings(values, "retries", Retries, "usual"),
            )
        values.end()
        return declared if len(self.faults) == before else None

    def _options(self, value: dict[str, Any], values: Fields, provider: str) -> dict[str, Any]:
        kinds: dict[str, Any] = {n: bool if k is flag else k for n, k in OPTIONS[provider].items()}
        if provider != "local":
            kinds |= _MORE
        self.variables.hide(str(value.get("api_key", "")), "[key]")
        typed = Fields(_numbers(value, kinds), values.place, self.faults)
        options = {name: typed.take(name, kind) for name, kind in kinds.items()}
        for name in kinds:
            values.take(name, type(value.get(name)))  # known, and read above
        if options.get("api_key") and options.get("key_env"):
            values.fault("key_env", "says where the key is, and api_key says it too; keep one")
        return {name: found for name, found in options.items() if found is not None}

    def _settings(self, values: Fields, name: str, kind: type[T], missing: Any) -> Any:
        """A group of settings; `false` for none, where one leaves that out."""
        given = values.take(name, dict, bool)
        if given is None:
            return missing
        if isinstance(given, bool):
            if given or missing is None:
                values.fault(name, "must be a mapping" + ("" if missing is None else ", or false"))
            return None
        kinds = {each.name: _kind(each.default) for each in fields(kind)}  # type: ignore[arg-type]
        inner = Fields(_numbers(given, kinds), f"{values.place}.{name}", self.faults)
        before = len(self.faults)
        found = {key: inner.take(key, *_kinds(kinds[key])) for key in kinds}
        inner.end()
        if len(self.faults) > before:
            return None
        try:
            return kind(**{key: value for key, value in found.items() if value is not None})
        except (TypeError, ValueError) as error:
            inner.fault(None, f"cannot be used: {error}")
            return None


def _kind(default: object) -> Any:
    """What a setting is by its default; those that may be left out are numbers."""
    return float if default is None else (int, str) if isinstance(default, str) else type(default)


def _kinds(kind: Any) -> tuple[type, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _numbers(given: Mapping[str, Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Texts read as numbers where numbers are wanted: variables hold only text."""
    found = dict(given)
    for name, value in given.items():
        kind = kinds.get(name)
        if isinstance(value, str) and kind in {int, float}:
            try:
                found[name] = kind(value)
            except ValueError:
                continue
    return found
