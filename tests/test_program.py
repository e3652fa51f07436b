"""The executor on one example: what happens at each node, in which order, with which weight."""

import asyncio
import math
from functools import cache

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet.errors import CapabilityError, GraphError, ModelError
from langnet.graph import Graph
from langnet.key import Key
from langnet.lm.base import Capabilities, Decoding
from langnet.node import Choices, Function, Input, Node
from langnet.program import Program
from langnet.testing import (
    GatedModel,
    ScriptedModel,
    TableModel,
    exact_evidence,
    hashed_distribution,
)
from langnet.trace import effective_sample_size

KEY = Key(("test",))

CHAIN = Graph(
    Input("x"),
    Node("h", "{prompt}{x}", "think "),
    Node("g", "{h}{prompt}", " more"),
    Node("y", "{x} {g}{prompt}", " so", choices={"yes": ["a", "b"], "no": ["c"]}),
)
DIAMOND = Graph(
    Input("x"),
    Node("h", "{prompt}{x}", "think "),
    Node("left", "{h}{prompt}", " left"),
    Node("right", "{h}{prompt}", " right", decoding=Decoding(temperature=0.5)),
    Node("y", "{left} {right}{prompt}", " so"),
)
FAN_IN = Graph(
    Input("x"),
    Node("one", "{prompt}{x}", "one "),
    Node("two", "{prompt}{x}", "two "),
    Node("three", "{x}", trainable=False),
    Node("y", "{one}{two}{three}{prompt}", " so"),
)
PLATE = Graph(
    Input("x"),
    Node("h", "{prompt}{x}", "think ", draws=2),
    Node("g", "{h}{prompt}{x}", " on ", over="h"),
    Function("all", lambda g, h: "+".join((*g, *h))),
    Node("y", "{all}{prompt}", " so"),
)
VOTE = Graph(
    Input("x"),
    Node("h", "{prompt}{x}", "think ", draws=3),
    Function(
        "vote",
        lambda h: h.count("a") / len(h),
        likelihood=lambda target, value: math.log(0.9 * value + 0.05),
    ),
)
GRAPHS = {
    "chain": (CHAIN, {"y": "yes"}),
    "diamond": (DIAMOND, {"y": "b"}),
    "fan-in": (FAN_IN, {"y": "c"}),
    "plate": (PLATE, {"y": "a"}),
    "vote": (VOTE, {"vote": "a"}),
    "inner": (CHAIN, {"g": "b", "y": "no"}),
    "plate observed": (PLATE, {"g": "a", "y": "b"}),
}


DISTRIBUTION = cache(hashed_distribution("abc", concentration=0.7))


def table(**options):
    """A model with exact probabilities over three texts."""
    return TableModel(DISTRIBUTION, **options)


def hindsight(node, index, context, parents):
    """A guide that mixes the node's own context with another."""
    return (context, f"in hindsight {context}")


def far(node, index, context, parents):
    """A guide that leaves the node's own context out."""
    return (f"given the answer {context}", f"rewrite {sorted(parents)}", "rewrite")


async def passed(graph, inputs, model=None, **options):
    """The trace of one run."""
    return await Program(graph, model or table()).run(inputs, key=KEY, example="e1", **options)


# The laws of weights (law 1).


@pytest.mark.parametrize("guide", [None, hindsight, far], ids=["prior", "hindsight", "far"])
@pytest.mark.parametrize("name", GRAPHS)
async def test_weights_are_unbiased(name, guide):
    """The mean of w over draws equals p(y | x) within Monte-Carlo error (law 1)."""
    graph, targets = GRAPHS[name]
    program = Program(graph, table())
    guides = {} if guide is None else dict.fromkeys(set(graph.nodes) - set(targets), guide)
    traces = [
        await program.run({"x": "2"}, key=KEY / n, given=targets, guide=guides, score=True)
        for n in range(1000)
    ]
    weights = [math.exp(trace.log_weight) for trace in traces]
    mean = math.fsum(weights) / len(weights)
    variance = math.fsum((weight - mean) ** 2 for weight in weights) / len(weights)
    error = math.sqrt(variance / len(weights))
    exact = math.exp(exact_evidence(graph, table(), {"x": "2"}, targets))
    assert abs(mean - exact) <= 4 * error + 1e-12
    assert error < exact / 5
    assert effective_sample_size(weights) > 10


