"""What a task is: instructions, labels, a metric, and examples that are made on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from langnet.data import Example
from langnet.errors import DataError
from langnet.metrics import Metric, exact
from langnet.tasks.setting import Setting
from langnet.tasks.tree import Tree

__all__ = ["CHAIN_OF_THOUGHT", "Generate", "Splits", "Task"]

CHAIN_OF_THOUGHT = "Let's think step by step."
"""The prompt of Kojima et al. 2022 for a text that comes before the answer."""


class Generate(Protocol):
    """Makes examples: distinct, balanced over the labels, the same for the same seed."""

    def __call__(
        self, n: int, /, *, seed: int, node: str = "answer", exclude: Iterable[Example] = ()
    ) -> list[Example]:
        """N examples with a target of the node, whose texts are none of the excluded ones'.

        Settings, if there are any, are further keywords.
        """
        ...


def _none_generated(*_positional: object, **_named: object) -> list[Example]:
    raise DataError("this task's examples come from files; none can be generated")


@dataclass(frozen=True, slots=True)
class Splits:
    """A task's examples by what they are for; no input comes twice.

    Attributes:
        train: to fit on.
        dev: to choose by.
        test: held out.
    """

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A task and its data: all that a graph can be made from.

    Attributes:
        name: what `get` knows it by, or what its data are called.
        description: says what to do; an initial prompt.
        input: name of the examples' first, and mostly only, input.
        labels: the texts that a target may be; empty where it may be any.
        inputs: names of all inputs.
        prompts: initial prompts by name: "description", "chain-of-thought", and those of the
            task's own, such as "paper", the one that a paper began with.
        metric: marks an answer, given the target: a metric of `langnet.metrics` or a verifier.
        summary: the task in one line.
        settings: what can be turned about the generator, and how difficulty is set.
        chosen: the value of every setting, checked.
        parse: makes a tree of an input's text, for graphs that are built along it; or `None`.
        answer: finds the answer to an input's text, without knowing how it was made; or `None`.
        make: makes examples; `generate` is how to call it.
        labels_of: the labels by the chosen settings, where they depend on them; or `None`.
        inputs_of: likewise the names of all inputs.
    """

    name: str
    description: str
    input: str
    labels: tuple[str, ...]
    _: KW_ONLY
    inputs: tuple[str, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict, hash=False)
    metric: Metric = exact
    summary: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict, hash=False)
    chosen: Mapping[str, object] = field(default_factory=dict, hash=False)
    parse: Callable[[str], Tree] | None = None
    answer: Callable[[str], str] | None = None
    make: Callable[..., list[Example]] = _none_generated
    labels_of: Callable[[Mapping[str, object]], tuple[str, ...]] | None = None
    inputs_of: Callable[[Mapping[str, object]], tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        prompts = {"description": "", "chain-of-thought": CHAIN_OF_THOUGHT, **self.prompts}
        prompts["description"] = self.description
        chosen = {
            name: setting.read(name, self.chosen.get(name, setting.default))
            for name, setting in self.settings.items()
        }
        if unknown := set(self.chosen) - set(chosen):
            raise DataError(
                f"the task {self.name} has no setting {', '.join(sorted(unknown))}; it has "
                + (", ".join(self.settings) or "none")
            )
        if self.labels_of is not None:
            object.__setattr__(self, "labels", self.labels_of(chosen))
        if self.inputs_of is not None:
            object.__setattr__(self, "inputs", self.inputs_of(chosen))
        object.__setattr__(self, "inputs", self.inputs or (self.input,))
        object.__setattr__(self, "prompts", MappingProxyType(prompts))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))
        object.__setattr__(self, "chosen", MappingProxyType(chosen))

    @property
    def spec(self) -> str:
        """The text by which `get` finds this task with its settings: "scan:split=length".

        Only the settings that are not at their defaults are told, in their order.
        """
        told = [
            f"{name}={str(value).lower() if isinstance(value, bool) else value}"
            for name, value in self.chosen.items()
            if value != self.settings[name].default
        ]
        return f"{self.name}:{','.join(told)}" if told else self.name

    def configured(self, **settings: object) -> Task:
        """The task with other settings, the rest as they are.

        Raises:
            DataError: where there is no such setting, or it may not be that.
        """
        # What is wrong is found when the new task reads its settings.
        return replace(self, chosen={**self.chosen, **settings})

    def generate(
        self,
        n: int,
        /,
        *,
        seed: int,
        node: str = "answer",
        exclude: Iterable[Example] = (),
        **settings: object,
    ) -> list[Example]:
        """Makes n distinct examples, balanced over the labels; the same for the same seed.

        The first examples of a longer list are those of a shorter one from the same seed.

        Args:
            n: how many.
            seed: of everything random.
            node: the node that the target observes.
            exclude: examples whose inputs must not come up.
            **settings: of the generator, for this call.

        Raises:
            DataError: where none are made, there are not so many, or a setting is wrong.
        """
        chosen = self.configured(**settings).chosen if settings else self.chosen
        return self.make(n, seed=seed, node=node, exclude=exclude, **chosen)

    def splits(
        self,
        *,
        train: int = 200,
        dev: int = 100,
        test: int = 200,
        seed: int = 0,
        node: str = "answer",
    ) -> Splits:
        """Examples to fit on, to choose by and to hold out, by the task's own rule if it has one.

        The parts share no input. The held-out examples do not depend on the other sizes, nor those
        to choose by on how many are fitted on.

        Args:
            train: examples to fit on.
            dev: examples to choose by.
            test: examples to hold out.
            seed: of everything random.
            node: the node that the targets observe.

        Raises:
            DataError: as in `generate`.
        """
        sizes = {"test": test, "dev": dev, "train": train}
        parts: dict[str, list[Example]] = {}
        for number, (part, size) in enumerate(sizes.items()):
            before = [example for earlier in parts.values() for example in earlier]
            parts[part] = self.generate(
                size,
                seed=len(sizes) * seed + number,
                node=node,
                exclude=before,
                **({"part": part} if "part" in self.settings else {}),
            )
        return Splits(*(tuple(parts[part]) for part in ("train", "dev", "test")))
