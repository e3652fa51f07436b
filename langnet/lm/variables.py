"""Variables of the environment in plain data: `${NAME}`, `${NAME:-other}`, and `$${` for itself.

What they hold may be secret, so that messages are masked: they show the variable's name instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Variables"]

_VARIABLE = re.compile(r"\$\$\{|\$\{(?:(?P<name>\w+)(?::-(?P<other>[^}]*))?\})?")
_SHORTEST_SECRET = 6  # characters; what is shorter protects nothing
_DEEPEST = 20


@dataclass(slots=True)
class Variables:
    """Puts variables into their places.

    >>> faults = []
    >>> variables = Variables({"HOST": "127.0.0.1"}, faults)
    >>> variables.filled({"url": "http://${HOST}:${PORT:-80}", "key": "${KEY}"})["url"]
    'http://127.0.0.1:80'
    >>> faults
    ['key takes the variable KEY, which is not set; set it, or write ${KEY:-other}']

    Attributes:
        environment: the variables by name; an empty one counts as not set.
        faults: where what is wrong is noted.
    """

    environment: Mapping[str, str]
    faults: list[str]
    _hidden: dict[str, str] = field(default_factory=dict, repr=False)

    def hide(self, value: str, shown: str) -> None:
        """Lets no message show a value."""
        if len(value) >= _SHORTEST_SECRET:
            self._hidden.setdefault(value, shown)

    def masked(self, text: str) -> str:
        """A text without the values that are hidden."""
        for value in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(value, self._hidden[value])
        return text

    def filled(self, value: Any, place: str = "", depth: int = 0) -> Any:
        """The data with variables in their places."""
        if depth > _DEEPEST:  # an alias of YAML may hold itself
            self.faults.append(f"{place} is nested too deeply")
            return None
        if isinstance(value, dict):
            return {
                key: self.filled(inner, f"{place}.{key}".lstrip("."), depth + 1)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self.filled(v, f"{place}[{at}]", depth + 1) for at, v in enumerate(value)]
        if not isinstance(value, str):
            return value
        return _VARIABLE.sub(lambda match: self._variable(match, place), value)

    def _variable(self, match: re.Match[str], place: str) -> str:
        name = match["name"]
        if match[0] == "$${":
            return "${"
        if name is None:
            self.faults.append(
                f"{place} has a ${{ that names no variable; write ${{NAME}}, ${{NAME:-other}}, or "
                "$${ for the signs themselves"
            )
            return ""
        value = self.environment.get(name) or match["other"]
        if value is None:
            self.faults.append(
                f"{place} takes the variable {name}, which is not set; set it, or write "
                f"${{{name}:-other}}"
            )
            return ""
        self.hide(value, f"${{{name}}}")
        return value
