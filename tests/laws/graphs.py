"""Small graphs over a finite vocabulary, whose posteriors can be enumerated."""

from __future__ import annotations

from functools import cache

from langnet import Function, Graph, Input, Node, Prompt
from langnet.functions import either, only_if
from langnet.testing import TableModel, hashed_distribution

VOCABULARY = ("red", "green", "blue")
TARGETS = {"y": "green"}


@cache
def table(seed, concentration, words):
    vocabulary = VOCABULARY[:words]
    return cache(hashed_distribution(vocabulary, seed=seed, concentration=concentration))


def model(seed=0, concentration=3.0, words=3):
    """A model whose weights have no heavy tail, so that Monte Carlo errors can be trusted."""
    return TableModel(table(seed, concentration, words))


def chain():
    return Graph(Input("x"), Node("h", "{prompt} h {x}", "p"), Node("y", "{prompt} y {x} {h}", "q"))


def chain3():
    return Graph(
        Input("x"),
        Node("a", "{prompt} a {x}", "p"),
        Node("b", "{prompt} b {a}", "q"),
        Node("y", "{prompt} y {x} {b}", "r"),
    )


def chain4():
    return Graph(
        Input("x"),
        Node("a", "{prompt} a {x}", "p"),
        Node("b", "{prompt} b {a}", "q"),
        Node("c", "{prompt} c {b} {x}", "r"),
        Node("y", "{prompt} y {c}", "s"),
    )


def diamond():
    return Graph(
        Input("x"),
        Node("a", "{prompt} a {x}", "p"),
        Node("b", "{prompt} b {x}", "q"),
        Node("y", "{prompt} y {a} {b}", "r"),
    )


def fan_in():
    return Graph(
        Input("x"),
        Input("z"),
        Node("a", "{prompt} a {x}", "p"),
        Node("b", "{prompt} b {z}", "q"),
        Function("both", lambda a, b: f"{a}+{b}"),
        Node("y", "{prompt} y {both} {x}", "r"),
    )


def plate():
    return Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", "p", draws=2),
        Node("v", "{prompt} v {h} {x}", "q", over="h"),
        Function("joined", lambda v: f"<{'-'.join(v)}>"),
        Node("y", "{prompt} y {joined}", "r"),
    )


def shared():
    prompt = Prompt("shared", "p")
    return Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", prompt),
        Node("y", "{prompt} y {x} {h}", prompt),
    )


def branch():
    """A text that decides whether another is drawn at all; for particles, not for local sweeps."""
    return Graph(
        Input("x"),
        Node("h", "{prompt} h {x}", "p"),
        Function("is_red", only_if("x", "h", "red"), plural=True),
        Node("v", "{prompt} v {is_red}", "q", over="is_red"),
        Function("taken", either("v", "h")),
        Node("y", "{prompt} y {taken}", "r"),
    )


GRAPHS = {make.__name__: make for make in (chain, chain3, chain4, diamond, fan_in, plate, shared)}
INPUTS = {"x": "one", "z": "two"}


def inputs(graph):
    return {name: INPUTS[name] for name in graph.inputs}
