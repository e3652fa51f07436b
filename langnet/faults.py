"""What can be wrong with a declaration, each fault with its mend.

Every function returns the faults that it finds, so that a graph reports all of them at once.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from langnet.node import Choices, Function, Input, Node, Part
from langnet.template import PROMPT_FIELD, Template

__all__ = [
    "function_faults",
    "kind",
    "name_faults",
    "node_faults",
    "part_faults",
    "reach_faults",
    "reference_faults",
    "role_faults",
    "sharing_faults",
]


def kind(part: Part) -> str:
    """What a part is called in messages: "input", "node" or "function"."""
    return type(part).__name__.lower()


def part_faults(parts: Iterable[object]) -> list[str]:
    """Things that are no parts of a graph."""
    return [
        f"a graph is declared from Input, Node and Function, one argument each, but "
        f"{_shortened(repr(thing))} is a {type(thing).__name__}"
        for thing in parts
        if not isinstance(thing, Part)
    ]


def name_faults(parts: Sequence[Part]) -> list[str]:
    """Names that are missing, doubled or cannot be referred to."""
    faults = []
    if not any(isinstance(part, Node | Function) for part in parts):
        faults.append("the graph has no node; declare at least one Node or Function")
    for name, count in Counter(part.name for part in parts).items():
        if count > 1:
            faults.append(f"the name {name!r} is used {count} times; give each part its own")
        if not name.isidentifier():
            faults.append(
                f"{name!r} is no name for a part, since templates could not refer to it; "
                "use letters, digits and underscores"
            )
        if name == PROMPT_FIELD:
            faults.append(
                f"a part may not be named {PROMPT_FIELD!r}: in a template that field stands for "
                "the node's own prompt; rename it"
            )
    return faults


def reference_faults(
    by_name: Mapping[str, Part], parents: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """References to what is not declared, and `over` without a use of it."""
    faults = []
    for name, wanted in parents.items():
        part = by_name[name]
        fields = (PROMPT_FIELD,) if isinstance(part, Node) else ()
        faults += [
            f"{kind(part)} {name!r} refers to {parent!r}, which is not declared; "
            + _suggestion(parent, (*by_name, *fields))
            for parent in wanted
            if parent not in by_name
        ]
        over = None if isinstance(part, Input) else part.over
        if over is not None and over not in by_name:
            faults.append(
                f"{kind(part)} {name!r} runs over {over!r}, which is not declared; "
                + _suggestion(over, by_name)
            )
        elif over is not None and over not in wanted:
            faults.append(
                f"{kind(part)} {name!r} runs over {over!r} without using it; "
                "refer to it in the template or the parameters"
            )
    return faults


def role_faults(role: str, names: Sequence[str], by_name: Mapping[str, Part]) -> list[str]:
    """Outputs or targets that are not declared, are inputs, or are named twice."""
    faults = []
    for name, count in Counter(names).items():
        if name not in by_name:
            faults.append(f"the {role} {name!r} is not declared; {_suggestion(name, by_name)}")
        elif isinstance(by_name[name], Input):
            faults.append(f"the {role} {name!r} is an input; name a node or a function")
        if count > 1:
            faults.append(f"the {role} {name!r} is named {count} times; name it once")
    return faults


def node_faults(node: Node, template: Template | None) -> list[str]:
    """Faults of one language node by itself; without a template where that cannot be read."""
    faults = []
    if template and node.trainable and not template.has_prompt:
        faults.append(
            f"node {node.name!r} is trainable but its template shows no {{prompt}}; "
            "put {prompt} into the template or say trainable=False"
        )
    if template and node.prompt_text and not template.has_prompt:
        faults.append(
            f"node {node.name!r} has a prompt that its template does not show; "
            "put {prompt} into the template or leave the prompt out"
        )
    if node.draws is not None and node.draws < 1:
        faults.append(f"node {node.name!r} has draws={node.draws}; draw at least 1")
    if node.choices is not None:
        if node.decoding.schema is not None:
            faults.append(
                f"node {node.name!r} has choices and a schema, but a text can be held to one of "
                "them only; leave one out"
            )
        faults += [f"node {node.name!r} {fault}" for fault in _choice_faults(node.choices)]
    return faults


def _choice_faults(choices: Choices) -> list[str]:
    faults = []
    labels = set(choices.labels)
    texts = Counter(text for choice in choices.choices for text in choice.texts)
    if len(labels) < 2:  # noqa: PLR2004 - one label is no choice
        faults.append("needs at least two different choices")
    elif len(labels) < len(choices.labels):
        faults.append("has the same choice twice; leave one out")
    else:
        faults += [
            f"counts the text {text!r} {count} times among its choices; let it stand for one"
            for text, count in texts.items()
            if count > 1
        ]
    if "" in texts:
        faults.append("has an empty choice, which every text would begin with; write it out")
    if choices.calibrate and not choices.content_free:
        faults.append("calibrates its choices with no content-free text; give at least one")
    return faults


def function_faults(
    by_name: Mapping[str, Part], parents: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Probabilities that functions are to read and cannot."""
    faults = []
    wanted = [
        (part.name, node, label)
        for part in by_name.values()
        if isinstance(part, Function)
        for node, label in part.probability_of.items()
    ]
    for name, read, label in wanted:
        node = by_name.get(read)
        choices = node.choices if isinstance(node, Node) else None
        where = f"function {name!r} reads the probability of {label!r} of {read!r}, which "
        if read not in parents.get(name, ()):
            faults.append(f"{where}is none of its parents; name a parameter {read!r}")
        elif choices is None:
            faults.append(f"{where}has no choices; give it some, or read its text")
        elif label not in choices.labels:
            faults.append(f"{where}is no choice of it; there is {', '.join(choices.labels)}")
    return faults


def sharing_faults(nodes: Sequence[Node]) -> list[str]:
    """Prompts that the nodes which share them do not agree on."""
    faults = []
    owners = {node.name for node in nodes}
    by_prompt: dict[str, list[Node]] = {}
    for node in nodes:
        by_prompt.setdefault(node.prompt_name, []).append(node)
    for prompt, holders in by_prompt.items():
        names = ", ".join(repr(node.name) for node in holders)
        if len({node.prompt_text for node in holders}) > 1:
            faults.append(
                f"the prompt {prompt!r} has different texts in nodes {names}; "
                "give all of them the same Prompt"
            )
        if len({node.trainable for node in holders}) > 1:
            faults.append(
                f"the prompt {prompt!r} is trainable in some of the nodes {names} and frozen in "
                "others; let all agree, or give the frozen ones a prompt of their own"
            )
        if len(holders) > 1 and prompt in owners and any(n.prompt_name == n.name for n in holders):
            faults.append(f"the shared prompt {prompt!r} has a node's name; rename the prompt")
    return faults


def reach_faults(by_name: Mapping[str, Part], useful: Collection[str]) -> list[str]:
    """Parts that are not among the useful ones, which lead to an output or the target."""
    return [
        f"input {name!r} is read by no node on the way to an output; refer to it in a template, "
        "or leave it out"
        if isinstance(part, Input)
        else f"{kind(part)} {name!r} leads to no output; add it to outputs, or leave it out"
        for name, part in by_name.items()
        if name not in useful
    ]


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near and near[0] != name:
        return f"did you mean {near[0]!r}?"
    return "declare it, for instance with Input, or take the reference out"


def _shortened(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
