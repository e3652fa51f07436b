"""Guidance: what people say of a fit while it goes on, or between two sessions of it.

    guidance = Guidance.at("runs/first")
    guidance.rate("train:17", good=False, output="objective", feedback="It is an opinion.")
    guidance.feedback("Answer with the label alone.", prompt="answer")
    guidance.pin("thoughts", "Say what kind of text this is.")

A fit takes what is new at the beginning of each step, and says in its state and its manifest at
which step it took it, so that a resumed fit and one that is run again take it at the same one.
"""

from langnet.guidance.entry import CONTROLS, LISTED, Entry, Kind
from langnet.guidance.said import FILE, Guidance, fitted_nodes

__all__ = ["CONTROLS", "FILE", "LISTED", "Entry", "Guidance", "Kind", "fitted_nodes"]
