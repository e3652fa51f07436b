"""Graphs: any directed acyclic graph of inputs, language nodes and function nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from langnet.errors import GraphError
from langnet.node import Function, Input, Node, Part, Prompt
from langnet.structure import Structure, examine

__all__ = ["Graph"]


class Graph:
    r"""An immutable network of language nodes and functions.

    >>> graph = Graph(
    ...     Input("question"),
    ...     Node("thoughts", "{question}\n\n{prompt}", prompt="Let's think step by step."),
    ...     Node("answer", "{question}\n{thoughts}\n\n{prompt}", choices=["Yes", "No"]),
    ... )
    >>> graph.order
    ('question', 'thoughts', 'answer')
    >>> graph.with_prompts({"thoughts": "Draw a picture."}).prompts["thoughts"]
    'Draw a picture.'

    Attributes:
        name: what the graph is called in reports.
        parts: its inputs and nodes by name, in the order of declaration.
        outputs: the names of the nodes whose values are the graph's answer.
        target: the node that an example's label observes by default: the first output, unless
            given; a function's output is best supervised at the language nodes it reads.
        order: every name, parents before children.
        structure: the edges and plates, worked out once.
    """

    __slots__ = ("name", "order", "outputs", "parts", "structure", "target")

    name: str
    parts: Mapping[str, Part]
    outputs: tuple[str, ...]
    target: str
    order: tuple[str, ...]
    structure: Structure

    def __init__(
        self,
        *parts: Part,
        outputs: str | Iterable[str] | None = None,
        target: str | None = None,
        name: str = "graph",
    ) -> None:
        """Checks the declaration.

        Args:
            parts: inputs and nodes, in any order.
            outputs: the graph's answer; by default the nodes that no other node reads.
            target: the node that labels observe; by default the first output.
            name: what the graph is called in reports.

        Raises:
            GraphError: with every fault found, each with its mend.
        """
        given = (outputs,) if isinstance(outputs, str) else outputs
        structure = examine(parts, None if given is None else tuple(given), target)
        put = object.__setattr__
        put(self, "name", name)
        put(self, "parts", MappingProxyType({part.name: part for part in parts}))
        put(self, "outputs", structure.outputs)
        put(self, "target", target or structure.outputs[0])
        put(self, "order", structure.order)
        put(self, "structure", structure)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(
            f"a graph does not change: {attribute!r} cannot be set; "
            "with_prompts, replace, add and without return a new graph"
        )

    def __getitem__(self, name: str) -> Part:
        try:
            return self.parts[name]
        except KeyError:
            raise GraphError(
                f"the graph has no part {name!r}; it has {', '.join(self.parts)}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self.parts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return (self.parts, self.outputs, self.target, self.name) == (
            other.parts,
            other.outputs,
            other.target,
            other.name,
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (tuple(self.parts.values()), self.outputs, self.target, self.name)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(part.name for part in self.parts.values() if isinstance(part, Input))

    @property
    def nodes(self) -> dict[str, Node]:
        """The language nodes, parents before children."""
        found = ((name, self.parts[name]) for name in self.order)
        return {name: part for name, part in found if isinstance(part, Node)}

    @property
    def functions(self) -> dict[str, Function]:
        """The function nodes, parents before children."""
        found = ((name, self.parts[name]) for name in self.order)
        return {name: part for name, part in found if isinstance(part, Function)}

    @property
    def prompts(self) -> dict[str, str]:
        """Every prompt by its name: the node's, or the shared prompt's own."""
        return {node.prompt_name: node.prompt_text for node in self.nodes.values()}

    @property
    def trainable(self) -> tuple[str, ...]:
        """The names of the prompts that fitting may change, parents before children."""
        names = (node.prompt_name for node in self.nodes.values() if node.trainable)
        return tuple(dict.fromkeys(names))

    def sharing(self, prompt_name: str) -> tuple[str, ...]:
        """The names of the language nodes that show a prompt."""
        return tuple(name for name, node in self.nodes.items() if node.prompt_name == prompt_name)

    def with_prompts(self, prompts: Mapping[str, str]) -> Graph:
        """The graph with some prompts changed.

        Raises:
            GraphError: a name that is no prompt of this graph.
        """
        self._check_prompts(prompts)
        return self._edited(
            {
                node.name: dataclasses.replace(node, prompt=_retexted(node, prompts))
                for node in self.nodes.values()
                if node.prompt_name in prompts
            }
        )

    def replace(self, name: str, **changes: Any) -> Graph:
        """The graph with some fields of one part changed."""
        return self._edited({name: dataclasses.replace(self[name], **changes)})

    def add(self, *parts: Part, outputs: str | Iterable[str] | None = None) -> Graph:
        """The graph with more parts; its outputs are worked out anew unless given.

        A target other than the first output is kept.
        """
        kept = (*self.parts.values(), *parts)
        return Graph(*kept, outputs=outputs, target=self._chosen_target(), name=self.name)

    def without(self, *names: str, outputs: str | Iterable[str] | None = None) -> Graph:
        """The graph with some parts left out; its outputs are worked out anew unless given.

        A target other than the first output is kept, unless it is left out itself.
        """
        for name in names:
            self[name]  # raises for a name that is not there
        kept = (part for part in self.parts.values() if part.name not in names)
        target = self._chosen_target()
        return Graph(
            *kept, outputs=outputs, target=None if target in names else target, name=self.name
        )

    def frozen(self, *prompt_names: str) -> Graph:
        """The graph with these prompts, or all of them, kept as they are by fitting.

        Raises:
            GraphError: a name that is no prompt of this graph.
        """
        self._check_prompts(prompt_names)
        return self._edited(
            {
                node.name: dataclasses.replace(node, trainable=False)
                for node in self.nodes.values()
                if not prompt_names or node.prompt_name in prompt_names
            }
        )

    def _check_prompts(self, names: Iterable[str]) -> None:
        known = self.prompts
        if unknown := [name for name in names if name not in known]:
            raise GraphError(
                *(
                    f"there is no prompt {name!r}; the graph's prompts are {', '.join(known)}"
                    for name in unknown
                )
            )

    def _chosen_target(self) -> str | None:
        return None if self.target == self.outputs[0] else self.target

    def _edited(self, changed: Mapping[str, Part]) -> Graph:
        parts = (changed.get(part.name, part) for part in self.parts.values())
        return Graph(*parts, outputs=self.outputs, target=self.target, name=self.name)

    def __repr__(self) -> str:
        from langnet.drawing import as_text  # noqa: PLC0415 - drawing needs graphs

        return as_text(self)

    def _repr_html_(self) -> str:
        from langnet.drawing import as_html  # noqa: PLC0415 - drawing needs graphs

        return as_html(self)


def _retexted(node: Node, prompts: Mapping[str, str]) -> str | Prompt:
    text = prompts[node.prompt_name]
    return Prompt(node.prompt.name, text) if isinstance(node.prompt, Prompt) else text


def _rebuild(parts: tuple[Part, ...], outputs: tuple[str, ...], target: str, name: str) -> Graph:
    return Graph(*parts, outputs=outputs, target=target, name=name)
