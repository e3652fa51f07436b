"""Guides: where posterior draws of a latent text come from.

A guide looks at a `Hint` and gives the contexts of a uniform mixture; for each draw one of them is
picked and the node's model continues it. The guides are those of Deep Language Networks (Sordoni
et al. 2023, arXiv 2306.12509, §3.2): the forward template, the forward template with the answer
shown, and a rewrite of the forward text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from langnet.trace import Index

__all__ = [
    "GUIDES",
    "Guide",
    "Hint",
    "component_name",
    "edit",
    "hindsight",
    "mixture",
    "prior",
]


@dataclass(frozen=True, slots=True)
class Hint:
    """What a guide may look at when it proposes a latent text.

    Attributes:
        node: the node's name.
        index: the position in the node's plates.
        context: what the node itself would continue: its forward context.
        target: the texts observed further down, joined by commas: the answer in hindsight.
        forward: the node's text in the forward pass; empty where that had none at this place.
        child_prompts: the prompts of the language nodes that read this one, by node.
    """

    node: str
    index: Index
    context: str
    target: str
    forward: str
    child_prompts: Mapping[str, str]


Guide = Callable[[Hint], tuple[str, ...]]
"""Gives the contexts of a uniform mixture that a latent text is drawn from."""


def prior(hint: Hint) -> tuple[str, ...]:
    """Draws from the node itself, q(h) = p(h | parents, prompt)."""
    return (hint.context,)


def hindsight(hint: Hint) -> tuple[str, ...]:
    """Draws from the node with the answer shown, so that draws lead to it more often."""
    return (f"Given that the answer is: {hint.target}\n\n{hint.context}",)


def edit(hint: Hint) -> tuple[str, ...]:
    """Draws a rewrite of the forward text that should help the nodes that read it."""
    used = "\n".join(prompt for prompt in hint.child_prompts.values() if prompt)
    used = f"It is then used as follows:\n{used}\n\n" if used else ""
    if not hint.forward:  # there is nothing to rewrite
        return hindsight(hint)
    context = (
        f"{hint.context}\n\nThis was written before:\n{hint.forward}\n\n{used}"
        f"The answer should be: {hint.target}\n\nWritten again, so that it leads to that answer:"
    )
    return (context,)


def mixture(*guides: Guide) -> Guide:
    """A uniform mixture of guides. The paper's best is `mixture(prior, hindsight)`."""

    def mixed(hint: Hint) -> tuple[str, ...]:
        return tuple(context for guide in guides for context in guide(hint))

    return mixed


GUIDES: Mapping[str, Guide] = MappingProxyType(
    {
        "prior": prior,
        "hindsight": hindsight,
        "edit": edit,
        "mixture": mixture(prior, hindsight),
        "all": mixture(prior, hindsight, edit),
    }
)
"""The guides by name."""

_COMPONENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"mixture": ("prior", "hindsight"), "all": ("prior", "hindsight", "edit")}
)


def component_name(guide: Guide | str, component: int | None) -> str:
    """What one of a guide's contexts is called, for people: "guide" where that is not known.

    Args:
        guide: a guide or a name in `GUIDES`.
        component: the context's position.
    """
    if not isinstance(guide, str):
        return "guide" if component is None else f"guide, context {component + 1}"
    names = _COMPONENTS.get(guide, (guide,))
    return names[component] if component is not None and component < len(names) else "guide"
