"""How results show themselves: complete, escaped, and the same in notebooks and terminals."""

from __future__ import annotations

import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from langnet import (
    Evaluation,
    Failure,
    Graph,
    Inference,
    Input,
    Key,
    Meter,
    Method,
    ModelError,
    Node,
    Program,
    bound,
    compare,
    fit,
)
from langnet.compare import Comparison
from langnet.functions import majority
from langnet.lm.meter import Metered
from langnet.lm.reading import MeterReading
from langnet.metrics import interval
from langnet.node import Function
from langnet.report.progress import progress
from langnet.showing.difference import changed
from langnet.testing import ScriptedModel, TableModel
from langnet.trace import Site, Trace
from tests.test_fit import data, distribution, network

HOSTILE = (
    '"><img src=x onerror=alert(1)><script>alert(2)</script>&amp;\x1b[31m\u202e\n\n  next line'
)


class Seen(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._style = [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._style = tag == "style"
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += "" if self._style else data


def plated():
    """A trace with plates within plates, of a model that writes markup."""
    graph = Graph(
        Input("question"),
        Node("ideas", "{question}{prompt}", draws=2),
        Node("critique", "{ideas}{prompt}", over="ideas", draws=2),
        Node("answer", "{critique}{prompt}", over="critique"),
        Function("vote", majority("answer")),
    )
    return Program(graph, ScriptedModel(lambda context, key: HOSTILE)).run(
        {"question": HOSTILE}, key=Key(("plated",))
    )


async def fitted(*observers):
    meter = Meter()
    model = Metered(TableModel(distribution), meter)
    method = Method(steps=2, batch_size=8, candidates=4, inference=Inference(draws=3))
    return await fit(
        network(),
        data(24),
        data(8, 100),
        models=model,
        method=method,
        meter=meter,
        observers=observers,
        plan=True,
    )


async def everything():
    """One of each kind that shows itself."""
    found = await fitted()
    model = TableModel(distribution)
    compared = await compare(network(), found.graph, data(12, 300), models=model)
    key = Key(("shown",))
    bounds = await bound(Program(network(), model), data(4, 400), key=key, draws=4)
    failure = Failure(f"e{HOSTILE}", ModelError(HOSTILE))
    failure.error.add_note(HOSTILE)
    evaluation = Evaluation((0.0, 1.0), (None, HOSTILE), (failure,))
    trace = await plated()
    return [
        found,
        compared,
        bounds,
        failure,
        evaluation,
        trace,
        found.plan,
        found.plan.step,
        found.reading,
    ]


async def test_everything_shows_itself_and_nothing_of_it_runs():
    """HTML without scripts, ids, handlers or addresses; plain text without control characters."""
    for shown in await everything():
        seen = Seen(shown._repr_html_())
        names = {name for _, attributes in seen.tags for name in attributes}
        assert not names & {"id", "src", "href", "onerror", "onload"}
        assert not {tag for tag, _ in seen.tags} & {"script", "img", "link", "iframe", "a"}
        assert "\x1b" not in seen.text
        assert "\u202e" not in seen.text
        text = str(shown)
        assert "\x1b" not in text
        assert max(map(len, text.split("\n"))) <= 100
        console = Console(file=io.StringIO(), width=80)
        console.print(shown)
        assert console.file.getvalue().strip()


async def test_a_trace_shows_every_text_with_its_place():
    """Every part in the order of the graph; plates by their indices, as they stand in code."""
    trace = await plated()
    seen = Seen(trace._repr_html_()).text
    places = [line for line in str(trace).split("\n") if "drawn" in line]
    assert len(places) == 2 + 4 + 4
    names = [seen.index(name) for name in ("question", "ideas", "critique", "answer", "vote")]
    assert names == sorted(names)
    assert seen.count("[1][0]") == 2
    assert seen.count("drawn") == 10
    assert "nats" not in seen
    assert HOSTILE.split("\x1b", maxsplit=1)[0] in seen


async def test_a_trace_tells_where_texts_came_from_and_how_probable_they_are():
    """Drawn, given and guided texts, in nats; what is unknown is a dash and never 0."""
    sites = (
        Site("a", (), "seen", "one", "prior", -1.5),
        Site("b", (), "seen", "two", "guide", -2.0, -1.0),
        Site("c", (), "seen", "three", "given", None),
    )
    trace = Trace("e1", {"x": "in", "a": "one", "b": "two", "c": "three"}, sites, ("c",), {})
    assert str(trace).split("\n")[2:] == [
        " part         text    from      nats    log q",
        " ────────────────────────────────────────────",
        " x            in",
        " a            one     drawn   −1.500",
        " b            two     guide   −2.000   −1.000",
        " c (output)   three   given        –",
    ]
    known = replace(trace, sites=(*sites[:2], sites[2]._replace(logprob=-0.25)))
    assert str(known).split("\n")[-2:] == [
        "All texts and observations together: −3.750 nats.",
        "The weight of this draw: −1.250 nats.",
    ]


async def test_a_fit_shows_why_it_ended_and_what_became_of_its_prompts():
    """Reason, curve, prompts with the words that changed, calls and tokens."""
    found = await fitted()
    html = found._repr_html_()
    seen = Seen(html)
    for said in (found.reason, "likelihood", f"{found.reading.calls:,} calls", "validation"):
        assert said in seen.text
        assert said in str(found)
    assert repr(found) == str(found)
    svg = ET.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])  # noqa: S314
    points = [tag for tag in svg.iter() if tag.tag.endswith("circle")]
    assert len(points) == len(found.state.validations)
    assert "<ins>" in html
    assert "(unchanged)" in seen.text
    assert all(prompt in str(found) for prompt in found.graph.prompts.values())


def test_a_flat_curve_and_one_validation_are_shown():
    """A comparison of one example, and figures that never change, make no error."""
    one = interval([1.0])
    evaluation = Evaluation((1.0,), ("yes",), ())
    assert "says nothing" in str(Comparison(one, one, one, (evaluation, evaluation)))
    assert "0 calls" in str(MeterReading())


@given(st.text(), st.text())
def test_a_difference_loses_nothing(before, after):
    """The pieces of each side are its text, and what is common is the same on both."""
    sides = changed(before, after)
    for side, text in zip(sides, (before, after), strict=True):
        assert "".join(piece for piece, _ in side.words) == text
    common = ["".join(piece for piece, other in side.words if not other) for side in sides]
    assert common[0] == common[1]


async def test_in_a_notebook_lines_are_lines(monkeypatch):
    """Plain text beside the HTML, and progress without a terminal's display."""
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    stream = io.StringIO()
    stream.isatty = lambda: True
    with progress(stream) as observer:
        found = await fitted(observer)
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().startswith("fit begins, 2 steps")
    assert "fit ends after 2 steps" in stream.getvalue()
    shown = found._repr_mimebundle_()
    assert shown == {"text/html": found._repr_html_(), "text/plain": str(found)}
    assert str(found).startswith("graph: a fit of 2 steps")


def test_looking_is_what_costs():
    """`import langnet` does not import what shows things."""
    code = "import sys, langnet; print('langnet.showing' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_what_has_no_view_is_told():
    """Showing something else is a bug of ours, and named."""
    from langnet.showing import as_text

    with pytest.raises(TypeError, match="no view of a int"):
        as_text(3)
