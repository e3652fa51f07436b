"""Prompts on their way in and out: files of prompts, other programs' state, lists of candidates.

prompts = exchange.of_run("runs/first")
exchange.write_prompts("prompts.txt", prompts)
graph = graph.with_prompts(exchange.read_prompts("program.json", graph.nodes.values()).texts)
"""

from langnet.exchange.dspy import dspy_module, dspy_state
from langnet.exchange.files import Read, read_prompts, write_prompts
from langnet.exchange.lists import listed_entries, read_list
from langnet.exchange.prompts import Prompts, of_graph, of_run
from langnet.exchange.text import as_text, from_text

__all__ = [
    "Prompts",
    "Read",
    "as_text",
    "dspy_module",
    "dspy_state",
    "from_text",
    "listed_entries",
    "of_graph",
    "of_run",
    "read_list",
    "read_prompts",
    "write_prompts",
]