@pytest.mark.parametrize("name", GRAPHS)
async def test_joint_minus_weight_is_the_density_of_the_draw(name):
    """For prior draws log p(h, y) − log w = log p(h): both read the same sites."""
    graph, targets = GRAPHS[name]
    trace = await passed(graph, {"x": "2"}, given=targets, score=True)
    latent = math.fsum(site.logprob for site in trace.sites if site.source == "prior")
    assert trace.log_joint == pytest.approx(trace.log_weight + latent)


async def test_guided_sites_carry_the_density_of_the_mixture():
    """log q is that of the whole mixture, log p that of the node itself."""
    model = table()
    graph = Graph(Input("x"), Node("h", "{prompt}{x}", "think "))
    trace = await passed(graph, {"x": "2"}, model, guide={"h": far}, score=True)
    (site,) = trace.sites
    contexts = far(None, (), "think 2", {"x": "2"})
    shares = [model.distribution(context)[site.text] for context in contexts]
    assert site.source == "guide"
    assert site.context == "think 2"
    assert site.logprob == pytest.approx(math.log(model.distribution("think 2")[site.text]))
    assert site.log_q == pytest.approx(math.log(math.fsum(shares) / 3))


async def test_a_greedy_guide_has_no_density():
    """The most probable text of a guide carries no log q, so the weight is unknown."""
    trace = await passed(DIAMOND, {"x": "2"}, guide={"h": hindsight}, score=True, greedy=True)
    (site,) = trace.at("h")
    assert site.log_q is None
    assert trace.log_weight is None
    assert site.logprob is not None


async def test_without_score_a_weight_is_unknown():
    """Nothing is scored that was not asked for, and unknown stays unknown."""
    model = table()
    trace = await passed(DIAMOND, {"x": "2"}, model, given={"y": "a"}, guide={"h": hindsight})
    assert trace.log_weight is None
    assert model.calls == {"sample": 3}


# Given values.


async def test_given_nodes_are_not_drawn():
    """With every node given no model is called, and the trace replays what is given."""
    model = table()
    values = {"h": ("a", "b"), "g": ["c", "a"], "y": "b"}
    trace = await passed(PLATE, {"x": "2"}, model, given=values)
    assert not model.calls
    assert trace["g"] == ("c", "a")
    assert trace["all"] == "c+a+a+b"
    assert {site.source for site in trace.sites} == {"given"}
    assert [site.context for site in trace.at("g")] == ["a on 2", "b on 2"]


async def test_replay_of_a_trace_scores_it_exactly():
    """Replaying drawn texts with scores gives the joint probability of the enumeration."""
    trace = await passed(PLATE, {"x": "2"})
    given = {name: trace[name] for name in PLATE.nodes}
    again = await passed(PLATE, {"x": "2"}, given=given, score=True)
    assert again.values == trace.values
    assert again.log_joint == pytest.approx(again.log_weight)
    assert again.log_joint == pytest.approx(exact_evidence(PLATE, table(), {"x": "2"}, given))


@pytest.mark.parametrize("score", [True, False])
async def test_an_observed_function_is_computed_and_its_children_see_the_target(score):
    """Its log-likelihood is always recorded, since it costs no call."""
    graph = Graph(
        Input("x"),
        Node("h", "{prompt}{x}", "think "),
        Function("loud", lambda h: h.upper()),
        Node("y", "{loud}{prompt}", "!"),
    )
    for target, logprob in (("A", 0.0), ("B", -math.inf)):
        trace = await passed(graph, {"x": "2"}, given={"h": "a", "loud": target}, score=score)
        assert trace.log_likelihoods == {"loud": logprob}
        assert trace.at("y")[0].context == f"{target}!"


async def test_an_observed_function_over_a_plate_sums_its_elements():
    """Each element has its own target, and its own term."""

    def length(xs):
        return len(xs)

    graph = Graph(
        Input("xs", plural=True),
        Function(
            "length",
            length,
            over="xs",
            likelihood=lambda target, value: -abs(int(target) - value),
        ),
        Function("total", lambda length: sum(map(int, length))),
    )
    trace = await passed(graph, {"xs": ["a", "bb", "ccc"]}, given={"length": ("1", "1", "1")})
    assert trace.log_likelihoods == {"length": -3.0}
    assert trace["total"] == 3
    trace = await passed(graph, {"xs": ["a", "bb", "ccc"]}, given={"length": "1"})
    assert trace["length"] == ("1", "1", "1")


