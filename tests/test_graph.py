"""Declarations: what a graph works out, every fault with its mend, and edits."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.errors import GraphError
from langnet.functions import join, majority
from langnet.graph import Graph
from langnet.lm.base import Choice
from langnet.node import Choices, Function, Input, Node, Prompt

QUESTION = Input("question")


def faults(*parts, **settings):
    """The faults that a declaration is refused for."""
    with pytest.raises(GraphError) as raised:
        Graph(*parts, **settings)
    return raised.value.faults


def residual():
    """Two language nodes, the second of which reads the input, too."""
    return Graph(
        QUESTION,
        Node("thoughts", "{question}\n\n{prompt}", "Think."),
        Node("answer", "{question}\n{thoughts}\n{prompt}", choices=["Yes", "No"]),
        name="residual",
    )


def consistency():
    """Five chains of thought, an answer to each, and a vote."""
    return Graph(
        QUESTION,
        Node("thoughts", "{question} {prompt}", draws=5),
        Node("answer", "{question} {thoughts} {prompt}", over="thoughts"),
        Function("vote", majority("answer")),
        target="answer",
    )


# What a graph works out.


def test_the_template_is_the_edge_list():
    """Fields and parameters are the edges; outputs are what no other part reads."""
    graph = residual()
    assert graph.order == ("question", "thoughts", "answer")
    assert graph.structure.parents["answer"] == ("question", "thoughts")
    assert graph.structure.children["question"] == ("thoughts", "answer")
    assert graph.outputs == ("answer",)
    assert graph.target == "answer"
    assert graph.inputs == ("question",)
    assert [*graph.nodes] == ["thoughts", "answer"]
    assert graph.prompts == {"thoughts": "Think.", "answer": ""}
    assert graph.trainable == ("thoughts", "answer")


def test_parts_may_be_declared_in_any_order():
    """The order of a graph has parents before children, however it was declared."""
    parts = residual().parts.values()
    graph = Graph(*reversed(parts), name="residual")
    assert graph.order == ("question", "thoughts", "answer")
    assert graph == residual()


@st.composite
def random_parts(draw):
    """Nodes that read any of the parts before them, shuffled, and their edges."""
    count = draw(st.integers(1, 8))
    edges = {"x": ()}
    for number in range(count):
        known = st.sampled_from([*edges])
        edges[f"n{number}"] = tuple(draw(st.lists(known, min_size=1, max_size=3)))
    parts = [Input("x")] + [
        Node(name, "".join(f"{{{parent}}}" for parent in parents), trainable=False)
        if draw(st.booleans())
        else Function(name, eval(f"lambda {','.join(dict.fromkeys(parents))}: 0"))  # noqa: S307
        for name, parents in edges.items()
        if parents
    ]
    return draw(st.permutations(parts)), edges


@settings(deadline=None)
@given(random_parts())
def test_order_is_topological_and_edges_are_the_fields(drawn):
    """On any acyclic declaration, the order is topological and the edges are those written."""
    parts, edges = drawn
    read = {parent for parents in edges.values() for parent in parents}
    outputs = [name for name in edges if name not in read]
    graph = Graph(*parts)
    assert sorted(graph.order) == sorted(edges)
    assert set(graph.outputs) == set(outputs)
    place = {name: position for position, name in enumerate(graph.order)}
    for name, parents in edges.items():
        assert graph.structure.parents[name] == tuple(dict.fromkeys(parents))
        assert all(place[parent] < place[name] for parent in parents)
        assert all(name in graph.structure.children[parent] for parent in parents)
    assert pickle.loads(pickle.dumps(graph.structure)) == graph.structure  # noqa: S301 - made here


def test_axes_of_plates():
    """Draws and plural parts add an axis, `over` takes on axes, and a function ends them."""
    graph = consistency()
    assert graph.structure.axes == {
        "question": (),
        "thoughts": ("thoughts",),
        "answer": ("thoughts",),
        "vote": (),
    }
    assert graph.structure.domain["answer"] == ("thoughts",)
    assert graph.structure.shared["answer"] == {"question": 0, "thoughts": 1}
    assert graph.structure.shared["vote"] == {"answer": 0}


def test_axes_of_nested_plates():
    """A node with draws over a plural node runs over both, and shares a prefix with each parent."""
    graph = Graph(
        Input("passages", plural=True),
        Node("note", "{passages} {prompt}", over="passages", draws=3),
        Node("check", "{passages} {note} {prompt}", over="note"),
        Function("best", lambda passages, note, check: (passages, note, check), over="passages"),
        Function("report", join("best")),
        Function("grid", lambda check, passages: (check, passages)),
    )
    with pytest.raises(GraphError, match="without using it"):
        graph.replace("best", over="report")
    assert graph.structure.axes["note"] == ("passages", "note")
    assert graph.structure.axes["check"] == ("passages", "note")
    assert graph.structure.shared["check"] == {"passages": 1, "note": 2}
    assert graph.structure.axes["grid"] == ()
    assert graph.structure.shared["grid"] == {"check": 0, "passages": 0}


def test_a_function_over_an_outer_plate_sees_the_inner_one_whole():
    """A function over the outer axis has one axis in common with a parent of both."""
    graph = Graph(
        Input("passages", plural=True),
        Node("note", "{passages} {prompt}", over="passages", draws=3),
        Function("best", lambda passages, note: (passages, note), over="passages"),
    )
    assert graph.structure.shared["best"] == {"passages": 1, "note": 1}
    assert graph.structure.axes["best"] == ("passages",)


def test_a_plural_function_makes_a_plate():
    """Nodes may run over the elements of a plural function's value."""
    graph = Graph(
        QUESTION,
        Function("steps", lambda question: question.split(), plural=True),
        Node("done", "{steps} {prompt}", over="steps"),
    )
    assert graph.structure.axes["done"] == ("steps",)


