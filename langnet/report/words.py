"""Figures as people read them."""

from __future__ import annotations

__all__ = ["amount", "counted", "duration", "money", "quantity"]

_MINUTE = 60
_HOUR = 3600
_THOUSAND = 1000
_BRIEF = 10
"""Seconds below which tenths are worth showing."""
_SMALLEST = 0.0001


def duration(seconds: float) -> str:
    """A time in two units at most.

    >>> duration(0.42), duration(75), duration(7384)
    ('0.4 s', '1 min 15 s', '2 h 03 min')
    """
    if round(seconds, 1) < _BRIEF:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    minutes = round(whole / _MINUTE)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def quantity(number: int) -> str:
    """A count in three or four digits.

    >>> quantity(1234), quantity(56_789), quantity(2_340_000)
    ('1,234', '56.8k', '2.34M')
    """
    if number < 10 * _THOUSAND:
        return f"{number:,}"
    if number < 100 * _THOUSAND:
        return f"{number / _THOUSAND:.1f}k"
    if round(number / _THOUSAND) < _THOUSAND:
        return f"{number / _THOUSAND:.0f}k"
    return f"{number / _THOUSAND**2:.2f}M"


def counted(number: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "call"), counted(12_345, "call")
    ('1 call', '12,345 calls')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def amount(value: float | None) -> str:
    """A number to three places with a true minus sign, and a dash where it is unknown.

    >>> amount(-1.23456), amount(None)
    ('−1.235', '–')
    """
    return "–" if value is None else f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def money(value: float, currency: str) -> str:
    """A sum of money, small ones to four places.

    >>> money(12.345, "USD"), money(0.0042, "USD"), money(0.00001, "USD"), money(0, "USD")
    ('12.35 USD', '0.0042 USD', '<0.0001 USD', '0 USD')
    """
    if value >= 1:
        return f"{value:,.2f} {currency}"
    if 0 < value < _SMALLEST:
        return f"<{_SMALLEST} {currency}"
    return f"{value:.4f} {currency}" if value else f"0 {currency}"
