"""Templates: what they accept, and that substitution is literal."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langnet.template import Template, TemplateFault

FIELDS = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)
PIECES = st.lists(st.tuples(st.text(), FIELDS), max_size=6)


def doubled(text: str) -> str:
    """Literal text as a template writes it."""
    return text.replace("{", "{{").replace("}", "}}")


@given(PIECES, st.text())
def test_parse_finds_the_literals_and_fields_that_were_written(pieces, tail):
    """Any literal text, braces doubled, comes back as it was, between the same fields."""
    text = "".join(f"{doubled(literal)}{{{field}}}" for literal, field in pieces) + doubled(tail)
    template = Template.parse(text)
    assert template.fields == tuple(field for _, field in pieces)
    assert template.literals == (*(literal for literal, _ in pieces), tail)
    assert template.text == text


@given(PIECES, st.text(), st.data())
def test_render_puts_values_in_as_they_are(pieces, tail, data):
    """Rendering is concatenation: values with braces or field names are never interpreted."""
    text = "".join(f"{doubled(literal)}{{{field}}}" for literal, field in pieces) + doubled(tail)
    names = {field for _, field in pieces}
    values = {name: data.draw(st.text() | st.just("{prompt}")) for name in sorted(names)}
    expected = "".join(literal + values[field] for literal, field in pieces) + tail
    assert Template.parse(text).render(values) == expected


@given(PIECES, st.text(), st.text(min_size=1))
def test_binding_a_prompt_is_rendering_it(pieces, tail, prompt):
    """A prompt that is not empty stands exactly where its field stood."""
    pieces = [("", "prompt"), *pieces]
    text = "".join(f"{doubled(literal)}{{{field}}}" for literal, field in pieces) + doubled(tail)
    template = Template.parse(text)
    values = dict.fromkeys(template.parents, "{value}")
    assert template.bind(prompt).render(values) == template.render(values | {"prompt": prompt})
    assert not template.bind(prompt).has_prompt
    assert template.bind(prompt).parents == template.parents


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("{prompt}\n\n{q}", "Q"),
        ("{q}\n\n{prompt}\n\nAnswer:", "Q\n\nAnswer:"),
        ("{prompt} {q}", "Q"),
        ("{prompt}{prompt} {q}", "Q"),
        ("Say: {prompt} {q}", "Say: Q"),
        ("Say: {prompt}\n\n{q}", "Say: \n\nQ"),
        ("{q}{prompt}\n{q}", "Q\nQ"),
        ("{q} ({prompt}) {q}", "Q () Q"),
        ("{q}\n{prompt}", "Q\n"),
    ],
)
def test_an_empty_prompt_leaves_no_gap(text, bound):
    """At the start of a line an empty prompt takes the white space after it; else only blanks."""
    assert Template.parse(text).bind("").render({"q": "Q"}) == bound


def test_parents_are_distinct_and_without_the_prompt():
    """A field that stands twice is one edge, and the prompt is none."""
    template = Template.parse("{b}{prompt}{a}{b}")
    assert template.parents == ("b", "a")
    assert template.has_prompt


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\n{", "line 2 of its template holds a lone {"),
        ("}", "holds a lone }"),
        ("{a}}", "holds a lone }"),
        ("{{a}", "holds a lone }"),
        ("{a{b}}", "holds a lone {"),
        ("{}", "holds {}"),
        ("{0}", "holds {0}"),
        ("{a.b}", "holds {a.b}"),
        ("{a[0]}", r"holds {a[0]}"),
        ("{a!r}", "holds {a!r}"),
        ("{a:>3}", "holds {a:>3}"),
        ("{a:}", "holds {a:}"),
        ("{ a }", "holds { a }"),
        ('{"json": 1}', 'holds {"json": 1}'),
    ],
)
def test_only_plain_identifiers_stand_in_braces(text, says):
    """Whatever else stands in braces is a fault that shows it and says how to mend it."""
    with pytest.raises(TemplateFault) as raised:
        Template.parse(text)
    assert says in str(raised.value)
    assert "write {{ and }} for literal braces" in str(raised.value)


def test_templates_can_be_pickled():
    """A pickled template is equal to the first one."""
    template = Template.parse("{a} {{b}} {prompt}")
    assert pickle.loads(pickle.dumps(template)) == template  # noqa: S301 - made here
