"""The live view: what it shows at every size, what it never shows, and the file beside it."""

from __future__ import annotations

import io
import json
import math
import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from langnet import Graph, Input, Node
from langnet.drawing.text import outline
from langnet.errors import ModelError
from langnet.events import FitFinished, FitStarted, Paused, Resumed, StepFinished, Validated
from langnet.key import Key
from langnet.lm.base import Completion, Decoding
from langnet.lm.caller import calling
from langnet.lm.limited import Limited
from langnet.lm.limiter import Limiter
from langnet.lm.limits import Limits
from langnet.lm.meter import Meter, Metered, MeterReading
from langnet.lm.prices import Prices
from langnet.report.live import LiveFile, NodeNow, RateNow, Snapshot, Watch, read_live
from langnet.report.live.display import Display
from langnet.report.live.sparkline import sparkline
from langnet.report.live.view import lines
from langnet.report.progress import showing
from langnet.testing import TableModel
from tests.report.screen import Screen
from tests.virtual import virtually

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m[bold red]x[/]\u202e\r\n\tend"
GRAPH = Graph(
    Input("text"),
    Node("thoughts", "{prompt}\n{text}", "Say what it is."),
    Node("answer", "{prompt}\n{text} {thoughts}", "Decide."),
    name="dln2",
)
STARTED = FitStarted(0, 4, "likelihood", GRAPH.prompts, 1, GRAPH.prompts)


def snapshot(**changes):
    """All that there can be to show."""
    found = Snapshot(
        name="dln2",
        step=3,
        steps=8,
        objective="likelihood",
        phase="validate",
        done=34,
        total=100,
        elapsed=133.0,
        left=245.0,
        reading=MeterReading(
            sample_calls=1234,
            score_calls=4567,
            hits=1203,
            prompt_tokens=120_000,
            completion_tokens=13_700,
            known_cost=0.0123,
            retries=3,
            errors=2,
        ),
        calls_per_second=42.4,
        tokens_per_second=1200.0,
        network=tuple(zip(GRAPH.order, outline(GRAPH), strict=True)),
        nodes={
            "thoughts": NodeNow(calls=1234, open=5, purpose="infer", calls_per_second=12.3),
            "answer": NodeNow(calls=4567, open=18, purpose="score", prompt_tokens=99_000),
        },
        limits={
            "gpt": RateNow(
                used={"requests": 481}, limits={"requests": 500}, concurrency=32, waiting=12
            )
        },
        evidence=((1, -0.9), (2, -0.7), (3, -0.412)),
        validation=((0, 0.5), (1, 0.6), (2, 0.75), (3, 0.812)),
        best=0.812,
        best_step=3,
        prompts={"thoughts": "Say in a few words what it is. " * 9, "answer": "Decide."},
        changed=("thoughts",),
    )
    return replace(found, **changes)


