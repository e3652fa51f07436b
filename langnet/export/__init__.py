"""Solutions as data for a trainer: JSON lines, streamed, and written all or nothing.

langnet trains no weights. What its networks found out about solutions, which are right and which
are wrong, goes to a trainer in the columns of TRL's data set types
(https://huggingface.co/docs/trl/dataset_formats, as of TRL 0.17 to 0.24):

| export | TRL's type | columns | for |
|---|---|---|---|
| `Demonstrations` | prompt-completion | `prompt` `completion` | SFT on filtered solutions |
| `Preferences` | preference | `prompt` `chosen` `rejected` | DPO, as for V-STaR's verifier |
| `Judgements` | unpaired preference | `prompt` `completion` `label` | KTO, or a classifier |
| `Verifications` | prompt-completion | `prompt` `completion` | a generative verifier |

TRL joins the columns of its standard format as they are, so a completion begins with a space
where langnet's models see one.
"""

from langnet.export.rows import (
    Demonstrations,
    Export,
    Judgements,
    Preferences,
    Verifications,
)
from langnet.export.write import Writer, write, writing

__all__ = [
    "Demonstrations",
    "Export",
    "Judgements",
    "Preferences",
    "Verifications",
    "Writer",
    "write",
    "writing",
]
