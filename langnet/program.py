"""A graph bound to its models: prior sampling, replay, scoring and posterior drawing are one walk.

A node runs as soon as its parents are there: there is no barrier between levels or examples. The
walk counts open parents; the first successor that becomes ready runs on in the same task, and only
further ones get a task of their own, so that a chain costs no task at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any

from anyio.abc import TaskGroup

from langnet.concurrency import task_group
from langnet.conditional import Conditional
from langnet.errors import GraphError
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import LanguageModel
from langnet.lm.caller import EXAMPLE, NODE, Place
from langnet.node import Function, Input, Node
from langnet.template import Template
from langnet.trace import Trace
from langnet.visit import FunctionStep, Guide, LanguageStep, State, Step, plural

__all__ = ["Models", "Program", "bind", "blank_contexts"]

Models = LanguageModel | Mapping[str, LanguageModel]
"""One model for every node, or models by the names that nodes call."""

_NOTHING: Mapping[str, Any] = {}


class Program:
    """A graph bound to its models, compiled once and run many times.

    Attributes:
        graph: the graph.
        conditionals: the distribution of each language node.
    """

    __slots__ = (
        "_counts",
        "_inputs",
        "_nodes",
        "_roots",
        "_single_file",
        "_steps",
        "conditionals",
        "graph",
    )

    def __init__(self, graph: Graph, models: Models) -> None:
        """Binds every language node to the model that it calls.

        Raises:
            GraphError: a node calls a model that is not given.
        """
        self.graph = graph
        self.conditionals: dict[str, Conditional] = bind(graph, models)
        position = {name: index for index, name in enumerate(graph.order)}
        self._inputs = [
            (position[name], part) for name, part in graph.parts.items() if isinstance(part, Input)
        ]
        self._nodes = tuple(name for name in graph.order if not isinstance(graph[name], Input))
        self._steps = [self._step(name, position) for name in graph.order]
        inputs = set(graph.inputs)
        self._counts = [
            sum(parent not in inputs for parent in graph.structure.parents[name])
            for name in graph.order
        ]
        self._roots = [
            step
            for step, count in zip(self._steps, self._counts, strict=True)
            if not count and step.name not in inputs
        ]
        self._single_file = self._needs_no_tasks()

    async def run(
        self,
        inputs: Mapping[str, Any],
        *,
        key: Key,
        given: Mapping[str, Any] | None = None,
        guide: Mapping[str, Guide] | None = None,
        score: bool = False,
        greedy: bool = False,
        example: str = "",
        start: Trace | None = None,
        only: Collection[str] | None = None,
    ) -> Trace:
        """Runs the graph on one example, or a part of it.

        Args:
            inputs: a value for every input.
            key: what every draw's seed is derived from.
            given: observed values by node. A text given to a plural node holds for each element.
                A given language node is not drawn. A given function node is still computed, for
                its likelihood, and its children see the given value.
            guide: by node, where its text is drawn from instead of from the node itself.
            score: whether every language node's log-probability is wanted.
            greedy: whether each node takes its most probable text.
            example: the example's name, for errors and the trace.
            start: an earlier run on the same inputs that this one goes on from: what it has visited
                is taken over with its log-probabilities, and not visited again.
            only: the nodes to visit, by name; by default all. What they read must be among them, an
                input or in `start`. The trace holds what `start` and `only` hold, and no more.

        Raises:
            GraphError: the inputs do not fit the graph, or `start` and `only` do not fit together.
            ModelError: a call failed; a note names the node and the example.
            CapabilityError: `score` is asked of a model that cannot score.
        """
        whole = start is None and only is None
        counts, roots = self._counts, self._roots
        if not whole:
            counts, roots = self._section(start, only)
        state = State(
            counts,
            key=key,
            given=given or _NOTHING,
            guide=guide or _NOTHING,
            score=score,
            greedy=greedy,
            example=example,
        )
        self._take(inputs, state)
        if start is not None:
            self._resume(start, state)
        at, of = NODE.set(Place()), EXAMPLE.set(example or EXAMPLE.get())
        try:
            if whole and self._single_file:
                for root in roots:
                    await self._walk(root, state, None)
            elif roots:
                async with task_group() as tasks:
                    for root in roots[1:]:
                        tasks.start_soon(self._walk, root, state, tasks)
                    await self._walk(roots[0], state, tasks)
        finally:
            EXAMPLE.reset(of)
            NODE.reset(at)
        graph = self.graph
        values = zip(graph.order, state.values, strict=True)
        return Trace(
            example,
            # The count of a part that was not visited never falls to 0.
            dict(values)
            if whole
            else {
                name: value
                for (name, value), count in zip(values, state.counts, strict=True)
                if not count
            },
            tuple(chain.from_iterable(state.sites)),
            graph.outputs,
            state.log_likelihoods,
        )

    def _step(self, name: str, position: Mapping[str, int]) -> Step:
        part = self.graph[name]
        if isinstance(part, Node):
            return LanguageStep(self.graph, name, position, self.conditionals[name])
        if isinstance(part, Function):
            return FunctionStep(self.graph, name, position, part)
        return Step(self.graph, name, position)

    def _take(self, inputs: Mapping[str, Any], state: State) -> None:
        for position, part in self._inputs:
            try:
                value = inputs[part.name]
            except KeyError:
                raise GraphError(
                    f"example {state.example!r} has no input {part.name!r}; it brings "
                    f"{', '.join(map(repr, inputs)) or 'nothing'}"
                ) from None
            state.values[position] = plural(part, value, state.example) if part.plural else value
        if state.plain:
            return
        for name in state.given:
            if name not in self._nodes:
                raise GraphError(
                    f"example {state.example!r} observes {name!r}, which is no node of the graph; "
                    f"its nodes are {', '.join(self._nodes)}"
                )
        for name in state.guide:
            if name not in self.conditionals:
                raise GraphError(
                    f"a guide is given for {name!r}, which is no language node of the graph; "
                    f"its language nodes are {', '.join(self.conditionals) or 'none'}"
                )

    def _section(
        self, start: Trace | None, only: Collection[str] | None
    ) -> tuple[list[int], list[Step]]:
        """The counts of open parents and the roots of a walk over a part of the graph."""
        parents = self.graph.structure.parents
        done = {*self.graph.inputs, *(() if start is None else start.values)}
        wanted = {name for name in (self._nodes if only is None else only) if name not in done}
        if strangers := sorted((done | wanted).difference(self.graph.order)):
            raise GraphError(
                f"{', '.join(map(repr, strangers))} cannot be run or taken over, since the graph "
                f"has no such part; it has {', '.join(self.graph.order)}"
            )
        if cut := [
            f"node {name!r} reads {parent!r}, which is neither to be run nor in the earlier trace; "
            "let only hold it too"
            for name in self.graph.order
            if name in wanted
            for parent in parents[name]
            if parent not in done and parent not in wanted
        ]:
            raise GraphError(*cut)
        counts = [
            sum(parent in wanted for parent in parents[name])
            if name in wanted
            else -(name not in done)
            for name in self.graph.order
        ]
        roots = [
            step
            for step, count in zip(self._steps, counts, strict=True)
            if not count and step.name in wanted
        ]
        return counts, roots

    def _resume(self, start: Trace, state: State) -> None:
        """Takes over what an earlier run has visited."""
        for step in self._steps:
            if step.name in start.values and step.name in self._nodes:
                state.values[step.position] = start.values[step.name]
                state.sites[step.position] = start.at(step.name)
        state.log_likelihoods.update(start.log_likelihoods)

    def _needs_no_tasks(self) -> bool:
        """Whether the walk never finds two parts ready at once."""
        if len(self._roots) > 1:
            return False
        counts = list(self._counts)
        ready = list(self._roots)
        while ready:
            step = ready.pop()
            for child in step.children:
                counts[child] -= 1
                if not counts[child]:
                    ready.append(self._steps[child])
            if len(ready) > 1:
                return False
        return True

    async def _walk(self, step: Step, state: State, tasks: TaskGroup | None) -> None:
        steps = self._steps
        counts = state.counts
        NODE.set(place := Place())  # `run` sets back what there was before
        while True:
            place.node = step.name
            try:
                await step.visit(state)
            except Exception as error:
                where = f" of example {state.example!r}" if state.example else ""
                error.add_note(f"at node {step.name!r}{where}")
                raise
            following = None
            for child in step.children:
                counts[child] -= 1
                if not counts[child]:
                    if following is None:
                        following = steps[child]
                    else:
                        assert tasks is not None  # noqa: S101 - single file never gets here
                        tasks.start_soon(self._walk, steps[child], state, tasks)
            if following is None:
                return
            step = following


def bind(graph: Graph, models: Models) -> dict[str, Conditional]:
    """The conditional distribution of every language node.

    Raises:
        GraphError: a node calls a model that is not given.
    """
    by_name: Mapping[str, LanguageModel]
    by_name = models if isinstance(models, Mapping) else dict.fromkeys(_called(graph), models)
    missing = [node for node in graph.nodes.values() if node.model not in by_name]
    if missing:
        raise GraphError(
            *(
                f"node {node.name!r} calls the model {node.model!r}, which is not given; "
                f"the models given are {', '.join(map(repr, by_name)) or 'none'}"
                for node in missing
            )
        )
    return {
        name: Conditional(
            node, by_name[node.model], blank_contexts(node, graph.structure.templates[name])
        )
        for name, node in graph.nodes.items()
    }


def blank_contexts(node: Node, template: Template) -> tuple[str, ...]:
    """The contexts without content that calibrated choices are compared with."""
    if node.choices is None or not node.choices.calibrate:
        return ()
    bound = template.bind(node.prompt_text)
    return tuple(
        bound.render(dict.fromkeys(template.parents, text)) for text in node.choices.content_free
    )


def _called(graph: Graph) -> set[str]:
    return {node.model for node in graph.nodes.values()}
