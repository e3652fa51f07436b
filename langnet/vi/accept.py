"""Acceptance: whether a candidate is clearly better than the incumbent on the same examples.

Selection takes the best mean, however small its lead. Who wants a prompt replaced only where the
gain is beyond chance asks for this test as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from langnet.key import Key

__all__ = ["accepts", "p_value"]

_ENUMERATED = 12
"""Up to so many differences every pattern of signs is counted: 4,096 of them."""
_DRAWN = 19_999
"""Patterns drawn above that. The smallest p-value is 1 / 20,000."""
_BLOCK = 2_000


def accepts(
    differences: Sequence[float], *, level: float, compared: int = 1, key: Key | None = None
) -> bool:
    """Whether the mean of paired differences is above 0 beyond chance, at a level.

    Args:
        differences: candidate minus incumbent, one per example, on common rows.
        level: the probability of accepting a candidate that is no better, such as 0.05.
        compared: how many candidates the winner was picked from on these very rows. The best of
            many looks good by chance; the level is divided among them (Bonferroni). Leave 1 where
            the rows are fresh.
        key: where drawn patterns of signs come from.

    Raises:
        ValueError: the level does not lie in (0, 1), `compared` is below 1, or a difference is NaN.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}; 0.05 is usual")
    if compared < 1:
        raise ValueError(f"compared must be at least 1, not {compared}")
    return p_value(differences, key=key) <= level / compared


def p_value(differences: Sequence[float], *, key: Key | None = None) -> float:
    """The one-sided p-value of the paired sign-flip test of a mean above 0 (Fisher 1935, §21).

    If neither prompt is better and the differences are symmetric about 0, each pattern of signs is
    as likely as the one seen; the p-value is the share of patterns whose sum is as large. It is
    exact for any tails and any n: by enumeration for few differences that are not 0, else from
    drawn patterns with the one seen among them (Phipson and Smyth 2010, eq. 2). With n differences
    no p-value is below 2⁻ⁿ, so five examples are needed at level 0.05. No test of a mean holds its
    level for every skewed distribution (Bahadur and Savage 1956): a candidate that fails badly on
    one example in a thousand passes on the other 999.

    A difference of −inf (the candidate cannot serve) gives 1. Without one, k differences of +inf
    (the incumbent cannot) outweigh all others, and it is their signs that are tested: 2⁻ᵏ.

    Args:
        differences: candidate minus incumbent, one per example, in nats or units of the metric.
        key: where drawn patterns come from; the same key gives the same value.

    Raises:
        ValueError: a difference is NaN.
    """
    values = np.asarray(differences, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError(
            f"difference {int(np.flatnonzero(np.isnan(values))[0])} is NaN; leave out examples on "
            "which neither prompt can serve"
        )
    if (values == -math.inf).any():
        return 1.0
    values = values[values != 0]
    n = len(values)
    if not n:
        return 1.0
    if (values == math.inf).any():
        return 0.5 ** int(np.sum(values == math.inf))
    # Patterns as large as the one seen up to rounding count as large.
    scale = float(np.abs(values).max())
    values = values / scale
    seen = math.fsum(values) - 1e-9
    if n <= _ENUMERATED:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float(np.mean((2.0 * bits - 1.0) @ np.abs(values) >= seen))
    rng = np.random.default_rng((key or Key()).below("accept").seed)
    large = 0
    for start in range(0, _DRAWN, _BLOCK):
        signs = rng.integers(0, 2, size=(min(_BLOCK, _DRAWN - start), n), dtype=np.int8)
        large += int(np.sum((2.0 * signs - 1.0) @ values >= seen))
    return (1 + large) / (1 + _DRAWN)
