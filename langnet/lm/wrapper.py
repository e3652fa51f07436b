"""A model over a model: what caches, meters and their like have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langnet.key import Key
    from langnet.lm.base import (
        Capabilities,
        Choice,
        Completion,
        Decoding,
        LabelScores,
        LanguageModel,
        TextScores,
    )

__all__ = ["Wrapper"]


class Wrapper:
    """Passes every question on to a model; a subclass changes what it needs to.

    It says and can do what the model does, since a wrapper changes no answer.

    Attributes:
        model: the model below.
    """

    __slots__ = ("model",)

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    @property
    def identity(self) -> str:
        """That of the model below."""
        return self.model.identity

    @property
    def capabilities(self) -> Capabilities:
        """Those of the model below."""
        return self.model.capabilities

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key; see `LanguageModel.sample`."""
        return await self.model.sample(context, decoding=decoding, keys=keys)

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts; see `LanguageModel.score`."""
        return await self.model.score(context, texts, decoding=decoding, end=end)

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set; see `LanguageModel.choose`."""
        return await self.model.choose(context, choices)

    async def aclose(self) -> None:
        """Closes the model below."""
        await self.model.aclose()
