"""Drawings: every part and edge is there, nothing overlaps, and all text is escaped."""

from __future__ import annotations

import io
import re
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from langnet.drawing import as_dot, as_html, as_mermaid, as_png, as_svg, as_text
from langnet.drawing.layout import lay_out
from langnet.drawing.words import members_by_plate
from langnet.errors import CapabilityError
from langnet.functions import join, majority
from langnet.graph import Graph
from langnet.node import Function, Input, Node, Prompt

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>\"'&`#;{}|\\n\x1b[31m\u202e]]>%%\n--> x"


def plated():
    """Plates beside and within each other."""
    hint = Prompt("hint", "Be brief.")
    return Graph(
        Input("question"),
        Input("passages", plural=True),
        Node("notes", "{prompt}{passages}{question}", hint, over="passages"),
        Function("digest", join("notes", numbered=True)),
        Node("thoughts", "{question}{digest}{prompt}", "Let's think step by step.", draws=5),
        Node("critique", "{thoughts}{prompt}", over="thoughts", draws=3),
        Node("better", "{question}{thoughts}{critique}{prompt}", hint, over="critique"),
        Node("answer", "{question}{better}", over="better", choices=["A", "B"], trainable=False),
        Function("vote", majority("answer")),
        name="plated",
        target="answer",
    )


def hostile():
    """A graph with markup and control characters wherever text may stand."""
    return Graph(
        Input("q"),
        Node("a", HOSTILE.replace("{}", "{q}{prompt}"), Prompt(HOSTILE, HOSTILE), model=HOSTILE),
        Node("b", "{a}{prompt}", choices=[HOSTILE, "B"]),
        Function("c", join("b", HOSTILE)),
        name=HOSTILE,
    )


@st.composite
def graphs(draw):
    """Graphs of any shape, some nodes drawn several times and run over."""
    parts = [Input("n0"), Input("n1", plural=True)]
    plural = {"n1"}
    scalar = {"n0"}
    for number in range(2, draw(st.integers(3, 9))):
        name = f"n{number}"
        over = draw(st.sampled_from([None, *sorted(plural)]))
        read = draw(st.lists(st.sampled_from(sorted(scalar)), max_size=3, unique=True))
        fields = "".join(
            f"{{{parent}}}" for parent in dict.fromkeys([*read, *filter(None, [over])])
        )
        draws = draw(st.sampled_from([None, 2]))
        parts.append(Node(name, fields + "{prompt}", over=over, draws=draws))
        (plural if over or draws else scalar).add(name)
    parts.append(Function("end", eval(f"lambda {','.join(part.name for part in parts)}: 0")))  # noqa: S307
    return Graph(*parts)


def test_text_of_a_residual_network():
    """The picture in a terminal, character by character."""
    graph = Graph(
        Input("question"),
        Node("thoughts", "{question}\n\n{prompt}", "Let's think\nstep by step."),
        Node("answer", "{question}{thoughts}{prompt}", choices=["Yes", "No"]),
        name="navigate",
    )
    assert as_text(graph).split("\n") == [
        "navigate: 1 input, 2 language nodes",
        "○ question    input",
        '├─● thoughts  trainable                    "Let\'s think step by step."',
        '╰─┴─● answer  Yes | No, trainable, output  ""',
    ]
    assert repr(graph) == as_text(graph)


def test_text_of_plates():
    """Plates, choices, shared prompts, functions and the target are named."""
    assert (
        as_text(plated())
        == """\
plated: 2 inputs, 5 language nodes, 2 functions
○ question                             input
│ ○ passages                           input, plural
├─┴─● notes over passages              trainable hint                "Be brief."
│   ╰─◆ digest                         join('notes', numbered=True)
├─────┴─● thoughts ×5                  trainable                     "Let's think step by step."
│       ├─● critique ×3 over thoughts  trainable                     ""
├───────┴─┴─● better over critique     trainable hint                "Be brief."
╰───────────┴─◐ answer over better     A | B, no prompt, target
              ╰─◆ vote                 majority('answer'), output"""
    )