@pytest.mark.parametrize(
    ("target", "seen", "logprob"),
    [("a", ("a", "a"), -math.inf), (["a", "b"], ("a", "b"), 0.0), (("a",), ("a",), -math.inf)],
)
async def test_an_observed_plural_function(target, seen, logprob):
    """Its elements are compared one by one, and one text holds for each of them."""
    graph = Graph(
        Input("x"),
        Function("parts", lambda x: x.split(), plural=True),
        Node("y", "{parts}{prompt}", "!", over="parts"),
    )
    trace = await passed(graph, {"x": "a b"}, given={"parts": target})
    assert trace["parts"] == seen
    assert trace.log_likelihoods == {"parts": logprob}
    assert len(trace["y"]) == len(seen)


@pytest.mark.parametrize("name", ["h", "g"])
async def test_given_values_of_the_wrong_length_are_refused(name):
    """The error names the node, the example and the mend."""
    with pytest.raises(GraphError, match=rf"of '{name}' on example 'e1'.* 3 values .* 2; give"):
        await passed(PLATE, {"x": "2"}, given={name: ("a", "b", "c")})


@pytest.mark.parametrize("value", [("a", "b"), None, ["a"]])
async def test_a_given_value_that_is_no_text_is_refused(value):
    """A node without plates takes one text."""
    with pytest.raises(GraphError, match=r"observed of 'h' on example 'e1' .* one text belongs"):
        await passed(CHAIN, {"x": "2"}, given={"h": value})


@pytest.mark.parametrize("name", ["x", "nothing"])
async def test_only_nodes_can_be_given(name):
    """An input or an unknown name among the observations is an error that lists the nodes."""
    with pytest.raises(GraphError, match=rf"'e1' observes '{name}'.*its nodes are h, g, y"):
        await passed(CHAIN, {"x": "2"}, given={name: "a"})


async def test_only_language_nodes_have_guides():
    """A guide for anything else is an error."""
    with pytest.raises(
        GraphError, match=r"guide is given for 'all'.*its language nodes are h, g, y"
    ):
        await passed(PLATE, {"x": "2"}, guide={"all": hindsight})


@pytest.mark.parametrize("contexts", ["one text", ()])
async def test_a_guide_gives_a_sequence(contexts):
    """A guide that gives a text, or nothing, is told so."""
    with pytest.raises(GraphError, match=r"guide of node 'h' gives .* at least one context"):
        await passed(CHAIN, {"x": "2"}, guide={"h": lambda *_: contexts})


# Inputs and plates.


async def test_a_missing_input_is_named():
    """The error names the example and what it brings."""
    with pytest.raises(GraphError, match="example 'e1' has no input 'x'; it brings 'z'"):
        await passed(CHAIN, {"z": "2"})


@pytest.mark.parametrize("value", ["text", 3, b"bytes"])
async def test_a_plural_input_is_a_sequence(value):
    """A text is not taken for the sequence of its characters."""
    graph = Graph(Input("xs", plural=True), Node("y", "{xs}{prompt}", "!", over="xs"))
    with pytest.raises(GraphError, match="'xs' is declared plural, but on example 'e1'"):
        await passed(graph, {"xs": value})


async def test_empty_plates():
    """A plural input without elements gives empty tuples down the graph, and no call."""
    graph = Graph(
        Input("xs", plural=True),
        Node("h", "{xs}{prompt}", "!", over="xs", draws=2),
        Node("g", "{h}{prompt}", "!", over="h"),
        Function("size", lambda h, g: len(h) + len(g)),
    )
    model = table()
    trace = await passed(graph, {"xs": []}, model, given={"g": "a"}, score=True)
    assert (trace["h"], trace["g"], trace["size"]) == ((), (), 0)
    assert trace.sites == ()
    assert not model.calls


async def test_nested_plates():
    """Each element sees its own ancestors, and a function sees nested tuples."""
    graph = Graph(
        Input("xs", plural=True),
        Input("shared"),
        Node("h", "{xs}/{shared}{prompt}", "?", over="xs", draws=2),
        Node("g", "{h}<{xs}{prompt}", "!", over="h"),
        Function("best", lambda xs, g, h: f"{xs}|{g[-1]}|{'+'.join(h)}", over="xs"),
        Function("shape", lambda g: tuple(len(row) for row in g)),
        outputs=("best", "shape"),
    )
    model = ScriptedModel(lambda context, key: f"({context}#{key[-1]})")
    trace = await passed(graph, {"xs": ["p", "q", "r"], "shared": "s"}, model)
    assert trace["shape"] == (2, 2, 2)
    assert trace["h"][1] == ("(q/s?#0)", "(q/s?#1)")
    assert trace["g"][2][1] == "((r/s?#1)<r!#1)"
    assert trace["best"][0] == "p|((p/s?#1)<p!#1)|(p/s?#0)+(p/s?#1)"
    assert [site.index for site in trace.at("g")] == [(i, j) for i in range(3) for j in range(2)]


