"""Async dataflow graphs of language nodes, and a variational backward pass that fits their prompts.

Example:
    graph = Graph(
        Input("text"),
        Node("thoughts", "{text}\\n\\n{prompt}", prompt="Let's think step by step."),
        Node("answer", "{prompt}\\n\\n{text}\\n{thoughts}\\n\\nAnswer:", choices=["Yes", "No"]),
    )
    async with connect("local:smollm2") as model:
        fitted = await fit(graph, train, dev, models=model)
"""

from langnet.data import Example
from langnet.errors import (
    CapabilityError,
    ContextOverflow,
    DataError,
    GraphError,
    LangnetError,
    ModelError,
    RateLimited,
    RequestRejected,
    TooManyFailures,
    TransientError,
)
from langnet.evaluate import Evaluation, evaluate
from langnet.fit import Comparison, Fitted, State, compare, fit, init, step, validate
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import (
    Capabilities,
    Choice,
    Completion,
    Decoding,
    LabelScores,
    LanguageModel,
    TextScore,
    TextScores,
    Usage,
)
from langnet.lm.connect import connect
from langnet.node import Choices, Function, Input, Node, Prompt
from langnet.program import Program
from langnet.run import run, run_all, stream
from langnet.trace import Failure, Site, Trace
from langnet.vi import Inference, infer
from langnet.vi.method import Method

__all__ = [
    "Capabilities",
    "CapabilityError",
    "Choice",
    "Choices",
    "Comparison",
    "Completion",
    "ContextOverflow",
    "DataError",
    "Decoding",
    "Evaluation",
    "Example",
    "Failure",
    "Fitted",
    "Function",
    "Graph",
    "GraphError",
    "Inference",
    "Input",
    "Key",
    "LabelScores",
    "LangnetError",
    "LanguageModel",
    "Method",
    "ModelError",
    "Node",
    "Program",
    "Prompt",
    "RateLimited",
    "RequestRejected",
    "Site",
    "State",
    "TextScore",
    "TextScores",
    "TooManyFailures",
    "Trace",
    "TransientError",
    "Usage",
    "compare",
    "connect",
    "evaluate",
    "fit",
    "infer",
    "init",
    "run",
    "run_all",
    "step",
    "stream",
    "validate",
]
