"""Known prompts mixed and cut, without asking any model."""

from __future__ import annotations

from dataclasses import replace

from langnet.key import Key
from langnet.vi.proposal import Request
from langnet.vi.strategies.parts import Parts, joined_sentences, parted, sentences

__all__ = ["deletion", "recombination"]


async def recombination(request: Request, key: Key) -> str:
    """The beginning of one known prompt and the end of another.

    Instructions are cut between sentences and demonstrations between examples, each by itself.
    """
    rng = key.rng()
    texts = list(dict.fromkeys((*request.starts, *(text for text, _ in request.known))))
    texts = [text for text in texts if text.strip()]
    if len(texts) < 2:  # noqa: PLR2004 - there is nothing to mix
        return await deletion(request, key)
    first, second = rng.sample(texts, 2)
    if request.parent and request.parent not in {first, second}:
        first = request.parent
    one, other = parted(first, request), parted(second, request)
    head, tail = sentences(one.instruction), sentences(other.instruction)
    mixed = head[: rng.randint(min(1, len(head)), len(head))]
    mixed += tail[rng.randint(0, max(0, len(tail) - 1)) :]
    shown = one.demonstrations[: rng.randint(0, len(one.demonstrations))]
    shown += other.demonstrations[rng.randint(0, len(other.demonstrations)) :]
    found = Parts(joined_sentences(dict.fromkeys(mixed)), tuple(dict.fromkeys(shown)))
    while found.demonstrations and not request.fits(found.text):
        found = replace(found, demonstrations=found.demonstrations[1:])
    return found.text


async def deletion(request: Request, key: Key) -> str:
    """A known prompt with a sentence or an example left out, or with two exchanged."""
    rng = key.rng()
    source = parted(rng.choice(request.starts), request)
    parts = [sentences(source.instruction), list(source.demonstrations)]
    places = [(kind, place) for kind, found in enumerate(parts) for place in range(len(found))]
    if len(places) < 2:  # noqa: PLR2004 - nothing would be left
        return ""
    kind, place = rng.choice(places)
    found = parts[kind]
    if len(found) < 2 or rng.random() < 0.7:  # noqa: PLR2004 - leave out more often than exchange
        found.pop(place)
    else:
        other = rng.choice([i for i in range(len(found)) if i != place])
        found[place], found[other] = found[other], found[place]
    return Parts(joined_sentences(parts[0]), tuple(parts[1])).text
