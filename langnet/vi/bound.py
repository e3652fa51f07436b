"""Bounds on log p(y | x): the ELBO, IWAE_K and the effective sample size, with standard errors.

A bound is a mean over examples, and the ELBO is a sum over nodes: what each observed node says of
its target, less what each latent node's guide strays from the node itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from langnet.concurrency import each
from langnet.data import Example
from langnet.errors import DataError, ModelError, TooManyFailures
from langnet.key import Key
from langnet.lm.caller import calling
from langnet.program import Program
from langnet.trace import Failure, Trace, difference
from langnet.vi.blanket import informative, latents
from langnet.vi.caution import demand_scores, doubts, inexact, left_out
from langnet.vi.estimate import Bound, Estimate, ExampleBound, NodeTerm
from langnet.vi.guide import Guide
from langnet.vi.posterior import Inference, Posterior, infer

__all__ = ["Bound", "Estimate", "ExampleBound", "NodeTerm", "bound", "bound_of"]


async def bound(
    program: Program,
    examples: Sequence[Example],
    *,
    key: Key,
    draws: int = 16,
    guide: Guide | str = "mixture",
    resample: float | None = None,
    concurrency: int = 32,
    max_failures: float = 0.1,
    on_example: Callable[[], None] | None = None,
) -> Bound:
    """Estimates how probable a network makes the targets of some examples.

    Args:
        program: the graph with its models.
        examples: their targets are the observations.
        key: what every draw's seed is derived from.
        draws: particles of each example (K).
        guide: where latent texts are drawn from; a guide or a name in `langnet.vi.guide.GUIDES`.
        resample: see `Inference`.
        concurrency: examples in flight.
        max_failures: the share of examples that may fail; they are left out. One failure is always
            allowed where the share is above 0.
        on_example: called after each example, for progress.

    Raises:
        DataError: there are no examples.
        CapabilityError: a model cannot give the log-probabilities that a bound is made of.
        GraphError: an example observes nothing.
        TooManyFailures: more examples failed than `max_failures` allows.
        ValueError: a setting is out of range.
    """
    if not examples:
        raise DataError("there are no examples to bound the evidence of")
    if concurrency < 1 or not 0 <= max_failures <= 1:
        raise ValueError("concurrency must be at least 1, and max_failures a share from 0 to 1")
    settings = Inference(kind="particles", draws=draws, guide=guide, resample=resample)
    graph = program.graph
    seen = [name for example in examples for name in informative(graph, example.targets)]
    drawn = {name for example in examples for name in latents(graph, example.targets)}
    conditionals = [program.conditionals[name] for name in graph.nodes if name in {*seen}]
    for conditional in conditionals:
        demand_scores(conditional, latent=conditional.node.name in drawn)
    allowed = max(1.0, max_failures * len(examples)) if max_failures else 0.0
    failures: list[Failure] = []

    async def one(example: Example) -> Posterior | None:
        found = None
        try:
            with calling(purpose="bound"):
                found = await infer(program, example, key=key / example.id, settings=settings)
        except ModelError as error:
            failures.append(Failure(example.id, error))
            if len(failures) > allowed:
                raise TooManyFailures(
                    f"{len(failures)} of {len(examples)} examples failed, more than the share "
                    f"of {max_failures:g} that max_failures allows; the last was "
                    f"{example.id!r}: {error}"
                ) from error
        if on_example is not None:
            on_example()
        return found

    found = await each(one, examples, limit=concurrency)
    posteriors = [item for item in found if item is not None]
    if not posteriors:
        raise TooManyFailures(
            f"all {len(failures)} examples failed; the last was {failures[-1].example!r}: "
            f"{failures[-1].error}"
        ) from failures[-1].error
    order = {example.id: position for position, example in enumerate(examples)}
    failures.sort(key=lambda failure: order[failure.example])
    return bound_of(posteriors, failures=failures, doubtful=tuple(inexact(conditionals)))


def bound_of(
    posteriors: Sequence[Posterior],
    *,
    failures: Sequence[Failure] = (),
    doubtful: Sequence[str] = (),
) -> Bound:
    """The bound that posteriors of some examples carry; no model is called.

    Args:
        posteriors: of `Inference(kind="particles")`, all with the same number of draws.
        failures: the examples that failed on the way.
        doubtful: further warnings, about the models' scores.

    Raises:
        ValueError: there are none, one carries no importance weights, or the numbers of draws
            differ.
    """
    if not posteriors:
        raise ValueError("there are no posteriors to make a bound of")
    counts = {len(item.log_weights or ()) for item in posteriors}
    if counts == {0} or len(counts) > 1:
        raise ValueError(
            "a bound is made of particles, the same number for each example; infer with "
            "Inference(kind='particles', …)"
        )
    (draws,) = counts
    examples = tuple(map(_example_bound, posteriors))
    elbos = [item.elbo for item in examples if item.elbo is not None]
    whole = len(elbos) == len(examples)
    latent = any(
        site.source == "guide"
        for item in posteriors
        for trace in item.particles
        for site in trace.sites
    )
    return Bound(
        Estimate.of(elbos) if whole else None,
        Estimate.of([item.iwae for item in examples]),
        Estimate.of([item.effective_sample_size for item in examples]),
        draws,
        examples,
        _node_terms(posteriors) if whole else (),
        tuple(failures),
        (*doubts(examples, draws, latent=latent), *doubtful, *left_out(failures, len(examples))),
    )


def _example_bound(posterior: Posterior) -> ExampleBound:
    iwae, size = posterior.log_evidence, posterior.effective_sample_size
    assert iwae is not None  # noqa: S101 - the caller has seen its weights
    assert size is not None  # noqa: S101 - the caller has seen its weights
    return ExampleBound(posterior.example.id, posterior.elbo, iwae, size, posterior.standard_error)


def _node_terms(posteriors: Sequence[Posterior]) -> tuple[NodeTerm, ...]:
    sums: dict[str, list[float]] = {}
    kinds: dict[str, set[str]] = {}
    for number, posterior in enumerate(posteriors):
        for trace in posterior.particles:
            for name, kind, term in _terms(trace):
                column = sums.setdefault(name, [0.0] * len(posteriors))
                column[number] += term / len(posterior.particles)
                kinds.setdefault(name, set()).add(kind)
    # Every trace lists its parts in the order of the graph.
    rank = {name: place for item in posteriors for place, name in enumerate(item.forward.values)}
    return tuple(
        NodeTerm(name, _kind(kinds[name]), Estimate.of(sums[name]))
        for name in sorted(sums, key=rank.__getitem__)
    )


def _terms(trace: Trace) -> Iterator[tuple[str, str, float]]:
    """The terms that a trace's log-weight is the sum of, with their nodes."""
    for name, term in trace.log_likelihoods.items():
        yield name, "observed", term
    for site in trace.sites:
        if site.source == "given" and site.logprob is not None:
            yield site.node, "observed", site.logprob
        term_of_guide = difference(site.logprob, site.log_q)
        if site.source == "guide" and term_of_guide is not None:
            yield site.node, "latent", term_of_guide


def _kind(kinds: set[str]) -> Literal["observed", "latent", "mixed"]:
    if len(kinds) > 1:
        return "mixed"
    return "observed" if "observed" in kinds else "latent"
