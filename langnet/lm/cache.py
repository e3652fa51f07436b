"""A cache of answers: a model over a model and a store.

What names an answer is a SHA-256 over everything that can change it: the model's identity, the
kind of question, the context, the decoding, and for a draw its key. Repeated draws therefore stay
apart, and a run that is resumed finds its own again. Fields that cannot change an answer (the key
at temperature 0, the longest text of a score without its end) are left out.

Only answers are kept, never errors; what arrived of a call that failed is an answer. Entries are
per text: of several draws or texts, only those that are missing are asked for, in one call.

A text that was cut at the `max_tokens` that were asked for is kept: it is a draw of the
distribution that the node declares, and a resumed fit needs it again. One that was cut short of
them (the context was full, or the server has a limit of its own) tells of the server that day, and
is not kept. Where the server does not count an answer's tokens the two look alike: it is kept.
"""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from langnet.errors import ModelError
from langnet.lm.arrival import listening
from langnet.lm.base import (
    Choice,
    Completion,
    Decoding,
    LabelScores,
    LanguageModel,
    TextScore,
    TextScores,
    Usage,
)
from langnet.lm.disk import DiskStore
from langnet.lm.partial import Partial, partial_of
from langnet.lm.store import CacheStats, MemoryStore, Store, default_cache_path
from langnet.lm.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
    from hashlib import _Hash

    from langnet.key import Key
    from langnet.lm.meter import Meter

__all__ = [
    "CacheStats",
    "Cached",
    "DiskStore",
    "MemoryStore",
    "Store",
    "default_cache_path",
    "is_answer",
]

_FORMAT = 1  # of names and entries; raise it where either changes its meaning

