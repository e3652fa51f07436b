"""A run whose prompts are read."""

from tests.report.conftest import run

__all__ = ["run"]
