"""A model over a model: what caches, meters and their like have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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

__all__ = ["Wrapper", "innermost", "name_of", "stack_of"]


class Wrapper:
    """Passes every question on to a model; a subclass changes what it needs to.

    It says and can do what the model does, since a wrapper changes no answer.

    Attributes:
        model: the model below.
        remembers: whether an answer may come from before, and take no tokens.
    """

    __slots__ = ("model",)
    remembers = False

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


def innermost(model: Any) -> Any:
    """The model that all wrappers over it are about."""
    return list(stack_of(model))[-1]


def stack_of(model: Any) -> Iterator[Any]:
    """A model with all that it is made of, from the top down."""
    yield model
    # A model of somebody's own may keep its name there.
    while hasattr(getattr(model, "model", None), "identity"):
        model = model.model
        yield model


def name_of(model: Any) -> str:
    """What people call a model: its own name, or its identity where it has none."""
    inner = innermost(model)
    name = getattr(inner, "name", None)
    return name if isinstance(name, str) and name else str(inner.identity)
