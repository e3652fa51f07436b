"""The probability of one label of a node with choices, at every place of its plates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from langnet.concurrency import each
from langnet.conditional import Conditional
from langnet.plate import nested
from langnet.trace import Site

__all__ = ["Chance"]

_TWO = 2


class Chance:
    """p(label | context) where a function reads it in the place of a text.

    It depends on what the node sees and not on the text that was drawn or observed there.
    """

    __slots__ = ("conditional", "depth", "label", "labels", "position")

    def __init__(self, conditional: Conditional, label: str, depth: int) -> None:
        """Takes the node's distribution, the label, and how many axes the node has."""
        choices = conditional.node.choices
        assert choices is not None  # noqa: S101 - the graph has checked it
        self.conditional = conditional
        self.label = label
        self.labels = choices.labels
        self.position = choices.labels.index(label)
        self.depth = depth

    async def nested(self, sites: Sequence[Site], like: Any) -> Any:
        """The probabilities in the shape of the node's value; one call for equal contexts at most.

        Raises:
            CapabilityError: the model cannot compare labels.
            ModelError: the call failed.
        """
        known: dict[str, float] = {}
        for site in sites:
            if (found := self._told(site)) is not None:
                known.setdefault(site.context, found)
        missing = list(dict.fromkeys(site.context for site in sites if site.context not in known))
        known.update(zip(missing, await each(self._asked, missing), strict=True))
        return nested(like, self.depth, {site.index: known[site.context] for site in sites})

    def _told(self, site: Site) -> float | None:
        """The probability where the draw has said it: of two labels, one tells the other."""
        if site.logprob is None or site.text not in self.labels:
            return None
        if site.text == self.label:
            return math.exp(site.logprob)
        return -math.expm1(site.logprob) if len(self.labels) == _TWO else None

    async def _asked(self, context: str) -> float:
        return math.exp((await self.conditional.label_logprobs(context))[self.position])