async def test_draws_of_one_context_are_one_call():
    """A plate of draws asks the model once with a key per draw."""
    model = table()
    await passed(VOTE, {"x": "2"}, model)
    assert model.calls == {"sample": 1}


async def test_functions_may_wait_and_run_at_once():
    """Async functions over a plate wait together, and their results keep the plate's order."""
    seen = []
    gates = {name: anyio.Event() for name in "pqr"}

    async def call(xs):
        seen.append(xs)
        if len(seen) == 3:
            gates["r"].set()
        await gates[xs].wait()
        following = {"r": "q", "q": "p"}.get(xs)
        if following:
            gates[following].set()
        return xs * 2

    graph = Graph(Input("xs", plural=True), Function("twice", call, over="xs"))
    assert (await passed(graph, {"xs": list("pqr")})).output == ("pp", "qq", "rr")


async def test_a_function_may_return_an_awaitable():
    """What a function returns is awaited where it can be."""

    async def later(x):
        return x + "!"

    def sooner(x):
        return later(x)

    graph = Graph(Input("x"), Function("y", sooner))
    assert (await passed(graph, {"x": "2"})).output == "2!"


async def test_a_template_may_be_without_fields():
    """A node without parents is a root, and an empty template an empty context."""
    graph = Graph(Node("a", "", trainable=False), Node("b", "100 % {{literal}}", trainable=False))
    trace = await passed(graph, {})
    assert [site.context for site in trace.sites] == ["", "100 % {literal}"]
    assert trace.outputs == ("a", "b")


async def test_texts_are_never_taken_for_templates():
    """What a model wrote stands as it is, braces and percent signs included."""
    graph = Graph(Input("x"), Node("a", "{prompt}{x}", "%s {x}"), Node("b", "{a}{prompt}", "."))
    model = ScriptedModel(lambda context, key: "{x} {prompt} %s {{")
    trace = await passed(graph, {"x": "{a}"}, model)
    assert [site.context for site in trace.sites] == ["%s {x}{a}", "{x} {prompt} %s {{."]


# Keys and choices.


@pytest.mark.parametrize("score", [True, False])
@pytest.mark.parametrize("name", GRAPHS)
async def test_a_draw_depends_on_its_key_alone(name, score):
    """Scoring changes no draw, and another key changes some."""
    graph, _ = GRAPHS[name]
    trace = await passed(graph, {"x": "2"}, score=score)
    assert trace.values == (await passed(graph, {"x": "2"})).values
    others = [
        await Program(graph, table()).run({"x": "2"}, key=KEY / n, example="e1") for n in range(9)
    ]
    assert any(other.values != trace.values for other in others)


async def test_calibrated_choices_are_exact():
    """A calibrated node's evidence is that of the enumeration, and its draws carry log p."""
    node = Node(
        "y",
        "{prompt}{x}?",
        "is it ",
        choices=Choices.of({"yes": ["a", "b"], "no": ["c"]}),
        decoding=Decoding(temperature=0.7),
    )
    calibrated = node.__class__(
        node.name,
        node.template,
        node.prompt,
        choices=Choices(node.choices.choices, calibrate=True),
        decoding=node.decoding,
    )
    evidence = []
    for part in (node, calibrated):
        graph = Graph(Input("x"), part)
        trace = await passed(graph, {"x": "2"}, given={"y": "yes"}, score=True)
        exact = exact_evidence(graph, table(), {"x": "2"}, {"y": "yes"})
        assert trace.log_joint == pytest.approx(exact)
        drawn = await passed(graph, {"x": "2"})
        assert drawn.log_joint == pytest.approx(
            exact_evidence(graph, table(), {"x": "2"}, {"y": drawn.output})
        )
        evidence.append(exact)
    assert evidence[0] != pytest.approx(evidence[1])