def test_shared_prompts():
    """Nodes that hold the same Prompt show one prompt, and an edit of it reaches all of them."""
    hint = Prompt("hint", "Be brief.")
    graph = Graph(
        QUESTION,
        Node("a", "{question} {prompt}", hint),
        Node("b", "{a} {prompt}", hint),
    )
    assert graph.prompts == {"hint": "Be brief."}
    assert graph.trainable == ("hint",)
    assert graph.sharing("hint") == ("a", "b")
    edited = graph.with_prompts({"hint": "Be long."})
    assert {node.prompt_text for node in edited.nodes.values()} == {"Be long."}


def test_function_parameters_with_defaults_are_no_edges():
    """Only parameters without a default are parents."""
    graph = Graph(QUESTION, Function("f", lambda question, *rest, scale=2, **more: question))
    assert graph.structure.parents["f"] == ("question",)


def test_choices_from_labels_and_mappings():
    """Choices come from labels or from a mapping to verbalisers; one text stands for a list."""
    assert Choices.of(["a", "b"]).labels == ("a", "b")
    verbal = Choices.of({"yes": ["Yes", "True"], "no": "No"})
    assert verbal.choices == (Choice("yes", ("Yes", "True")), Choice("no", ("No",)))
    assert Choices.of(verbal) is verbal
    with pytest.raises(GraphError, match="give a list of labels"):
        Choices.of("Yes")


# Faults.

TRAINED = Node("a", "{question} {prompt}")
FIXED = Node("a", "{question}", trainable=False)


