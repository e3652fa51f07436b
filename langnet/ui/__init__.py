"""The live viewer: pages of runs that follow them as they go on, and take what people say."""

from langnet.ui.app import application
from langnet.ui.server import viewing
from langnet.ui.watch import Watcher

__all__ = ["Watcher", "application", "viewing"]
