"""How well the probability of a label tells examples apart: the option of `langnet eval`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from langnet.cli.options import F, applied
from langnet.confidence import with_probability
from langnet.data import Example
from langnet.errors import DataError
from langnet.estimators import auc
from langnet.evaluate import Evaluation
from langnet.graph import Graph
from langnet.metrics import Interval
from langnet.report.table import measured
from langnet.report.words import counted

__all__ = ["Ranking", "ranking_of", "ranking_options"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What --auc and --auc-by ask for.

    Attributes:
        label: whose probability is looked at.
        by: the input whose examples stand or fall together; `None` where each stands alone.
    """

    label: str
    by: str | None

    def graph(self, graph: Graph) -> Graph:
        """The network that gives the probability, too.

        Raises:
            click.UsageError: the input that groups is none of the network's.
            GraphError: its target has no such label.
        """
        if self.by is not None and self.by not in graph.inputs:
            raise click.UsageError(
                f"--auc-by {self.by} is no input of {graph.name}; it reads "
                + ", ".join(graph.inputs)
            )
        return with_probability(graph, self.label)

    def area(self, examples: Sequence[Example], target: str, found: Evaluation) -> Interval:
        """The area under the ROC curve of p(label), over the examples that did not fail.

        Raises:
            DataError: all targets are the label, or none is, or a probability is plural.
        """
        rows = [
            (example, score)
            for example, score in zip(examples, found.kept, strict=True)
            if score is not None
        ]
        if any(isinstance(score, tuple) for _, score in rows):
            raise DataError(f"{target!r} stands in a plate; an AUC needs one label per example")
        return auc(
            [score for _, score in rows],
            [example.targets[target] == self.label for example, _ in rows],
            questions=None if self.by is None else [str(one.inputs[self.by]) for one, _ in rows],
        )

    def told(self, area: Interval) -> str:
        """The area in words."""
        units = counted(area.n, "example" if self.by is None else self.by)
        return f"AUC of p({self.label}) {measured(area)}, {area.confidence:.0%} interval, {units}"


def ranking_options(function: F) -> F:
    """The options that ask for it."""
    return applied(
        function,
        [
            click.option(
                "--auc",
                metavar="LABEL",
                help="Also how well p(LABEL) tells examples with that target from others.",
            ),
            click.option(
                "--auc-by",
                metavar="INPUT",
                help="An input, such as the question, whose examples are not independent.",
            ),
        ],
    )


def ranking_of(label: str | None, by: str | None) -> Ranking | None:
    """What the options ask for; `None` where that is nothing.

    Raises:
        click.UsageError: --auc-by without --auc.
    """
    if label is None:
        if by is not None:
            raise click.UsageError("--auc-by belongs to --auc LABEL, which is missing")
        return None
    return Ranking(label, by)