def test_text_of_lanes_that_cross():
    """A lane that is not read is passed, and one that is read and goes on is crossed."""
    graph = Graph(
        Input("a"),
        Input("b"),
        Node("c", "{a}{prompt}"),
        Node("d", "{a}{b}{prompt}"),
        Node("e", "{a}{b}{c}{d}{prompt}"),
    )
    assert [line.partition(" trai")[0].rstrip() for line in as_text(graph).split("\n")[3:]] == [
        "├─│─● c",
        "├─┼─│─● d",
        "╰─┴─┴─┴─● e",
    ]


def test_a_long_chain_takes_up_one_lane():
    """A graph too deep for a lane each is drawn straight, with the parents named."""
    parts = [Node(f"n{number}", f"{{n{number - 1}}}{{prompt}}") for number in range(1, 30)]
    lines = as_text(Graph(Input("n0"), *parts)).split("\n")
    assert lines[10].startswith("● n9 ← n8")
    assert max(map(len, lines)) < 100


@settings(deadline=None)
@given(graphs(), st.integers(20, 120))
def test_text_names_every_part_and_keeps_to_the_width(graph, width):
    """Each part has a line of its own, none wider than was asked."""
    lines = as_text(graph, width=width).split("\n")[1:]
    assert len(lines) == len(graph.order)
    assert all(cell_len(line) <= width for line in lines)
    wide = as_text(graph, width=1000).split("\n")[1:]
    for name, line in zip(graph.order, wide, strict=True):
        assert re.search(rf"[○●◐◆] {name}\b", line)


def test_wide_characters_take_two_cells():
    """The width is counted in terminal cells."""
    graph = Graph(Input("q"), Node("a", "{q}{prompt}", "考えて" * 40))
    assert all(cell_len(line) <= 60 for line in as_text(graph, width=60).split("\n"))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_layout_keeps_parts_apart_and_plates_around_their_members(graph):
    """No two parts overlap; a plate holds its members and touches no other part; edges go down."""
    widths = dict.fromkeys(graph.order, 80.0)
    labels = {plate: 60.0 for plate in members_by_plate(graph) if plate}
    layout = lay_out(graph, widths, labels)

    def overlap(one, other):
        return (
            one.x < other.x + other.width
            and other.x < one.x + one.width
            and one.y < other.y + other.height
            and other.y < one.y + one.height
        )

    def holds(outer, inner):
        return (
            outer.x < inner.x
            and inner.x + inner.width < outer.x + outer.width
            and outer.y < inner.y
            and inner.y + inner.height < outer.y + outer.height
        )

    names = [*graph.order]
    for position, name in enumerate(names):
        box = layout.parts[name]
        assert box.x >= 0
        assert box.x + box.width <= layout.width
        assert box.y + box.height <= layout.height
        assert not any(overlap(box, layout.parts[other]) for other in names[:position])
        for parent in graph.structure.parents[name]:
            assert layout.parts[parent].y < box.y
        for plate, around in layout.plates.items():
            inside = graph.structure.axes[name][: len(plate)] == plate
            assert holds(around, box) if inside else not overlap(around, box)
    for plate, box in layout.plates.items():
        for other, around in layout.plates.items():
            if plate != other and plate[: len(other)] == other:
                assert holds(around, box)
            elif other[: len(plate)] != plate:
                assert not overlap(around, box)
    assert layout == lay_out(graph, widths, labels)


@settings(deadline=None)
@given(graphs())
def test_svg_draws_every_part_plate_and_edge(graph):
    """The picture is well-formed, with a box a part, a box a plate and a curve an edge."""
    root = ET.fromstring(as_svg(graph))  # noqa: S314 - made here
    titles = [text.text.split()[0] for text in root.iter(f"{SVG}text") if text.get("class")]
    assert sorted(titles) == sorted(graph.order)
    groups = [group.get("class") for group in root.iter(f"{SVG}g")]
    assert groups.count("plate") == len(members_by_plate(graph)) - 1
    edges = sum(len(parents) for parents in graph.structure.parents.values())
    assert len([*root.iter(f"{SVG}path")]) == edges
    tail = as_mermaid(graph).split("\n")
    assert sum(" --> " in line for line in tail) == edges
    assert as_dot(graph).count(" -> ") == edges


