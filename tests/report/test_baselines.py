"""Held-out comparisons, baselines, and the documents and tables made of them."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from langnet import ContextOverflow, DataError, Example, Function, Graph, Input, Key, Node, Prompt
from langnet.compare import Comparison
from langnet.evaluate import Evaluation
from langnet.fit import Fitted
from langnet.functions import majority
from langnet.lm.meter import MeterReading
from langnet.metrics import Interval, interval, paired_interval
from langnet.report.baselines import IRRELEVANT, baselines, calibrated, held_out
from langnet.report.cost import cost_data, cost_line
from langnet.report.result import held_out_data, result_data
from langnet.report.table import confusion_table, held_out_table, prompts_table, verdict
from langnet.state import State
from langnet.testing import TableModel


def network(prompt="Say."):
    return Graph(
        Input("text"),
        Node("notes", "{prompt} {text}", "Note.", choices=("short", "long")),
        Node("answer", "{prompt} {text} {notes}", prompt, choices=("yes", "no")),
    )


def model():
    """Says yes the more surely the longer the prompt."""

    def distribution(context):
        if "Note" in context:
            return {"short": 0.6, "long": 0.4}
        yes = min(0.9, len(context) / 60)
        return {"yes": yes, "no": 1 - yes}

    return TableModel(distribution)


EXAMPLES = [
    Example(f"e{i}", {"text": "word " * i}, {"answer": "yes" if i % 3 else "no"}) for i in range(12)
]


async def test_held_out_pairs_every_network_on_the_same_examples():
    """Baselines are compared with the fitted network example by example."""
    before, after = network(), network("Say it, and say it with all the words that you have.")
    others = baselines(before)
    counted = []
    found = await held_out(
        before, after, EXAMPLES, models=model(), others=others, on_example=counted.append
    )
    fitted = found.comparison.evaluations[1].values
    assert set(found.baselines) == set(others)
    for baseline in found.baselines.values():
        expected = paired_interval(baseline.evaluation.values, fitted, key=Key(("test", 0)))
        assert baseline.gain == expected
        assert baseline.metric == interval(baseline.evaluation.values, key=Key(("test", 0)))
    assert counted == [name for name in ("before", "after", *others) for _ in EXAMPLES]
    document = held_out_data(found)
    assert json.loads(json.dumps(document)) == document
    assert document["examples"] == [example.id for example in EXAMPLES]


async def test_a_baseline_that_fails_ends_no_comparison():
    """Where its context does not fit it counts 0, and the table says how often."""

    def distribution(context):
        if "Too long" in context:
            raise ContextOverflow("too long", needed=9, available=8)
        if "Note" in context:
            return {"short": 0.6, "long": 0.4}
        return {"yes": 0.6, "no": 0.4}

    others = {"long": network("Too long")}
    table = TableModel(distribution)
    found = await held_out(network(), network("Say it."), EXAMPLES, models=table, others=others)
    assert found.baselines["long"].metric.mean == 0
    assert len(found.baselines["long"].evaluation.failures) == len(EXAMPLES)
    console = Console(file=io.StringIO(), width=100)
    console.print(held_out_table(found, "exact"))
    assert f"long ({len(EXAMPLES)} failed)" in console.file.getvalue()


async def test_nothing_held_out_is_an_error():
    """A comparison needs examples."""
    with pytest.raises(DataError, match="no examples"):
        await held_out(network(), network(), [], models=model())


def test_baselines_change_the_answering_prompt_alone():
    """The target's prompt is emptied or made irrelevant; hidden nodes keep theirs."""
    found = baselines(network())
    assert found["empty prompt"].prompts == {"notes": "Note.", "answer": ""}
    assert found["irrelevant prompt"].prompts == {"notes": "Note.", "answer": IRRELEVANT}
    assert found["initial prompt, calibrated"].prompts == network().prompts


def test_a_functions_baselines_go_to_the_nodes_above_it():
    """Where a function is the target, the language nodes that it reads lose their prompts."""
    graph = Graph(
        Input("text"),
        Node("notes", "{prompt} {text}", Prompt("shared", "Note.")),
        Node("views", "{prompt} {text} {notes}", "View.", draws=3),
        Function("vote", majority("views")),
    )
    assert graph.target == "vote"
    found = baselines(graph)
    assert found["empty prompt"].prompts == {"shared": "Note.", "views": ""}
    assert "initial prompt, calibrated" not in found


def test_calibration_is_for_every_choice_and_only_once():
    """Every node with choices is calibrated; a calibrated network has no such baseline."""
    graph = calibrated(network())
    assert all(node.choices.calibrate for node in graph.nodes.values())
    assert "initial prompt, calibrated" not in baselines(graph)


def test_the_result_holds_no_time():
    """Two fits that differ in time and calls alone leave the same document."""
    state = State(3, 0, network().prompts, network().prompts)
    fits = [
        Fitted(
            network(),
            network(),
            state,
            "done",
            "likelihood",
            None,
            MeterReading(hits=hits),
            seconds,
        )
        for hits, seconds in ((1, 2.0), (3, 4.0))
    ]
    one, two = (result_data(fit, about={"task": "t"}, data={"test": EXAMPLES}) for fit in fits)
    assert one == two
    assert one["data"]["test"]["examples"] == len(EXAMPLES)


def test_costs_add_up_over_sessions():
    """The totals are the sums of the sessions, of which the last is this one."""
    first = cost_data(MeterReading(sample_calls=2, prompt_tokens=10), 1.5)
    second = cost_data(MeterReading(choose_calls=3, hits=4), 2.0, first["sessions"])
    assert second["calls"] == 5
    assert second["seconds"] == pytest.approx(3.5)
    assert len(second["sessions"]) == 2
    assert cost_line(first).startswith("2 calls (2 sample, 0 score, 0 choose), 10 prompt tokens")
    assert cost_line(second).endswith("in 2 sessions")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.2, "lies above zero"),
        (-0.1, 0.2, "holds zero"),
        (0.0, 0.2, "holds zero"),
        (-0.2, -0.1, "made the network worse"),
        (None, None, "says nothing"),
    ],
)
def test_the_verdict_goes_by_the_interval(low, high, said):
    """A gain is claimed only where its interval leaves out zero."""
    any_mean = Interval(0.5, 0.4, 0.6, 9, 0.95)
    empty = Evaluation((), (), ())
    gain = Interval(0.1, low, high, 9, 0.95)
    assert said in verdict(Comparison(any_mean, any_mean, gain, (empty, empty)))


def test_tables_show_texts_as_they_are():
    """Square brackets in prompts and labels are no markup, and long prompts are shown in full."""
    long = "word " * 80 + "[bold]end[/bold]"
    console = Console(file=io.StringIO(), width=60)
    console.print(prompts_table({"a": "[red]x", "b": "same"}, {"a": long, "b": "same"}))
    console.print(confusion_table({("[a]", "[a]"): 3, ("[a]", "b"): 1}))
    shown = console.file.getvalue()
    for part in ("[red]x", "[bold]end[/bold]", "(unchanged)", "[a]"):
        assert part in shown
    assert shown.count("word") == 80
