"""What a graph is made of: inputs, language nodes and function nodes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langnet.errors import GraphError
from langnet.lm.base import Choice, Decoding
from langnet.template import Template

__all__ = ["Choices", "Function", "Input", "Node", "Part", "Prompt"]


@dataclass(frozen=True, slots=True)
class Input:
    """An observed value that each example brings.

    Attributes:
        name: the field that templates and parameters refer to.
        plural: whether the value is a sequence over which nodes may map with `over`.
    """

    name: str
    plural: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with a name of its own: nodes that hold the same one share it.

    Attributes:
        name: what the prompt is called in `Graph.prompts`.
        text: the text at the start.
    """

    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """A closed set of labels that a node's text is taken from.

    Attributes:
        choices: the labels with their verbalisers.
        calibrate: whether each label's probability is divided by what it is without content,
            that is with every field but the prompt replaced by one of `content_free`
            (contextual calibration, Zhao et al. 2021, arXiv 2102.09690).
        content_free: the replacements; the probabilities they give are averaged.
    """

    choices: tuple[Choice, ...]
    calibrate: bool = False
    content_free: tuple[str, ...] = ("N/A", "[MASK]", "")

    @classmethod
    def of(cls, choices: Choices | Sequence[str] | Mapping[str, Sequence[str]]) -> Choices:
        """From labels, or from a mapping of each label to its verbalisers.

        Raises:
            GraphError: a single text, which would be taken apart into letters.
        """
        if isinstance(choices, Choices):
            return choices
        if isinstance(choices, str):
            raise GraphError(f"the choices are one text, {choices!r}; give a list of labels")
        if isinstance(choices, Mapping):
            items = choices.items()
            return cls(
                tuple(
                    Choice(label, (texts,) if isinstance(texts, str) else tuple(texts))
                    for label, texts in items
                )
            )
        return cls(tuple(Choice(label) for label in choices))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in their order."""
        return tuple(choice.label for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Node:
    """A language node: text drawn from a language model, given its parents and its prompt.

    Attributes:
        name: the node's name, by which other nodes refer to its text.
        template: the context that the model continues; its fields are the node's parents, and
            `{prompt}` stands for the prompt.
        prompt: the learnable text, or a `Prompt` to share one with other nodes.
        trainable: whether fitting may change the prompt.
        choices: the closed set that the text is taken from, if any.
        draws: how many texts are drawn (a plate): the node's value is then a tuple.
        over: the plural parent that the node maps over, one element at a time.
        model: which of the models given at run time the node calls.
        decoding: how its text is drawn.
    """

    name: str
    template: str
    prompt: str | Prompt = ""
    trainable: bool = field(default=True, kw_only=True)
    choices: Choices | None = field(default=None, kw_only=True)
    draws: int | None = field(default=None, kw_only=True)
    over: str | None = field(default=None, kw_only=True)
    model: str = field(default="default", kw_only=True)
    decoding: Decoding = field(default=Decoding(), kw_only=True)

    def __init__(
        self,
        name: str,
        template: str,
        prompt: str | Prompt = "",
        *,
        trainable: bool = True,
        choices: Choices | Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        draws: int | None = None,
        over: str | None = None,
        model: str = "default",
        decoding: Decoding | None = None,
    ) -> None:
        """Declares the node; the graph that takes it checks it."""
        put = object.__setattr__
        put(self, "name", name)
        put(self, "template", template)
        put(self, "prompt", prompt)
        put(self, "trainable", trainable)
        put(self, "choices", None if choices is None else Choices.of(choices))
        put(self, "draws", draws)
        put(self, "over", over)
        put(self, "model", model)
        put(self, "decoding", decoding or Decoding())

    @property
    def prompt_name(self) -> str:
        """What the node's prompt is called: the node's own name unless it is shared."""
        return self.prompt.name if isinstance(self.prompt, Prompt) else self.name

    @property
    def prompt_text(self) -> str:
        """The prompt as it stands."""
        return self.prompt.text if isinstance(self.prompt, Prompt) else self.prompt

    @property
    def parents(self) -> tuple[str, ...]:
        """The names of the node's parents."""
        return Template.parse(self.template).parents


@dataclass(frozen=True, slots=True)
class Function:
    """A function node: a value computed from its parents. The parameter names are the edges.

    Attributes:
        name: the node's name.
        function: sync or async. A plural parent arrives as a tuple. It must depend on nothing but
            its arguments, since a posterior replays it.
        over: the plural parent that the function maps over, one element at a time.
        plural: whether the function returns a sequence over which nodes may map with `over`.
        likelihood: `likelihood(target, value)` gives log p(target | value) in nats where the node
            is observed; by default 0 where both are equal as text and
            -inf elsewhere.
        probability_of: by parents that are nodes with choices, the label whose probability the
            function reads in the place of the node's text: `{"verdict": "Yes"}` for
            p(Yes | what the verdict's node sees), at every place of its plates.
    """

    name: str
    function: Callable[..., Any]
    over: str | None = field(default=None, kw_only=True)
    plural: bool = field(default=False, kw_only=True)
    likelihood: Callable[[str, Any], float] | None = field(default=None, kw_only=True)
    probability_of: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """The names of the function's parameters that have no default.

        Raises:
            TypeError: the function has no readable signature, or a parameter without a name.
        """
        wanted = [
            parameter
            for parameter in inspect.signature(self.function).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        ]
        for parameter in wanted:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise TypeError(f"{parameter.name!r} can only be given by position")
        return tuple(parameter.name for parameter in wanted)


Part = Input | Node | Function
"""Anything that a graph is declared from."""
