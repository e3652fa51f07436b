"""Embedded language models: llama.cpp in this process, for any GGUF file.

    model = await LocalModel.load("smollm2")

Needs `pip install "langnet[local]"`; the engine is opened when the first model is loaded.
"""

from langnet.lm.local.catalogue import Entry, Source, catalogue, find, models_path, pull
from langnet.lm.local.model import LocalModel
from langnet.lm.local.work import Work

__all__ = ["Entry", "LocalModel", "Source", "Work", "catalogue", "find", "models_path", "pull"]
