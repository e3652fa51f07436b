"""Before money is spent on a fit: is there anything to gain, and what would it cost?

found = await diagnose(graph, examples, models=model)
found.go, found.reasons
"""

from __future__ import annotations

from langnet.diagnose.abilities import Ability, StartingSample
from langnet.diagnose.coupling import Coupling
from langnet.diagnose.diagnosis import Diagnosis, diagnose
from langnet.diagnose.headroom import Headroom, Tried
from langnet.diagnose.prepare import Effort
from langnet.diagnose.statistics import Spread
from langnet.diagnose.variants import Variant
from langnet.diagnose.verdict import Bars, Judgement

__all__ = [
    "Ability",
    "Bars",
    "Coupling",
    "Diagnosis",
    "Effort",
    "Headroom",
    "Judgement",
    "Spread",
    "StartingSample",
    "Tried",
    "Variant",
    "diagnose",
]
