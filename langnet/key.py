"""Keys: where randomness comes from.

A key is a path such as `("fit", 7, "step", 3, "example-12", "thoughts", 0)`. The seed of a draw is
a hash of its path, so a draw depends on what it is for and never on the order in which calls
finish. The same path is part of a cached answer's name: repeated draws stay apart, and a resumed
run finds its own again. The idea is that of splittable generators (Claessen and Pałka 2013).
"""

from __future__ import annotations

import random
from hashlib import blake2b

__all__ = ["Key"]


class Key(tuple[str | int, ...]):
    """An immutable path that names a draw.

    >>> key = Key(("fit", 7))
    >>> key / "step" / 3
    Key('fit', 7, 'step', 3)
    >>> (key / "a").seed == (key / "b").seed
    False
    """

    __slots__ = ()

    def __truediv__(self, part: str | int) -> Key:
        """The key one part below this one."""
        return Key((*self, part))

    def below(self, *parts: str | int) -> Key:
        """The key several parts below this one."""
        return Key((*self, *parts))

    @property
    def path(self) -> str:
        """The path as text, unambiguous: each part carries its type and length."""
        return "".join(
            [f"s{len(part)}:{part}" if isinstance(part, str) else f"i{part};" for part in self]
        )

    @property
    def seed(self) -> int:
        """A 63-bit seed that depends on every part of the path, on any machine."""
        return (
            int.from_bytes(
                blake2b(self.path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            )
            >> 1
        )

    def rng(self) -> random.Random:
        """A generator of its own for choices that langnet makes itself (not for secrets)."""
        return random.Random(self.seed)  # noqa: S311

    def __repr__(self) -> str:
        return f"Key{tuple(self)!r}"