# `json.dumps` with options would build an encoder per call, `json.loads` guess the encoding.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode
_MOST_DECODINGS = 256
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Cached(Wrapper):
    """A model whose answers are looked up in a store first.

    A hit takes no tokens: its usage is zero. Errors are passed on and not kept.

    Args:
        model: answers what the store does not hold. A meter that shall not count hits as calls
            stands below: `Cached(Metered(model, meter), store, meter=meter)`.
        store: where answers are kept. Several models may share it; whoever made it closes it.
        meter: counts the hits.
    """

    __slots__ = ("_draws", "_meter", "_name", "_store")
    remembers = True

    def __init__(self, model: LanguageModel, store: Store, *, meter: Meter | None = None) -> None:
        super().__init__(model)
        self._store = store
        self._meter = meter
        # Of decodings by their objects: they, the identity, and what both put before and after the
        # context's length. There are as many as a graph has nodes.
        self._draws: dict[int, tuple[Decoding, str, bytes, bytes]] = {}
        self._name = "" if meter is None else meter.known(model)

    async def sample(
        self, context: str, *, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        """Draws one text per key; only those that the store lacks reach the model, in one call.

        Raises:
            ModelError: the call failed.
        """
        drawn = decoding.temperature > 0
        identity = self.model.identity
        head = self._head_of_draws(context, decoding, identity)
        if len(keys) > 1:
            names = [_name(head, key.path if drawn else "") for key in keys]
            return await self._several(names, context, decoding, keys)
        if not keys:
            return []
        # By far the most calls are for one text.
        if drawn:
            head.update(keys[0].path.encode("utf-8", "surrogatepass"))
        name = head.hexdigest()
        found = self._lookup([name], _completion)
        if found:
            return [found[name]]
        (completion,) = await self.model.sample(context, decoding=decoding, keys=keys)
        self._keep(name, completion, decoding, identity)
        return [completion]

    def _keep(self, name: str, completion: Completion, decoding: Decoding, identity: str) -> None:
        if not _is_cut_short(completion, decoding):
            self._store.put(name, _text_bytes(completion), identity)

    async def _several(
        self, names: Sequence[str], context: str, decoding: Decoding, keys: Sequence[Key]
    ) -> list[Completion]:
        found = self._lookup(names, _completion)
        missing = {name: key for name, key in zip(names, keys, strict=True) if name not in found}
        fresh: dict[str, Completion] = {}

        def keep(name: str, completion: Completion) -> None:
            if name not in found:
                found[name] = Completion(completion.text, completion.finish)
                self._keep(name, completion, decoding, self.model.identity)

        async def ask(keys: list[Key]) -> list[Completion]:
            return await self.model.sample(context, decoding=decoding, keys=keys)

        if missing:
            head = ("sample", self.model.identity, context, decoding)
            completions = await _asked(ask, head, missing, keep, names, found)
            fresh = dict(zip(missing, completions, strict=True))
            for name, completion in fresh.items():
                keep(name, completion)
        # A text that was asked for twice in one call took its tokens once.
        return [fresh.pop(name) if name in fresh else found[name] for name in names]

    async def score(
        self, context: str, texts: Sequence[str], *, decoding: Decoding, end: bool = True
    ) -> TextScores:
        """Scores given texts; only those that the store lacks reach the model, in one call.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score.
        """
        event = [decoding.max_tokens, sorted(set(decoding.stop))] if end else None
        start = self._head(
            "score",
            context,
            float(decoding.temperature) or 1.0,
            float(decoding.top_p) if decoding.temperature else 1.0,
            event,
            *_schema(decoding),
        )
        names = [_name(start, text) for text in texts]
        found = self._lookup(names, _text_score)
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in found}
        if not missing:
            return TextScores(tuple(found[name] for name in names))

        usage = Usage()

        def keep(name: str, score: TextScore) -> None:
            if name not in found:
                found[name] = score
                entry = _bytes([float(value) for value in score.token_logprobs])
                self._store.put(name, entry, self.model.identity)

        async def ask(texts: list[str]) -> Sequence[TextScore]:
            nonlocal usage
            answer = await self.model.score(context, texts, decoding=decoding, end=end)
            usage = answer.usage
            return answer.scores

        head = ("score", self.model.identity, context, decoding, end)
        scores = await _asked(ask, head, missing, keep, names, found)
        for name, score in zip(missing, scores, strict=True):
            keep(name, score)
        return TextScores(tuple(found[name] for name in names), usage)

    async def choose(self, context: str, choices: Sequence[Choice]) -> LabelScores:
        """Scores the labels of a closed set, from the store where it holds the whole answer.

        Raises:
            ModelError: the call failed.
            CapabilityError: the model cannot score labels.
        """
        # What a label is called does not matter to the model, only the texts that stand for it.
        name = _name(self._head("choose", context, [list(choice.texts) for choice in choices]), "")
        found = self._lookup([name], _logprobs)
        if name in found:
            return LabelScores(found[name])
        answer = await self.model.choose(context, choices)
        entry = _bytes([float(value) for value in answer.logprobs])
        self._store.put(name, entry, self.model.identity)
        return answer

    async def aclose(self) -> None:
        """Closes the model and writes what waits; the store stays open for its owner."""
        try:
            await super().aclose()
        finally:
            await self._store.flush()

    def _head(self, kind: str, context: str, *rest: Any) -> _Hash:
        """What the names of all entries of one call begin with."""
        # The context is the long part: it goes in as it is, after its length, not through JSON.
        text = context.encode("utf-8", "surrogatepass")
        fields = _encode([_FORMAT, self.model.identity, kind, len(text), *rest])
        return sha256(b"%b\n%b" % (fields.encode(), text))

    def _head_of_draws(self, context: str, decoding: Decoding, identity: str) -> _Hash:
        """What the names of draws begin with; only the context changes from call to call."""
        text = context.encode("utf-8", "surrogatepass")
        known = self._draws.get(id(decoding))
        if known is None or known[1] != identity:
            if len(self._draws) >= _MOST_DECODINGS:
                self._draws.clear()
            fields = [
                float(decoding.temperature),
                float(decoding.top_p) if decoding.temperature > 0 else 1.0,
                decoding.max_tokens,
                sorted(set(decoding.stop)),
                *_schema(decoding),
            ]
            before = _encode([_FORMAT, identity, "sample"])[:-1].encode()
            known = decoding, identity, before, _encode(fields)[1:].encode()
            self._draws[id(decoding)] = known
        return sha256(b"%b,%d,%b\n%b" % (known[2], len(text), known[3], text))

    def _lookup(self, names: Sequence[str], read: Callable[[Any], _T]) -> dict[str, _T]:
        """The entries that the store holds; one that cannot be read counts as missing."""
        found: dict[str, _T] = {}
        for name in names:
            entry = self._store.get(name)
            if entry is None:
                continue
            try:
                found[name] = read(_decoded(entry))
            except (ValueError, TypeError, RecursionError):
                _log.warning("the cache entry %s cannot be read; it is asked for again", name)
        if self._meter is not None and found:
            for counts in self._meter.counts(self._name):
                counts.hits += len(found)
        return found


