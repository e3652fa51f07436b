"""Splitting data and drawing batches: pure functions of the examples and a key.

There is no loader that remembers where it stands. A batch is addressed by its step, so a resumed
run draws what it would have drawn.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate, pairwise

from langnet.data.example import Example
from langnet.errors import DataError
from langnet.key import Key

__all__ = ["batch", "data_hash", "split"]


def batch(
    examples: Sequence[Example], size: int, step: int, key: Key, *, balance: str | None = None
) -> list[Example]:
    """The batch of a step: a pure function of the examples' order, size, step and key.

    Each epoch has a new order and as many whole batches as fit; what is left over sits out that
    epoch, so no example comes twice within one.

    Args:
        examples: the data.
        size: examples in a batch.
        step: counted from 0.
        key: where the orders come from.
        balance: a node; a batch then has equally many examples of each of its targets, give or
            take one, and every target has epochs of its own.

    Raises:
        DataError: where the data are too few, or have no target to balance by.
    """
    if size < 1 or step < 0:
        raise DataError(f"size must be at least 1 and step at least 0, not {size} and {step}")
    if balance is None:
        return _slice_of_epoch(examples, size, step, key)
    groups = list(_by_target(examples, balance).items())
    key.below("targets").rng().shuffle(groups)
    share, extra = divmod(size, len(groups))
    drawn: list[Example] = []
    for index, (target, members) in enumerate(groups):
        # The places that do not divide evenly go round, so that in the long run none is favoured.
        more = (index - step * extra) % len(groups) < extra
        block = _slice_of_epoch(members, share + bool(extra), step, key.below("target", target))
        drawn += block[: share + more]
    key.below("balanced", step).rng().shuffle(drawn)
    return drawn


def split(
    examples: Sequence[Example],
    *,
    sizes: Sequence[int] | None = None,
    fractions: Sequence[float] | None = None,
    seed: int,
    stratify: str | None = None,
    group: str | None = None,
) -> tuple[list[Example], ...]:
    """Splits shuffled examples into parts that do not overlap, the same for the same seed.

    Args:
        examples: the data.
        sizes: examples in each part; what is left over is in none.
        fractions: the share of each part, instead of sizes; at most 1 together.
        seed: of the order.
        stratify: a node; its targets then have in each part about the shares that they have in
            the whole.
        group: an input, instead of stratify; examples with the same value there go to the same
            part, which then may be smaller than its size by less than a group.

    Raises:
        DataError: where the parts are not as said above, or need more than there is.
    """
    if (sizes is None) == (fractions is None):
        raise DataError("give either sizes=(80, 20) or fractions=(0.8, 0.2)")
    if fractions is not None:
        if any(share < 0 for share in fractions) or math.fsum(fractions) > 1 + 1e-9:
            raise DataError(f"fractions must lie in [0, 1] and sum to at most 1, not {fractions}")
        ends = [round(len(examples) * share) for share in accumulate(fractions)]
    else:
        ends = list(accumulate(sizes or ()))
        if any(size < 0 for size in sizes or ()) or (ends and ends[-1] > len(examples)):
            raise DataError(f"sizes {sizes} do not fit into {len(examples)} examples")
    if group is not None:
        if stratify is not None:
            raise DataError("give either stratify or group, not both")
        return _grouped(examples, [end - start for start, end in pairwise((0, *ends))], group, seed)
    order = _stratified(examples, stratify, seed) if stratify else list(examples)
    if not stratify:
        Key(("split", seed)).rng().shuffle(order)
    return tuple(order[start:end] for start, end in pairwise((0, *ends)))


def data_hash(examples: Sequence[Example]) -> str:
    """A digest of the examples and their order, for manifests: 32 hexadecimal digits.

    Raises:
        DataError: where an input is not made of what JSON can hold.
    """
    digest = blake2b(digest_size=16)
    for example in examples:
        record = [example.id, example.inputs, example.targets]
        try:
            line = json.dumps(record, sort_keys=True)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"example {example.id!r}: {error}; keep to texts, numbers, lists and objects"
            ) from None
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _slice_of_epoch(examples: Sequence[Example], size: int, step: int, key: Key) -> list[Example]:
    batches = len(examples) // size
    if not batches:
        raise DataError(
            f"a batch needs {size} different examples, and {key!r} has {len(examples)}; "
            "lower the batch size"
        )
    epoch, place = divmod(step, batches)
    order = list(examples)
    key.below("epoch", epoch).rng().shuffle(order)
    return order[place * size : (place + 1) * size]


def _by_target(examples: Sequence[Example], node: str) -> dict[str, list[Example]]:
    """The examples of each target, sorted by target."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        if node not in example.targets:
            raise DataError(f"example {example.id!r} has no target of node {node!r} to go by")
        groups.setdefault(example.targets[node], []).append(example)
    if not groups:
        raise DataError("there are no examples to choose from")
    return dict(sorted(groups.items()))


def _grouped(
    examples: Sequence[Example], sizes: Sequence[int], name: str, seed: int
) -> tuple[list[Example], ...]:
    """Parts of at most these sizes, of whole groups of examples that share an input."""
    groups: dict[object, list[Example]] = {}
    for example in examples:
        if name not in example.inputs:
            raise DataError(f"example {example.id!r} has no input {name!r} to group by")
        groups.setdefault(example.inputs[name], []).append(example)
    order = list(groups.values())
    Key(("split", seed)).rng().shuffle(order)
    parts: list[list[Example]] = [[] for _ in sizes]
    for members in order:
        # The first part that has room: only groups of one size fill every part.
        room = (
            part
            for part, size in zip(parts, sizes, strict=True)
            if len(part) + len(members) <= size
        )
        next(room, []).extend(members)
    return tuple(parts)


def _stratified(examples: Sequence[Example], node: str, seed: int) -> list[Example]:
    """A shuffled order in which every stretch has about the shares of the whole."""
    rng = Key(("split", seed)).rng()
    placed: list[tuple[float, float, Example]] = []
    for members in _by_target(examples, node).values():
        rng.shuffle(members)
        placed += [
            ((rank + 0.5) / len(members), rng.random(), example)
            for rank, example in enumerate(members)
        ]
    placed.sort(key=lambda place: place[:2])
    return [example for _, _, example in placed]