async def test_greedy_takes_the_most_probable_text_everywhere():
    """Greedy runs do not depend on the key."""
    values = [
        (await Program(DIAMOND, table()).run({"x": "2"}, key=KEY / n, greedy=True)).values
        for n in range(5)
    ]
    assert all(value == values[0] for value in values)
    table_of_h = table().distribution("think 2")
    assert values[0]["h"] == max(table_of_h, key=table_of_h.get)


async def test_nodes_call_the_models_they_name():
    """Each node calls its own model, and a model that is missing is named with its node."""
    graph = Graph(Node("a", "", trainable=False, model="big"), Node("b", "", trainable=False))
    models = {"big": ScriptedModel({"": "big"}), "default": ScriptedModel({"": "small"})}
    trace = await Program(graph, models).run({}, key=KEY)
    assert (trace["a"], trace["b"]) == ("big", "small")
    with pytest.raises(GraphError, match="node 'a' calls the model 'big', which is not given"):
        Program(graph, {"default": models["default"]})


async def test_a_bound_of_a_model_that_only_samples_is_refused():
    """Asking for scores says which node needs them, and the example is noted."""
    blind = table(capabilities=Capabilities())
    with pytest.raises(CapabilityError, match="node 'h' needs log-probabilities") as caught:
        await passed(CHAIN, {"x": "2"}, blind, score=True)
    assert caught.value.__notes__ == ["at node 'h' of example 'e1'"]


# Order: a node runs as soon as its parents are there (law 6).

BRANCHES = Graph(
    Input("x"),
    Node("root", "{x}{prompt}", "|root"),
    Node("fast", "{root}{prompt}", "|fast"),
    Node("faster", "{fast}{prompt}", "|faster"),
    Node("slow", "{root}{prompt}", "|slow"),
    Node("join", "{faster}{slow}{prompt}", "|join"),
)


async def settle():
    """Lets every task go as far as it can."""
    for _ in range(12):
        await anyio.lowlevel.checkpoint()


async def test_a_fast_branch_does_not_wait_for_a_slow_one():
    """There is no barrier between levels: only a node's own parents hold it back."""
    gated = GatedModel(ScriptedModel(lambda context, key: key[-1]))
    async with anyio.create_task_group() as tasks:

        async def go():
            trace = await Program(BRANCHES, gated).run({"x": "2"}, key=KEY)
            assert trace.output == "join"

        tasks.start_soon(go)
        await gated.arrived(1)
        gated.release("2|root")
        await gated.arrived(2)
        gated.release("root|fast")
        await gated.arrived(2)
        assert set(gated.waiting) == {"root|slow", "fast|faster"}
        gated.release("fast|faster")
        await settle()
        assert gated.waiting == ("root|slow",)
        gated.release("root|slow")
        await gated.arrived(1)
        gated.release("fasterslow|join")


async def test_a_chain_costs_no_task_and_a_fork_one_per_further_branch():
    """The first successor runs on in the same task."""
    tasks = set()

    def answer(context, key):
        tasks.add(asyncio.current_task())
        return "x"

    await passed(CHAIN.replace("y", choices=None), {"x": "2"}, ScriptedModel(answer))
    assert tasks == {asyncio.current_task()}
    await passed(DIAMOND, {"x": "2"}, ScriptedModel(answer))
    assert len(tasks) == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 100), max_size=30), st.sampled_from(["diamond", "fan-in", "plate"]))
def test_the_order_of_completion_does_not_show(order, name):
    """The same key gives the same trace, whatever the order in which calls finish (law 6)."""
    graph, targets = GRAPHS[name]

    async def run(places):
        gated = GatedModel(table())
        found = []

        async def go():
            found.append(
                await Program(graph, gated).run(
                    {"x": "2"}, key=KEY, given=targets, guide={"h": hindsight}, score=True
                )
                if "h" in graph
                else await Program(graph, gated).run({"x": "2"}, key=KEY, given=targets, score=True)
            )

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(go)
            for place in places:
                await settle()
                if gated.waiting:
                    gated.release(place % len(gated.waiting))
            gated.release_all()
        return found

    assert anyio.run(run, order) == anyio.run(run, [])


# Failures.


@pytest.mark.parametrize("graph", [CHAIN, DIAMOND, PLATE], ids=["chain", "diamond", "plate"])
async def test_a_failure_names_node_and_example_once(graph):
    """The note of an error says where it happened."""

    def answer(context, key):
        if context.startswith("think"):
            return "x"
        raise ModelError("down")

    with pytest.raises(ModelError) as caught:
        await passed(graph, {"x": "2"}, ScriptedModel(answer))
    (note,) = [note for note in caught.value.__notes__ if note.startswith("at node")]
    assert note.endswith("of example 'e1'")


