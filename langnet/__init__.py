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

from langnet.advance import step, validate
from langnet.blocking import BlockingNetwork
from langnet.collect import Collected, Solution, collect
from langnet.compare import Comparison, compare
from langnet.data import Example
from langnet.errors import (
    BudgetExceeded,
    CapabilityError,
    ContextOverflow,
    DataError,
    DeadlineExceeded,
    GraphError,
    LangnetError,
    ModelError,
    RateLimited,
    RequestRejected,
    RunDeadlineExceeded,
    TooManyFailures,
    TransientError,
)
from langnet.evaluate import Evaluation, evaluate
from langnet.fit import Fitted, fit
from langnet.graph import Graph
from langnet.guidance import Guidance
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
from langnet.lm.budget import Budget, Price
from langnet.lm.connect import connect
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter
from langnet.lm.retry import Retries
from langnet.metrics import Marked
from langnet.network import Network, load
from langnet.node import Choices, Function, Input, Node, Prompt
from langnet.program import Program
from langnet.run import run, run_all, stream
from langnet.state import State, init
from langnet.trace import Failure, Site, Trace
from langnet.vi import Bound, Inference, bound, infer
from langnet.vi.method import Method
from langnet.vi.plan import FitPlan, Plan, plan_fit
from langnet.vi.race import Racing

__all__ = [
    "BlockingNetwork",
    "Bound",
    "Budget",
    "BudgetExceeded",
    "Capabilities",
    "CapabilityError",
    "Choice",
    "Choices",
    "Collected",
    "Comparison",
    "Completion",
    "ContextOverflow",
    "DataError",
    "DeadlineExceeded",
    "Decoding",
    "Evaluation",
    "Example",
    "Failure",
    "FitPlan",
    "Fitted",
    "Function",
    "Graph",
    "GraphError",
    "Guidance",
    "Inference",
    "Input",
    "Key",
    "LabelScores",
    "LangnetError",
    "LanguageModel",
    "Limiter",
    "Limits",
    "Marked",
    "Meter",
    "Method",
    "ModelError",
    "Network",
    "Node",
    "Plan",
    "Price",
    "Program",
    "Prompt",
    "Racing",
    "RateLimited",
    "RequestRejected",
    "Retries",
    "RunDeadlineExceeded",
    "Site",
    "Solution",
    "State",
    "TextScore",
    "TextScores",
    "TooManyFailures",
    "Trace",
    "TransientError",
    "Usage",
    "bound",
    "collect",
    "compare",
    "connect",
    "evaluate",
    "fit",
    "infer",
    "init",
    "load",
    "plan_fit",
    "run",
    "run_all",
    "step",
    "stream",
    "validate",
]
