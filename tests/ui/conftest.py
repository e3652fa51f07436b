"""A run to look at, fitted once."""

from tests.report.conftest import run

__all__ = ["run"]