@pytest.mark.parametrize(
    ("parts", "settings", "says"),
    [
        ([QUESTION], {}, "the graph has no node; declare at least one"),
        ([QUESTION, TRAINED, TRAINED], {}, "the name 'a' is used 2 times; give each part its own"),
        ([QUESTION, Node("a b", "{question}{prompt}")], {}, "'a b' is no name for a part"),
        ([QUESTION, Node("prompt", "{question}{prompt}")], {}, "may not be named 'prompt'"),
        ([QUESTION, Node("a", "{questoin} {prompt}")], {}, "did you mean 'question'?"),
        ([QUESTION, Node("a", "{question}{promt}", trainable=False)], {}, "mean 'prompt'?"),
        ([QUESTION, Node("a", "{zzz}{prompt}{question}")], {}, "'zzz', which is not declared"),
        ([QUESTION, Node("a", "{question} {prompt}{")], {}, "node 'a': line 1 of its template"),
        ([QUESTION, Function("f", str.upper)], {}, "'self' can only be given by position"),
        ([QUESTION, Function("f", 5)], {}, "wrap it in a function with named parameters"),
        ([QUESTION, Node("a", "{question}")], {}, "say trainable=False"),
        ([QUESTION, Node("a", "{question}", "x", trainable=False)], {}, "does not show; put"),
        ([QUESTION, Node("a", "{question}{prompt}", draws=0)], {}, "draws=0; draw at least 1"),
        ([QUESTION, Node("a", "{question}{prompt}", choices=["x"])], {}, "two different choices"),
        ([QUESTION, Node("a", "{question}{prompt}", choices=["x", "x", "y"])], {}, "choice twice"),
        (
            [QUESTION, Node("a", "{question}{prompt}", choices={"x": ["t"], "y": ["t"]})],
            {},
            "counts the text 't' 2 times among its choices; let it stand for one",
        ),
        ([QUESTION, Node("a", "{question}{prompt}", choices=["", "y"])], {}, "an empty choice"),
        (
            [
                QUESTION,
                Node(
                    "a",
                    "{question}{prompt}",
                    choices=Choices((Choice("x"), Choice("y")), calibrate=True, content_free=()),
                ),
            ],
            {},
            "no content-free text; give at least one",
        ),
        (
            [
                QUESTION,
                Node("a", "{question}{prompt}", Prompt("p", "1")),
                Node("b", "{a}{prompt}", Prompt("p", "2")),
            ],
            {},
            "has different texts in nodes 'a', 'b'; give all of them the same Prompt",
        ),
        (
            [
                QUESTION,
                Node("a", "{question}{prompt}", Prompt("p")),
                Node("b", "{a}{prompt}", Prompt("p"), trainable=False),
            ],
            {},
            "trainable in some of the nodes 'a', 'b' and frozen in others",
        ),
        (
            [QUESTION, TRAINED, Node("b", "{a}{prompt}", Prompt("a"))],
            {},
            "the shared prompt 'a' has a node's name; rename the prompt",
        ),
        ([QUESTION, TRAINED], {"outputs": "b"}, "the output 'b' is not declared"),
        ([QUESTION, TRAINED], {"outputs": []}, "the graph has no output; name one"),
        ([QUESTION, TRAINED], {"outputs": ["a", "a"]}, "is named 2 times; name it once"),
        ([QUESTION, TRAINED], {"outputs": "question"}, "is an input; name a node or a function"),
        ([QUESTION, TRAINED], {"target": "answer"}, "the target 'answer' is not declared"),
        ([QUESTION, TRAINED], {"target": "question"}, "the target 'question' is an input"),
        ([QUESTION, Node("a", "{a}{question}{prompt}")], {}, "a → a is a cycle"),
        (
            [QUESTION, Node("a", "{b}{question}{prompt}"), Node("b", "{a}{prompt}")],
            {},
            "is a cycle; take one of its edges out, or unroll it",
        ),
        ([QUESTION, Input("unused"), TRAINED], {}, "input 'unused' is read by no node"),
        (
            [QUESTION, TRAINED, Node("b", "{question}{prompt}")],
            {"outputs": "a"},
            "node 'b' leads to no output; add it to outputs, or leave it out",
        ),
        (
            [QUESTION, Node("a", "{question}{prompt}", over="question")],
            {},
            "runs over 'question', which is not plural; give 'question' draws=N",
        ),
        (
            [QUESTION, TRAINED, Node("b", "{question}{prompt}", over="a")],
            {"outputs": ["a", "b"]},
            "runs over 'a' without using it; refer to it",
        ),
        (
            [QUESTION, Node("a", "{question}{prompt}", over="qestion")],
            {},
            "runs over 'qestion', which is not declared; did you mean 'question'?",
        ),
        (
            [Input("xs", plural=True), Node("a", "{xs}{prompt}")],
            {},
            "node 'a' shows 'xs', which is plural; run over it with over='xs', or join it",
        ),
        (
            [
                Input("xs", plural=True),
                Input("ys", plural=True),
                Node("a", "{xs}{ys}{prompt}", over="xs"),
            ],
            {},
            "node 'a' shows 'ys', which is plural",
        ),
        ([[QUESTION, TRAINED]], {}, "declared from Input, Node and Function, one argument each"),
    ],
)
def test_each_fault_is_reported_once_with_its_mend(parts, settings, says):
    """One mistake in a declaration gives one fault, which says what to do."""
    (fault,) = faults(*parts, **settings)
    assert says in fault