def _is_cut_short(completion: Completion, decoding: Decoding) -> bool:
    """Whether a text was cut before it had the tokens that were asked for."""
    return (
        completion.finish == "length"
        and 0 < completion.usage.completion_tokens < decoding.max_tokens
    )


async def _asked(
    ask: Callable[[list[Any]], Awaitable[Sequence[_T]]],
    head: tuple[Any, ...],
    missing: Mapping[str, Any],
    keep: Callable[[str, _T], None],
    names: Sequence[str],
    found: Mapping[str, _T],
) -> Sequence[_T]:
    """What the model answers to what the store lacks; each answer is kept when it arrives.

    Args:
        ask: answers keys or texts.
        head: what names the questions besides those; see `langnet.lm.arrival`.
        missing: what is asked for, by the names of entries.
        keep: keeps an answer under its name.
        names: all that the caller asks for.
        found: what is known of it.

    Raises:
        ModelError: the call failed; its `partial` holds all that is known, by the places of names.
    """
    try:
        if len(missing) == 1:
            return await ask(list(missing.values()))
        by_question = {(*head, question): name for name, question in missing.items()}

        def arrived(question: Hashable, answer: Any) -> None:
            if question in by_question:
                keep(by_question[question], answer)

        with listening(arrived):
            return await ask(list(missing.values()))
    except ModelError as error:
        asked = list(missing)
        for place, answer in partial_of(error).answers.items():
            keep(asked[place], answer)
        there = {place: found[name] for place, name in enumerate(names) if name in found}
        error.partial = Partial(there) if there else None
        raise


def _schema(decoding: Decoding) -> list[str]:
    # Nothing where there is none, so that entries keep the names that they had before schemas.
    return [] if decoding.schema is None else [decoding.schema]


def _name(head: _Hash, rest: str) -> str:
    whole = head.copy()
    # A lone surrogate is no text that could be sent, but it may be asked for.
    whole.update(rest.encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def _bytes(entry: list[Any]) -> bytes:
    return _encode(entry).encode()


def _text_bytes(completion: Completion) -> bytes:
    try:
        return orjson.dumps([completion.text, completion.finish])
    except TypeError:  # half a surrogate pair
        return _bytes([completion.text, completion.finish])


def _decoded(entry: bytes) -> Any:
    try:
        return orjson.loads(entry)
    except ValueError:  # such as of a probability of zero, whose logarithm JSON does not know
        return _decode(entry.decode())


def _completion(entry: Any) -> Completion:
    text, finish = entry
    if not (isinstance(entry, list) and isinstance(text, str) and isinstance(finish, str)):
        raise TypeError("a completion is a text and how it ended")
    return Completion(text, finish)


def is_answer(entry: Any) -> bool:
    """Whether an entry, as plain data, is one that a cache can have written."""
    for read in (_completion, _logprobs):
        try:
            read(entry)
        except (ValueError, TypeError):
            continue
        return True
    return False


def _logprobs(entry: Any) -> tuple[float, ...]:
    if not (isinstance(entry, list) and all(isinstance(value, float) for value in entry)):
        raise TypeError("scores are a list of numbers")
    return tuple(entry)


def _text_score(entry: Any) -> TextScore:
    return TextScore(_logprobs(entry))
