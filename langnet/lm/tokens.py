"""Counts tokens without asking a model: exactly where a vocabulary lies at hand, else by bytes.

Only OpenAI's models have a vocabulary that can be had this way. The library fetches it over the
network at first use and waits without limit, so it is used only where the file is there already or
where the caller allows the download.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import tiktoken
import tiktoken.registry

__all__ = ["TokenCount", "count_tokens", "counter"]

_BYTES_PER_TOKEN = 4  # English text in vocabularies of 100,000 to 200,000 tokens

# The library names a file by the hash of its address, and fetches it anew where the content does
# not have this SHA-256.
_FILES = {
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
}
_SAME_FILE = {"o200k_harmony": "o200k_base"}


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens a text has.

    Attributes:
        count: tokens.
        exact: whether the model's own vocabulary counted them. If not, the count is one token per
            four bytes of UTF-8: near for English, too high for Chinese, too low for digits.
    """

    count: int
    exact: bool


def count_tokens(model_name: str, text: str, *, download: bool = False) -> TokenCount:
    """Counts a text's tokens for a model, without what a chat template adds.

    Args:
        model_name: as the server calls it, such as "gpt-4o".
        text: the text; special tokens in it count as the text that they are written with.
        download: allow one download of the vocabulary, which may block for long.

    Raises:
        OSError: the download was allowed and failed.
    """
    try:
        encoding = tiktoken.encoding_name_for_model(model_name)
    except KeyError:
        return _estimate(text)
    if not (download or encoding in tiktoken.registry.ENCODINGS or _at_hand(encoding)):
        return _estimate(text)
    return TokenCount(len(tiktoken.get_encoding(encoding).encode_ordinary(text)), exact=True)


def counter(model: Any) -> Callable[[str], int]:
    """Counts tokens as a model does, as well as can be known without asking it.

    A model that has `count_tokens` counts itself; one that has an OpenAI model's name is counted
    by its vocabulary where that lies at hand; else by bytes. Wrappers are looked through.
    """
    while not hasattr(model, "count_tokens") and hasattr(model, "model"):
        model = model.model
    if hasattr(model, "count_tokens"):
        return lru_cache(maxsize=8192)(model.count_tokens)
    name = getattr(model, "name", "")
    if isinstance(name, str) and not count_tokens(name, "").exact:
        name = ""  # found out once, not for every text
    return lru_cache(maxsize=8192)(lambda text: count_tokens(name, text).count)


def _estimate(text: str) -> TokenCount:
    size = len(text.encode("utf-8", "surrogatepass"))
    return TokenCount(-(-size // _BYTES_PER_TOKEN), exact=False)


def _at_hand(encoding: str) -> bool:
    """Whether the library would find the vocabulary on disk and find it sound."""
    known = _FILES.get(_SAME_FILE.get(encoding, encoding))
    if known is None:
        return False
    name, digest = known
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            directory = os.environ[variable]
            break
    else:
        directory = str(Path(tempfile.gettempdir()) / "data-gym-cache")
    if not directory:  # the library is told not to keep files
        return False
    try:
        data = (Path(directory) / name).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(data).hexdigest() == digest
