"""What the published code of Deep Language Networks would ask for in a step, request by request.

The facts are those of the authors' repository (microsoft/deep-language-networks at 036d895) and of
Algorithm 2 of the paper (arXiv 2306.12509): every draw, every log p(h | x) and every distribution
over the classes is a request of its own, which sends its whole context. A hidden text is scored by
echoing context and text; the classes take one request per context, for one token with its top 100
log-probabilities. Candidates are scored on every draw of every example, the current prompt among
them. With an empty memory nothing is scored twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from langnet import Graph
from langnet.lm.base import joined
from langnet.vi.look import Look

PARTS = ("forward", "draws", "log p(h | x)", "log p(y | x, h)", "proposals", "scores")
"""What a step consists of, in its order."""


class Request(NamedTuple):
    """One request.

    Attributes:
        part: one of `PARTS`.
        context: what is sent before the text.
        text: what is scored by echo; empty for a draw and for classes.
        labels: the classes, where their distribution is asked for.
    """

    part: str
    context: str
    text: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What some requests come to.

    Attributes:
        requests: how many.
        tokens: what they prefill, each by itself.
        label_requests: how many there would be if every class took a request of its own.
        label_tokens: what those would prefill.
    """

    requests: int = 0
    tokens: int = 0
    label_requests: int = 0
    label_tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.label_requests + other.label_requests,
            self.label_tokens + other.label_tokens,
        )


def formula(examples: int, draws: int, candidates: int) -> dict[str, int]:
    """The published count of requests in a step of two layers, by part, without duplicates.

    20·(1+5+5+5) + 2·19 + 20·5·20·2 = 4,358 for 20 examples, 5 draws and 20 candidates, the current
    prompt among them. It counts one request of the forward pass per example; the classes of the
    forward answer take one more, which `requests` lists.

    >>> sum(formula(20, 5, 20).values())
    4358
    """
    each = examples * draws
    counts = (examples, each, each, each, 2 * (candidates - 1), each * candidates * 2)
    return dict(zip(PARTS, counts, strict=True))


def requests(
    graph: Graph,
    looked: Look,
    *,
    draws: int,
    drawn: Iterable[str],
    proposed: Iterable[str],
    candidates: Mapping[str, Sequence[str]],
) -> Iterator[Request]:
    """All requests of a step on a network of two layers, as the published code would send them.

    They are made of the texts of a step that was really taken, so that both are compared on the
    same work. Fewer candidates than were asked for, since some were dropped, count as fewer here
    too.

    Args:
        graph: the network under the prompts that the batch was seen under.
        looked: the batch: its forward passes and the alternatives of its hidden texts.
        draws: of each hidden text; the forward text, which comes first, is none of them.
        drawn: the contexts that hidden texts were drawn from, one for each draw.
        proposed: the contexts that prompts were proposed from, one for each proposal.
        candidates: by the name of the node's prompt, the prompts that were compared.
    """
    (hidden,) = (name for name in graph.nodes if name != graph.target)
    choices = graph.nodes[graph.target].choices
    labels = () if choices is None else choices.labels
    structure, prompts = graph.structure, graph.prompts

    def context(node: str, prompt: str, values: Mapping[str, str]) -> str:
        fields = {name: str(values[name]) for name in structure.parents[node]}
        return structure.templates[node].bind(prompt).render(fields)

    def pair(prompts: Mapping[str, str], values: Mapping[str, str]) -> tuple[str, str]:
        names = (graph.nodes[node].prompt_name for node in (hidden, graph.target))
        above, below = (prompts[str(name)] for name in names)
        return context(hidden, above, values), context(graph.target, below, values)

    for item in looked.seen:
        thinks, answers = pair(prompts, item.forward.values)
        yield Request("forward", thinks)
        yield Request("forward", answers, labels=labels)
        assert item.posterior is not None  # noqa: S101 - the objective is the likelihood
        (found,) = item.posterior.alternatives
        for text in found.texts[-draws:]:
            values = {**item.forward.values, hidden: text}
            thinks, answers = pair(prompts, values)
            yield Request("log p(h | x)", thinks, text)
            yield Request("log p(y | x, h)", answers, labels=labels)
            for candidate in candidates[str(graph.nodes[hidden].prompt_name)]:
                yield Request("scores", context(hidden, candidate, values), text)
            for candidate in candidates[str(graph.nodes[graph.target].prompt_name)]:
                yield Request("scores", context(graph.target, candidate, values), labels=labels)
    yield from (Request("draws", source) for source in drawn)
    yield from (Request("proposals", source) for source in proposed)


def costs(asked: Iterable[Request], count_tokens: Callable[[str], int]) -> dict[str, Cost]:
    """What requests prefill, by part: each its whole context, and the text that it echoes."""
    count = lru_cache(maxsize=None)(count_tokens)
    found = dict.fromkeys(PARTS, Cost())
    for request in asked:
        tokens = count(request.context + joined(request.context, request.text))
        each = [count(request.context + joined(request.context, label)) for label in request.labels]
        found[request.part] += Cost(1, tokens, len(each) or 1, sum(each) or tokens)
    return found