@pytest.mark.parametrize("scale", [1, 2.5])
def test_png_has_the_size_of_the_svg_and_its_colours(scale):
    """As many pixels as the SVG has units, times the scale; every kind of part is painted."""
    root = ET.fromstring(as_svg(plated()))  # noqa: S314 - made here
    size = [float(root.get(side)) for side in ("width", "height")]
    png = as_png(plated(), scale=scale)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(io.BytesIO(png))
    assert np.allclose(pixels.shape[1::-1], np.multiply(size, scale), atol=1)
    parts = (pixels * 255).round().astype(int) @ (2**24, 2**16, 2**8, 1)
    for wanted in ("f4f5f7ff", "e4e7ffff", "eceef2ff", "fff0d6ff", "ffffffff"):
        assert int(wanted, 16) in parts
    assert png == as_png(plated(), scale=scale)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), 1e-6, 1000])
def test_a_picture_without_pixels_or_with_too_many_is_refused(scale):
    """The size is checked before anything is painted."""
    with pytest.raises(ValueError, match="scale"):
        as_png(plated(), scale=scale)


def test_without_matplotlib_the_mend_is_told(monkeypatch):
    """A PNG needs an extra; the error names it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CapabilityError, match=r'pip install "langnet\[plot\]"'):
        as_png(plated())


def test_words_stay_within_their_boxes():
    """A title too long for its box is written smaller, and markup is no formula."""
    graph = Graph(Input("q"), Node("a", "{q}{prompt}", choices=["$\\no{$ " + "W" * 34, "B"]))
    pixels = matplotlib.image.imread(io.BytesIO(as_png(graph, scale=1)))
    margin = 10  # what is left and right of the widest box
    assert (pixels[:, :margin] == 1).all()
    assert (pixels[:, -margin:] == 1).all()
    assert not (pixels == 1).all()


def test_mermaid_of_plates():
    """Plates are nested subgraphs, and each part stands in its own."""
    lines = as_mermaid(plated()).split("\n")
    assert lines[0] == "flowchart TD"
    outer = lines.index('    subgraph plate_n4 ["×5"]')
    inner = lines.index('        subgraph plate_n5 ["×3"]')
    assert lines[outer + 1].strip().startswith('n4("thoughts')
    assert lines[inner + 1].strip().startswith('n5("critique')
    assert [line.strip() for line in lines].count("end") == 3


def test_dot_of_plates():
    """Plates are nested clusters, and braces match."""
    dot = as_dot(plated())
    assert dot.startswith('digraph "plated" {')
    assert dot.count("subgraph cluster_") == 3
    assert dot.count("{") == dot.count("}") == 4
    assert "  n1 -> n2;" in dot


def test_html_holds_the_picture_and_the_prompts():
    """A notebook shows the picture and a table with each prompt once."""
    html = as_html(plated())
    assert html == plated()._repr_html_()
    assert html.count("<svg ") == 1
    assert html.count("<td>hint</td><td>notes, better</td><td>trainable</td>") == 1
    assert "<pre>Let&#x27;s think step by step.</pre>" in html
    assert "<td>answer</td>" not in html
    assert not re.search(r"""(href|src|url|@import)""", html)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))


def tags(html):
    """The tags of a text, each with the names of its attributes."""
    parser = Tags()
    parser.feed(html)
    return parser.tags


@pytest.mark.parametrize("draw", [as_text, as_mermaid, as_dot, as_svg, as_html])
def test_hostile_text_is_escaped(draw):
    """Control characters, markup and quotes of the user's appear in no drawing as they are."""
    drawing = draw(hostile())
    assert "\x1b" not in drawing
    assert "\u202e" not in drawing
    assert "<script>" not in drawing or draw in {as_text, as_dot}


def test_hostile_text_does_not_change_the_structure():
    """A picture of hostile text has the tags and lines of one of harmless text."""
    harmless = Graph(
        Input("q"),
        Node("a", "{q}{prompt}", Prompt("p", "x"), model="m"),
        Node("b", "{a}{prompt}", choices=["A", "B"]),
        Function("c", join("b", "x")),
    )
    assert tags(as_html(hostile())) == tags(as_html(harmless))
    ET.fromstring(as_svg(hostile()))  # noqa: S314 - made here
    assert len(as_text(hostile()).split("\n")) == len(as_text(harmless).split("\n"))
    for line in as_mermaid(hostile()).split("\n"):
        assert line.count('"') in {0, 2}
    unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', "", as_dot(hostile()))
    assert '"' not in unquoted
    assert "script" not in unquoted
