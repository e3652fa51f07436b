"""What models have in common that draw texts and do nothing else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from langnet.errors import CapabilityError
from langnet.lm.base import Capabilities, Completion
from langnet.lm.partial import gathered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from langnet.key import Key
    from langnet.lm.base import Choice, Decoding, LabelScores, TextScores, Usage
    from langnet.lm.budget import Price

__all__ = ["Sampler", "draws"]


class Sampler:
    """A model that gives no log-probabilities; a subclass draws."""

    price: Price | None = None
    """What its tokens cost, where that is declared."""

    @property
    def capabilities(self) -> Capabilities:
        """It samples."""
        return Capabilities()

    async def score(
        self,
        context: str,  # noqa: ARG002
        texts: Sequence[str],  # noqa: ARG002
        *,
        decoding: Decoding,  # noqa: ARG002
        end: bool = True,  # noqa: ARG002
    ) -> TextScores:
        """Scores nothing.

        Raises:
            CapabilityError: always.
        """
        raise self._unable("score given texts")

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:  # noqa: ARG002
        """Scores nothing.

        Raises:
            CapabilityError: always.
        """
        raise self._unable("score labels")

    def _unable(self, what: str) -> CapabilityError:
        return CapabilityError(
            f"{self!r} does not {what}: it gives no log-probabilities. Let a model that does (an "
            "embedded one, or a server's with `scoring`) stand where texts or labels are scored"
        )


async def draws(
    draw: Callable[[Sequence[Key]], Awaitable[tuple[Completion, Usage]]],
    decoding: Decoding,
    keys: Sequence[Key],
) -> list[Completion]:
    """One text per key, each drawn for itself; at temperature 0 one that is drawn for all.

    Args:
        draw: draws one text for these keys.
        decoding: how.
        keys: of the draws.

    Raises:
        ModelError: a draw failed; see `langnet.lm.partial.gathered`.
    """
    if decoding.temperature == 0 and keys:
        one, _ = await draw(keys)
        return [one, *[Completion(one.text, one.finish)] * (len(keys) - 1)]
    drawn = await gathered([partial(draw, [key]) for key in keys])
    return [completion for completion, _ in drawn]
