"""What a bound on log p(y | x) consists of: figures with standard errors, per example and node."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from langnet.display import Displayed
from langnet.trace import Failure

__all__ = ["Bound", "Estimate", "ExampleBound", "NodeTerm"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over examples.

    Attributes:
        mean: the mean.
        standard_error: of the mean, from the spread over examples, which holds the spread of the
            draws too; `None` for one example, or where the mean is not finite.
        n: the number of examples.
    """

    mean: float
    standard_error: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """The mean of one value per example."""
        mean = math.fsum(values) / len(values)
        if len(values) < 2 or not math.isfinite(mean):  # noqa: PLR2004 - one value has no spread
            return cls(mean, None, len(values))
        error = statistics.stdev(values, mean) / math.sqrt(len(values))
        return cls(mean, error, len(values))

    def __str__(self) -> str:
        error = "" if self.standard_error is None else f" ± {self.standard_error:.3g}"
        return f"{self.mean:.4g}{error}"


@dataclass(frozen=True, slots=True)
class ExampleBound:
    """The bound of one example.

    Attributes:
        example: the example's id.
        elbo: the mean log-weight, in nats; `None` where particles were resampled.
        iwae: log of the mean weight, in nats.
        effective_sample_size: how many independent draws the weighted ones are worth.
        standard_error: of `iwae` as an estimate of log p(y | x), in nats; see
            `Posterior.standard_error`.
    """

    example: str
    elbo: float | None
    iwae: float
    effective_sample_size: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """One node's term of the ELBO.

    Attributes:
        node: the node's name.
        kind: "observed": E[log p(target | parents)]; "latent": E[log p − log q], an estimate of
            −KL(q ‖ p); "mixed" where some examples observe the node and others do not.
        term: in nats per example. An example that says nothing about the node counts as 0, so that
            the terms of all nodes add up to the ELBO.
    """

    node: str
    kind: Literal["observed", "latent", "mixed"]
    term: Estimate


@dataclass(frozen=True, slots=True)
class Bound(Displayed):
    """Lower bounds on log p(y | x), estimated on some examples; all in nats per example.

    Attributes:
        elbo: the evidence lower bound; `None` where particles were resampled.
        iwae: the tighter bound of all draws together, IWAE_K (Burda et al. 2016, arXiv
            1509.00519), or the filtering bound where particles were resampled (Maddison et al.
            2017, arXiv 1705.09279). It falls short of log p(y | x) by about half the square of the
            examples' standard errors.
        effective_sample_size: how many independent draws the weighted ones of an example are
            worth.
        draws: K, the draws of each example.
        examples: each example's own.
        nodes: each node's term of the ELBO, in the order of the graph; empty where there is no
            ELBO.
        failures: the examples whose model calls failed; they are left out of everything else.
        warnings: what stands against trusting the bound, and what to do about it.
    """

    elbo: Estimate | None
    iwae: Estimate
    effective_sample_size: Estimate
    draws: int
    examples: tuple[ExampleBound, ...]
    nodes: tuple[NodeTerm, ...]
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The bound as plain data, such as JSON can hold.

        −inf is the text "-Infinity", which `float` reads back: JSON has no such number, and null
        means unknown here. Failures become texts, too.
        """
        failures = [{"example": item.example, "error": str(item.error)} for item in self.failures]
        figures = {
            "elbo": None if self.elbo is None else asdict(self.elbo),
            "iwae": asdict(self.iwae),
            "effective_sample_size": asdict(self.effective_sample_size),
            "draws": self.draws,
            "examples": [asdict(item) for item in self.examples],
            "nodes": [asdict(item) for item in self.nodes],
            "failures": failures,
            "warnings": list(self.warnings),
        }
        return {name: _writable(value) for name, value in figures.items()}

    def __str__(self) -> str:
        head = f"bounds on log p(y | x), in nats per example: {len(self.examples)} examples"
        lines = [f"{head}, {self.draws} draws each"]
        figures = [
            (f"IWAE_{self.draws}" if self.elbo else f"resampled, K = {self.draws}", self.iwae),
            ("ELBO", self.elbo),
            *((f"  {item.node} ({item.kind})", item.term) for item in self.nodes),
            ("effective sample size", self.effective_sample_size),
        ]
        width = max(len(name) for name, _ in figures)
        lines += [f"  {name:{width}}  {figure}" for name, figure in figures if figure is not None]
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def _writable(value: Any) -> Any:
    """The value with a text in the place of every number that JSON does not know."""
    if isinstance(value, dict):
        return {name: _writable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return value