def shown(found, width=100, height=40):
    """What a terminal of that size shows."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    for line in lines(found, width, height):
        console.print(line)
    return console.file.getvalue()


texts = st.text(max_size=40) | st.just(HOSTILE)
nodes = st.builds(
    NodeNow,
    calls=st.integers(0, 10**9),
    open=st.integers(0, 5000),
    purpose=st.sampled_from(["", "infer", "score"]) | texts,
    calls_per_second=st.floats(0, 1e6),
)
points = st.lists(
    st.tuples(st.integers(0, 999), st.none() | st.floats(-1e9, 1e9)), max_size=60
).map(tuple)
snapshots = st.builds(
    snapshot,
    name=texts,
    status=st.sampled_from(["running", "paused", "finished", "failed", "interrupted"]),
    steps=st.integers(0, 1000),
    phase=texts,
    left=st.none() | st.floats(0, 1e9),
    network=st.lists(
        st.tuples(texts, texts.map(lambda text: text.encode("unicode_escape").decode())),
        max_size=40,
    ).map(tuple),
    nodes=st.dictionaries(texts, nodes, max_size=20),
    limits=st.dictionaries(
        texts, st.builds(RateNow, limits=st.dictionaries(texts, st.floats(1, 1e9), max_size=4))
    ),
    evidence=points,
    validation=points,
    prompts=st.dictionaries(texts, texts, max_size=12),
    changed=st.lists(texts).map(tuple),
)


@given(found=snapshots, width=st.integers(8, 200), height=st.integers(6, 70))
@settings(max_examples=100, deadline=None)
def test_a_view_fits_its_terminal_and_holds_visible_characters_alone(found, width, height):
    """No line is wider than the terminal, the view is less high, and nothing moves the cursor."""
    drawn = lines(found, width, height)
    assert all(line.cell_len <= width for line in drawn)
    assert len(drawn) <= max(height - 5, 5)
    assert all(line.plain.isprintable() for line in drawn)
    if width >= 50:
        assert {line.cell_len for line in drawn} == {width}, "a frame has straight sides"


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 24), (140, 40)])
def test_a_usual_terminal_shows_every_part(width, height):
    """The network, curves, prompts, totals and limits are all there from 80 by 24 on."""
    text = shown(snapshot(), width, height)
    for part in (
        *("dln2 · likelihood", "2 min 13 s", "4 min 05 s left", "3/8", "34/100"),
        *("╰─┴─● answer", "score", "18", "12.3", "evidence", "▁▄█  −0.412 nats"),
        *("▁▃▇█  0.812, best 0.812 (step 3)", "• thoughts  Say in a few words", "Decide."),
        *("calls 5,801 at 42.4/s", "tokens 134k at 1,200/s", "cost 0.0123 USD"),
        *("cached 1,203", "retries 3", "failed 2", "requests 481 of 500 a minute"),
        *("waiting 12", "…"),
    ):
        assert part in text, part


def test_less_room_leaves_out_what_matters_least():
    """As a terminal gets lower, prompts go before limits, the network and the curves."""
    gone = {}
    for height in range(40, 5, -1):
        text = shown(snapshot(), 80, height)
        for part in ("• thoughts", "requests", "● answer", "evidence", "calls 5,801", "steps"):
            if part not in text:
                gone.setdefault(part, height)
    assert [*gone] == sorted(gone, key=gone.get, reverse=True)
    assert list(gone) == ["• thoughts", "requests", "● answer", "evidence"]


def test_of_many_nodes_the_busiest_are_shown():
    """A network that is too high shows who has open calls, in its own order."""
    names = [f"n{i}" for i in range(40)]
    found = snapshot(
        network=tuple((name, f"● {name}") for name in names),
        nodes={name: NodeNow(calls=1, open=int(name in {"n7", "n31"})) for name in names},
        prompts={},
    )
    text = shown(found, 80, 24)
    assert 0 < text.index("● n7") < text.index("● n31")
    assert "more" in text


def test_what_a_model_wrote_is_no_markup_and_no_control_sequence():
    """Escapes are shown as such, and square brackets as they are."""
    found = snapshot(prompts={"thoughts": HOSTILE}, changed=("thoughts",), phase=HOSTILE)
    text = shown(found, 140)
    assert r"\x1b[2J\x1b]0;owned\x07\x9b31m[bold red]x[/]\u202e end" in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_limits_have_lines_of_their_own_where_they_hold():
    """A model that nothing holds back says how many requests are open, and no more."""
    free = RateNow(open=3, concurrency=11)
    assert "open 3 of 11" in shown(snapshot(limits={"gpt": free}))
    assert "waiting" not in shown(snapshot(limits={"gpt": free}))
    held = replace(free, waiting=2, refused=1, closed_for=75.0)
    text = shown(snapshot(limits={"gpt": free, "other": held}))
    assert "other · open 3 of 11 · waiting 2 · refused 1 · closed for 1 min 15 s" in text
    assert "gpt" not in text


def test_unknown_money_is_called_unknown():
    """Where no price is known there is no sum, and where some are it is a lower bound."""
    of = MeterReading
    assert "cost unknown" in shown(snapshot(reading=of(unpriced_tokens=5)))
    assert "cost ≥ 0.5000 USD" in shown(snapshot(reading=of(unpriced_tokens=5, known_cost=0.5)))
    assert snapshot(reading=of(unpriced_tokens=5)).to_json()["money"] is None


@given(values=st.lists(st.none() | st.floats(), max_size=80), width=st.integers(0, 60))
def test_a_curve_has_a_cell_for_each_value_that_fits(values, width):
    """It is as long as its values, or as wide as it may be; gaps are gaps."""
    curve = sparkline(values, width)
    assert len(curve) == min(len(values), width)
    if len(values) <= width:
        for cell, value in zip(curve, values, strict=True):
            assert (cell == " ") == (value is None or not math.isfinite(value))


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_a_curve_is_as_its_values_are(values):
    """A higher value has no lower bar, the lowest and the highest have the ends of the scale."""
    curve = sparkline(values, len(values))
    for one, first in zip(values, curve, strict=True):
        for other, second in zip(values, curve, strict=True):
            assert one >= other or first <= second
    if max(values) > min(values):
        assert {min(curve), max(curve)} == {"▁", "█"}
        assert sparkline([2 * value for value in values], len(values)) == curve
    else:
        assert set(curve) == {"▄"}


@given(found=snapshots)
@settings(max_examples=50, deadline=None)
def test_a_snapshot_goes_through_json_without_loss(found):
    """What is written is read back as it was; unknown values are null, never NaN."""
    text = json.dumps(found.to_json(), allow_nan=False)
    assert Snapshot.from_json(json.loads(text)) == found


class Slow(TableModel):
    """A model whose answers wait for a gate."""

    def __init__(self):
        super().__init__(lambda _: {"a": 1.0})
        self.gate = anyio.Event()
        self.fails = False

    async def sample(self, context, *, decoding, keys):
        await self.gate.wait()
        if self.fails:
            raise ModelError("no")
        return [Completion("a", "stop")]


async def ask(model, node, purpose):
    with calling(node=node, purpose=purpose), suppress(ModelError):
        await model.sample("Q", decoding=Decoding(), keys=[Key(("k",))])


def test_a_watch_tells_what_is_open_and_how_fast_it_goes():
    """Open calls and purposes are those of each node now; rates are those of the last seconds."""

    async def main():
        meter, now = Meter(prices=Prices()), [0.0]
        watch = Watch(meter=meter, graph=GRAPH, clock=lambda: now[0], now=lambda: 7.0)
        slow = Slow()
        limiter = Limiter(Limits(requests_per_minute=600, burst=60.0))
        model = Metered(Limited(slow, limiter), meter)
        async with anyio.create_task_group() as tasks:
            for node, purpose in [("thoughts", "infer")] * 3 + [("answer", "score")] * 2:
                tasks.start_soon(ask, model, node, purpose)
            await anyio.wait_all_tasks_blocked()
            now[0] = 1.0
            found = watch.snapshot()
            assert found.nodes["thoughts"].open == 3
            assert found.nodes["thoughts"].purpose == "infer"
            assert found.nodes["answer"].open == 2
            assert found.nodes["answer"].calls_per_second == 2.0
            assert found.calls_per_second == 5.0
            (rate,) = found.limits.values()
            assert rate.limits == {"requests": 600}
            assert (rate.used, rate.open) == ({"requests": 5}, 5)
            slow.fails = True
            slow.gate.set()
        now[0] = 2.0
        found = watch.snapshot()
        assert [node.open for node in found.nodes.values()] == [0, 0]
        assert found.nodes["thoughts"].purpose == "infer", "it did so in the last seconds"
        now[0] = 60.0
        watch.snapshot()
        now[0] = 66.0
        found = watch.snapshot()
        assert found.nodes["thoughts"] == NodeNow(calls=3)
        assert (found.calls_per_second, found.at) == (0.0, 7.0)

    virtually(main)


def test_a_cancelled_call_is_open_no_more():
    """However a call ends, it is counted out."""

    async def main():
        meter = Meter(prices=Prices())
        model = Metered(Slow(), meter)
        with anyio.move_on_after(1):
            await ask(model, "answer", "score")
        assert [counts.open for counts in meter.places.values()] == [0]

    virtually(main)


def test_a_watch_knows_the_best_prompts_and_the_curves():
    """They come from the events of the fit, also of one that goes on."""
    watch = Watch(graph=GRAPH, clock=lambda: 0.0)
    better = {"thoughts": "Better.", "answer": "Decide."}
    for event in (
        replace(STARTED, step=1, validations=((0, 0.5), (1, 0.25))),
        StepFinished(2, 4, -0.25, -0.75, 0.5, ("thoughts",), 1.0, None),
        Validated(2, 0.75, 0.75, is_best=True, best_prompts=better),
        StepFinished(3, 4, -0.2, -math.inf, 0.5, (), 1.0, None),
        Validated(3, 0.5, 0.75, is_best=False, best_prompts=better),
    ):
        watch(event)
    found = watch.snapshot()
    assert found.validation == ((0, 0.5), (1, 0.25), (2, 0.75), (3, 0.5))
    assert found.evidence == ((2, -0.75), (3, None))
    assert (found.best, found.best_step, found.changed) == (0.75, 2, ("thoughts",))
    assert found.prompts == better
    watch(FitFinished(3, 0.75, "enough"))
    assert watch.snapshot("finished").reason == "enough"
    assert (watch.snapshot().step, watch.snapshot().steps) == (3, 4)


def test_a_paused_fit_says_so(tmp_path):
    """While a person lets it wait, the view and the file have the status "paused"."""
    watch = Watch(graph=GRAPH, clock=lambda: 0.0)
    watch(STARTED)
    watch(Paused(1))
    assert watch.snapshot().status == "paused"
    text = shown(watch.snapshot())
    assert "likelihood · paused" in text
    assert "now         paused" in text
    watch(Resumed(1))
    assert watch.snapshot().status == "running"


def test_a_narrower_terminal_is_wiped_clean():
    """Where a terminal has wrapped the view, its next picture takes the place of all of it."""
    screen = Screen(100)

    class Terminal(io.StringIO):
        def write(self, text):
            screen.feed(text)
            return len(text)

        def isatty(self):
            return True

    now = [0.0]
    console = Console(file=Terminal(), force_terminal=True, width=100, height=30)
    with Display(console, snapshot, clock=lambda: now[0]) as display:
        display.print("first")
        for width in (60, 90, 55, 140):
            display.refresh()
            now[0] += 1
            screen.resize(width)
            console.width = width
            display.print(f"at {width}")
            assert screen.text.count("╭─") == 1
    assert screen.text.splitlines() == ["first", "at 60", "at 90", "at 55", "at 140"]
    assert screen.is_cursor_shown


def test_the_file_is_replaced_once_a_second_at_most(tmp_path, monkeypatch):
    """Before the fit begins there is none; from then on each second has one version, and a last."""
    now, versions = [0.0], []
    write = LiveFile._write
    monkeypatch.setattr(
        LiveFile, "_write", lambda self, data: (versions.append(data["elapsed"]), write(self, data))
    )

    async def main():
        watch = Watch(graph=GRAPH, clock=lambda: now[0])
        file = LiveFile(tmp_path, watch, clock=lambda: now[0])
        await file.keep_up()
        assert versions == []
        watch(STARTED)
        for _ in range(20):
            await file.keep_up()
            assert read_live(tmp_path).elapsed == versions[-1]
            now[0] += 0.25
        file.close("finished")

    anyio.run(main)
    assert versions == [0, 1, 2, 3, 4, 5]
    assert read_live(tmp_path).status == "finished"
    assert [path.name for path in tmp_path.iterdir()] == ["live.json"]


@pytest.mark.parametrize(
    ("end", "status"),
    [(None, "finished"), (ZeroDivisionError, "failed"), (KeyboardInterrupt, "interrupted")],
)
def test_the_file_says_how_a_fit_ended(tmp_path, end, status):
    """The last version has the final status, and the error passes through as it is."""

    async def main():
        async with showing(
            io.StringIO(), view="quiet", graph=GRAPH, directory=tmp_path
        ) as observer:
            observer(STARTED)
            if end is not None:
                raise end

    if end is None:
        anyio.run(main)
    else:
        with pytest.raises(end):
            anyio.run(main)
    assert read_live(tmp_path).status == status


def test_a_cancelled_fit_is_interrupted(tmp_path):
    """Cancelling ends the view's own task as well, and the file says so."""

    async def main():
        with anyio.move_on_after(5):
            async with showing(io.StringIO(), graph=GRAPH, directory=tmp_path) as observer:
                await anyio.sleep_forever()
        assert not list(tmp_path.iterdir()), "no fit has begun here"
        with anyio.CancelScope() as scope:
            async with showing(io.StringIO(), graph=GRAPH, directory=tmp_path) as observer:
                observer(STARTED)
                scope.cancel()
                await anyio.sleep_forever()

    virtually(main)
    assert read_live(tmp_path).status == "interrupted"


