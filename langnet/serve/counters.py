"""What a server counts, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from langnet.lm.base import Usage

__all__ = ["Counters"]


class Counters:
    """Counts requests, time and tokens.

    Attributes:
        open: requests that are being answered, or wait for their turn.
    """

    def __init__(self) -> None:
        self.open = 0
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._usage = Usage()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts a request as open for as long as the block lasts."""
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Counts an answer."""
        # Paths that do not exist would let anybody make as many series as they like.
        path = path if path in _PATHS else "other"
        self._requests[path, status] += 1
        self._seconds[path] += seconds

    def used(self, usage: Usage) -> None:
        """Counts tokens."""
        self._usage += usage

    def text(self) -> str:
        """All counts."""
        lines = [
            "# HELP langnet_requests_total Requests answered.",
            "# TYPE langnet_requests_total counter",
            *(
                f'langnet_requests_total{{path="{path}",status="{status}"}} {count}'
                for (path, status), count in sorted(self._requests.items())
            ),
            "# HELP langnet_request_seconds_total Seconds that answering took, added up.",
            "# TYPE langnet_request_seconds_total counter",
            *(
                f'langnet_request_seconds_total{{path="{path}"}} {seconds:.6f}'
                for path, seconds in sorted(self._seconds.items())
            ),
            "# HELP langnet_open_requests Requests being answered or waiting.",
            "# TYPE langnet_open_requests gauge",
            f"langnet_open_requests {self.open}",
            "# HELP langnet_tokens_total Tokens that the network's models took.",
            "# TYPE langnet_tokens_total counter",
            f'langnet_tokens_total{{kind="prompt"}} {self._usage.prompt_tokens}',
            f'langnet_tokens_total{{kind="completion"}} {self._usage.completion_tokens}',
        ]
        return "\n".join(lines) + "\n"


_PATHS = frozenset({"/v1/chat/completions", "/v1/models", "/health", "/metrics"})