def test_all_faults_are_reported_at_once():
    """A graph with several mistakes names all of them in one error."""
    found = faults(
        QUESTION,
        Node("a", "{qestion} {"),
        Node("b", "{question}", draws=0),
        Node("c", "{question} {d} {prompt}", choices=["x"]),
        outputs=["b", "zzz"],
        target="question",
    )
    says = ["lone {", "shows no {prompt}", "draws=0", "'d'", "two different", "'zzz'", "an input"]
    assert len(found) == len(says)
    for words in says:
        assert sum(words in fault for fault in found) == 1


def test_the_message_lists_the_faults():
    """A single fault is the message; several are listed under their number."""
    assert str(GraphError("one")) == "one"
    assert str(GraphError("one", "two")) == "2 faults:\n  - one\n  - two"


# Edits.


def test_edits_return_new_graphs():
    """No edit changes the graph that it is made from."""
    graph = residual()
    before = pickle.dumps(graph)
    assert graph.with_prompts({"answer": "Now."}).prompts["answer"] == "Now."
    assert graph.replace("thoughts", draws=None, model="big").nodes["thoughts"].model == "big"
    assert graph.frozen().trainable == ()
    assert graph.frozen("answer").trainable == ("thoughts",)
    assert pickle.dumps(graph) == before


def test_a_graph_does_not_change():
    """Neither its attributes nor its parts can be set."""
    graph = residual()
    with pytest.raises(AttributeError, match="return a new graph"):
        graph.name = "other"
    with pytest.raises(TypeError):
        graph.parts["more"] = QUESTION


def test_add_and_without_are_inverse():
    """Leaving out what was added gives the first graph back."""
    graph = residual()
    longer = graph.add(Function("upper", lambda answer: answer.upper()))
    assert longer.outputs == ("upper",)
    assert longer.target == "upper"
    assert longer.without("upper") == graph


def test_a_chosen_target_outlives_add_and_without():
    """A target that is not the first output is kept until it is left out itself."""
    graph = consistency()
    longer = graph.add(Function("upper", lambda vote: vote.upper()))
    assert longer.target == "answer"
    assert longer.without("upper").target == "answer"
    assert graph.without("vote", "answer").target == "thoughts"


@pytest.mark.parametrize(
    "edit",
    [
        lambda graph: graph.with_prompts({"thinking": "x"}),
        lambda graph: graph.frozen("thinking"),
        lambda graph: graph.replace("thinking", draws=2),
        lambda graph: graph.without("thinking"),
        lambda graph: graph["thinking"],
    ],
)
def test_edits_name_what_is_not_there(edit):
    """An edit of a part or prompt that the graph has not raises, and lists those it has."""
    with pytest.raises(GraphError, match=r"no (prompt|part) 'thinking'.*thoughts"):
        edit(residual())


def test_an_edit_is_checked_like_a_declaration():
    """Leaving out a part that others read is a fault."""
    with pytest.raises(GraphError, match="refers to 'thoughts', which is not declared"):
        residual().without("thoughts")


@pytest.mark.parametrize("graph", [residual(), consistency()])
def test_graphs_can_be_pickled_and_copied(graph):
    """A graph from another process, or a copy, is equal to the first."""
    assert pickle.loads(pickle.dumps(graph)) == graph  # noqa: S301 - made here
    assert copy.deepcopy(graph) == graph
    assert "question" in graph


def test_graphs_differ_by_what_they_hold():
    """Graphs are compared by parts, outputs, target and name."""
    graph = residual()
    assert graph != graph.with_prompts({"thoughts": "x"})
    assert graph != Graph(*graph.parts.values(), name="other")
    assert graph != Graph(*graph.parts.values(), name="residual", target="thoughts")
    assert graph != "graph"
