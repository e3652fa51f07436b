"""How objects show themselves in notebooks and terminals; what they show stands in `showing`."""

from __future__ import annotations

from typing import Any

__all__ = ["Displayed"]


class Displayed:
    """An object that shows itself: HTML in notebooks, tables in terminals, and `print`.

    Nothing of it is imported or made before somebody looks.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        from langnet.showing import as_html  # noqa: PLC0415 - showing knows all that is shown

        return as_html(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        # Else IPython would take a dataclass's repr for the plain text.
        del include, exclude
        return {"text/html": self._repr_html_(), "text/plain": str(self)}

    def __rich__(self) -> Any:
        """What `rich` prints."""
        from langnet.showing import as_rich  # noqa: PLC0415 - showing knows all that is shown

        return as_rich(self)

    def __str__(self) -> str:
        from langnet.showing import as_text  # noqa: PLC0415 - showing knows all that is shown

        return as_text(self)