def test_a_file_that_cannot_be_written_does_not_stop_the_work(tmp_path, caplog):
    """It is logged once."""

    async def main():
        async with showing(
            io.StringIO(), view="quiet", graph=GRAPH, directory=tmp_path / "none"
        ) as observer:
            observer(STARTED)

    virtually(main)
    assert caplog.text.count("cannot be written") == 1


def test_the_view_is_polled_a_few_times_a_second(monkeypatch):
    """Ten seconds are forty looks at the meter at most; a fault ends the view, not the work."""
    looks, faults = [], []

    def look(_watch):
        looks.append(1)
        if faults:
            raise ZeroDivisionError
        return Snapshot()

    monkeypatch.setattr(Watch, "snapshot", look)

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    async def main():
        clock = anyio.current_time
        async with showing(Terminal(), meter=Meter(), clock=clock):
            await anyio.sleep(10)
            faults.append(1)
            await anyio.sleep(10)

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    virtually(main)
    assert 30 <= len(looks) <= 42


def gone_process():
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_what_a_dead_process_left_is_read_as_interrupted(tmp_path):
    """A reader goes by the process where that is on its host, and by age elsewhere."""

    def read(now=100.0, **changes):
        found = snapshot(at=100.0, pid=os.getpid(), host=platform.node(), **changes)
        (tmp_path / "live.json").write_text(json.dumps(found.to_json()))
        return read_live(tmp_path, now=lambda: now).status

    assert read() == "running"
    assert read(status="paused") == "paused"
    assert read(now=500.0) == "interrupted"
    assert read(now=500.0, status="finished") == "finished"
    pid = gone_process()
    found = snapshot(at=100.0, pid=pid, host=platform.node())
    for host, status in ((platform.node(), "interrupted"), ("another", "running")):
        text = json.dumps(replace(found, host=host).to_json())
        (tmp_path / "live.json").write_text(text)
        assert read_live(tmp_path, now=lambda: 101.0).status == status


def test_what_a_later_version_adds_is_left_out(tmp_path):
    """A reader takes what it knows."""
    found = snapshot().to_json()
    found["new"] = found["nodes"]["answer"]["new"] = found["limits"]["gpt"]["new"] = 1
    (tmp_path / "live.json").write_text(json.dumps(found))
    assert read_live(tmp_path, now=lambda: 0.0) == snapshot()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "langnet-live/1"}', '"x"', b"\xff", "null"]
)
def test_what_is_no_snapshot_is_none(tmp_path, text):
    """Whatever lies there in the file's place is not taken for one."""
    assert read_live(tmp_path) is None
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "live.json").write_bytes(data)
    assert read_live(tmp_path) is None


def test_the_picture_fetches_nothing():
    """The picture of the view is drawn with what is there: no address leads anywhere."""
    drawn = (Path(__file__).parents[2] / "docs" / "images" / "live.svg").read_text()
    assert "validation" in drawn
    for word in ("@font-face", "@import", "<script", "<image", "href", "://cdn"):
        assert word not in drawn
    assert re.findall(r"url\((?!#)", drawn) == []
