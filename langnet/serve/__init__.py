"""A network behind an OpenAI-compatible endpoint, so that any client can call it as a model."""

from langnet.serve.app import ServeSettings, application
from langnet.serve.server import serving

__all__ = ["ServeSettings", "application", "serving"]