async def test_a_bug_in_one_branch_wins_over_a_failed_call_in_another():
    """Where both fail at once the bug is raised."""

    def broken(x):
        raise ZeroDivisionError("bug")

    def answer(context, key):
        raise ModelError("down")

    for parts in (
        (Function("a", broken), Node("b", "{x}{prompt}", "!")),
        (Node("a", "{x}{prompt}", "!"), Function("b", broken)),
    ):
        with pytest.raises(ZeroDivisionError) as caught:
            await passed(Graph(Input("x"), *parts), {"x": "2"}, ScriptedModel(answer))
        assert any(note.startswith("at node") for note in caught.value.__notes__)


async def test_a_failing_async_function_leaves_nothing_behind():
    """One element's failure cancels the others, even those that had not begun."""

    async def call(xs):
        if xs == "p":
            raise ModelError("down")
        await anyio.sleep_forever()

    graph = Graph(Input("xs", plural=True), Function("y", call, over="xs"))
    with pytest.raises(ModelError, match="down"):
        await passed(graph, {"xs": list("pqr")})
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("graph", [CHAIN, DIAMOND, PLATE], ids=["chain", "diamond", "plate"])
async def test_cancellation_leaves_no_task(graph):
    """Whoever stops waiting for a run stops everything that it began."""
    gated = GatedModel(table())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: Program(graph, gated).run({"x": "2"}, key=KEY))
        await gated.arrived(1)
        gated.release()
        await gated.arrived(1)
        tasks.cancel_scope.cancel()
    assert gated.open == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


# Runs over a part of a graph.


@pytest.mark.parametrize("name", GRAPHS)
async def test_a_run_in_two_parts_is_the_run(name):
    """Cut anywhere, a run that goes on from the first part ends in the same trace."""
    graph, targets = GRAPHS[name]
    program = Program(graph, table())
    options = {"key": KEY, "given": targets, "score": True, "example": "e1"}
    nodes = [part for part in graph.order if part not in graph.inputs]
    guides = dict.fromkeys(set(graph.nodes) - set(targets), hindsight)
    whole = await program.run({"x": "2"}, guide=guides, **options)
    for cut in range(len(nodes) + 1):
        first = await program.run({"x": "2"}, guide=guides, only=nodes[:cut], **options)
        assert set(first.values) == {*graph.inputs, *nodes[:cut]}
        assert {site.node for site in first.sites} <= set(nodes[:cut])
        rest = await program.run({"x": "2"}, guide=guides, start=first, **options)
        assert rest == whole


async def test_a_part_costs_its_own_calls_alone():
    """What an earlier run has visited is neither drawn nor scored again."""
    model = table()
    program = Program(DIAMOND, model)
    first = await program.run({"x": "2"}, key=KEY, score=True, only=["h"])
    assert model.calls == {"sample": 1, "score": 1}
    await program.run({"x": "2"}, key=KEY, score=True, start=first, only=["right"])
    assert model.calls == {"sample": 2, "score": 2}


async def test_a_part_must_hang_together():
    """A node whose parent is neither run nor there is refused, as is one that is no part."""
    program = Program(DIAMOND, table())
    with pytest.raises(GraphError, match=r"node 'left' reads 'h', which is neither.*let only hold"):
        await program.run({"x": "2"}, key=KEY, only=["left"])
    with pytest.raises(
        GraphError, match=r"'stranger' cannot be run .* it has x, h, left, right, y"
    ):
        await program.run({"x": "2"}, key=KEY, only=["h", "stranger"])


async def test_a_greedy_plate_is_drawn():
    """A node that draws several texts draws them at its temperature; its children are greedy."""
    graph = Graph(
        Input("x"),
        Node("h", "{prompt}{x}", "think ", draws=20),
        Node("y", "{h}{prompt}", " so", over="h"),
    )
    program = Program(graph, table())
    trace = await program.run({"x": "2"}, key=KEY, greedy=True)
    assert len(set(trace["h"])) > 1
    answers = dict(zip(trace["h"], trace["y"], strict=True))
    assert trace["y"] == tuple(answers[text] for text in trace["h"])
    assert trace == await program.run({"x": "2"}, key=KEY, greedy=True)
