"""A server of a benchmark, in a process of its own, so that it takes nothing from the client's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

__all__ = ["server_process"]


@contextmanager
def server_process(
    script: str, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Runs a script that prints its address once it listens, and ends with its standard input.

    Args:
        script: its path.
        arguments: what it is given.
        env: its environment; by default this process's.

    Yields:
        The address.
    """
    with subprocess.Popen(  # noqa: S603 - a script of this folder, with words of its own
        [sys.executable, script, *arguments],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the server did not start; its error stands above")
            yield url
        finally:
            process.stdin.close()  # which ends it
