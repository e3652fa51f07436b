"""The live view of a fit: what it shows (`snapshot`), how it looks (`view`), and `live.json`."""

from __future__ import annotations

from langnet.report.live.file import LiveFile, read_live
from langnet.report.live.snapshot import NodeNow, RateNow, Snapshot
from langnet.report.live.watch import Watch

__all__ = ["LiveFile", "NodeNow", "RateNow", "Snapshot", "Watch", "read_live"]
