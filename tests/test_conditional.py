"""The conditional distribution of one node: drawn from and scored as one and the same."""

import math
from collections import Counter

import pytest

from langnet.conditional import Conditional
from langnet.errors import CapabilityError, ModelError
from langnet.key import Key
from langnet.lm.base import Capabilities, Decoding
from langnet.node import Choices, Node
from langnet.testing import ScriptedModel, TableModel, hashed_distribution

KEYS = [Key(("draw", number)) for number in range(2000)]
TABLE = {"Yes": 0.3, "Yeah": 0.2, "No": 0.1, "Perhaps": 0.4}
SAMPLES_ONLY = Capabilities()


def conditional(node, distribution=lambda context: TABLE, blanks=(), **settings):
    """The distribution of a node under a table."""
    return Conditional(node, TableModel(distribution, **settings), blanks)


def shares(drawn):
    """How large a share of the draws each text has."""
    counts = Counter(text for text, _ in drawn)
    return {text: count / len(drawn) for text, count in counts.items()}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
async def test_texts_are_drawn_as_often_as_they_are_scored(temperature):
    """Draw and score agree on one distribution at every temperature."""
    free = conditional(Node("a", "{prompt}", decoding=Decoding(temperature=temperature)))
    drawn = shares(await free.draw("c", KEYS))
    for text, logprob in zip(TABLE, await free.logprobs("c", list(TABLE)), strict=True):
        assert drawn[text] == pytest.approx(math.exp(logprob), abs=0.04)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
async def test_labels_are_drawn_as_often_as_they_are_scored(temperature):
    """Draws over choices follow p(label) ∝ (Σ p(verbaliser))^(1/T), and carry their log p."""
    choices = {"yes": ["Yes", "Yeah"], "no": ["No"]}
    node = Node("a", "{prompt}", choices=choices, decoding=Decoding(temperature=temperature))
    closed = conditional(node)
    raw = [0.5 ** (1 / temperature), 0.1 ** (1 / temperature)]
    expected = {"yes": raw[0] / sum(raw), "no": raw[1] / sum(raw)}
    drawn = await closed.draw("c", KEYS)
    for text, logprob in set(drawn):
        assert math.exp(logprob) == pytest.approx(expected[text])
        assert shares(drawn)[text] == pytest.approx(expected[text], abs=0.04)
    logprobs = await closed.logprobs("c", ["no", "yes", "Perhaps"])
    assert logprobs == pytest.approx(
        [math.log(expected["no"]), math.log(expected["yes"]), -math.inf]
    )


@pytest.mark.parametrize("choices", [None, ["Yes", "No"]])
async def test_greedy_takes_the_most_probable(choices):
    """Greedy draws do not depend on the key, and nor do those at temperature 0."""
    best = "Perhaps" if choices is None else "Yes"
    warm = conditional(Node("a", "{prompt}", choices=choices))
    cold = conditional(Node("a", "{prompt}", choices=choices, decoding=Decoding(temperature=0)))
    assert {text for text, _ in await warm.draw("c", KEYS[:5], greedy=True)} == {best}
    assert {text for text, _ in await cold.draw("c", KEYS[:5])} == {best}


async def test_calibration_divides_by_what_the_labels_are_without_content():
    """p(label) ∝ p(label | context) / mean p(label | blank), and the blanks are asked once."""
    tables = {
        "c": {"A": 0.6, "B": 0.4},
        "blank 1": {"A": 0.8, "B": 0.2},
        "blank 2": {"A": 0.6, "B": 0.4},
    }
    node = Node("a", "{prompt}", choices=Choices.of(["A", "B"]))
    calibrated = conditional(node, tables.__getitem__, ("blank 1", "blank 2", "blank 1"))
    ratio = [0.6 / 0.7, 0.4 / 0.3]
    expected = [math.log(r / sum(ratio)) for r in ratio]
    assert await calibrated.label_logprobs("c") == pytest.approx(tuple(expected))
    await calibrated.draw("c", KEYS[:3])
    assert calibrated.model.calls["choose"] == 2 + 2


async def test_a_choice_without_any_probability_is_an_error_of_the_model():
    """Where no choice is possible nothing is known, and the example fails instead of guessing."""
    none = conditional(Node("a", "{prompt}", choices=["Up", "Down"]))
    with pytest.raises(ModelError, match=r"no probability to any choice of node 'a'.*'Up', 'Down'"):
        await none.draw("c", KEYS[:1])


async def test_an_impossible_choice_has_probability_zero():
    """One impossible choice leaves all weight on the other, and is never drawn."""
    half = conditional(Node("a", "{prompt}", choices=["Yes", "Down"]))
    assert await half.label_logprobs("c") == (0.0, -math.inf)
    assert shares(await half.draw("c", KEYS[:50])) == {"Yes": 1.0}


async def test_calibration_by_an_impossible_blank_is_an_error():
    """Nothing can be divided by zero: the message says so and what to do."""
    node = Node("a", "{prompt}", choices=["Yes", "No"])
    tables = {"c": {"Yes": 0.5, "No": 0.5}, "blank": {"Yes": 1.0}}
    with pytest.raises(ModelError, match="'No' of node 'a' cannot be calibrated"):
        await conditional(node, tables.__getitem__, ("blank",)).label_logprobs("c")


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("No", "no"),
        ("**No.** It is not.", "no"),
        ("nothing", "nothing"),
        ("Not sure", "Not sure"),
        ("(B) because", "(B)"),
        ("Because", "Because"),
        ("1", "1"),
        ("1. the first", "1"),
        ("1.5", "1.5"),
        ("12", "12"),
        ("是的", "是"),
    ],
)
async def test_a_model_that_only_samples_is_matched_with_the_choices(said, label):
    """A text that begins with a choice is taken for it, but not one that begins a longer word."""
    choices = {"no": ["No"], "(B)": ["(B)"], "1": ["1"], "是": ["是"], "yes": ["Yes"]}
    model = ScriptedModel({"c": said})
    ((text, logprob),) = await Conditional(Node("a", "", choices=choices), model).draw(
        "c", KEYS[:1]
    )
    assert (text, logprob) == (label, None)


async def test_the_longest_choice_is_matched():
    """Of "No" and "No answer" the longer one counts where both fit."""
    model = ScriptedModel({"c": "No answer."})
    node = Node("a", "", choices=["No", "No answer"])
    assert (await Conditional(node, model).draw("c", KEYS[:1]))[0].text == "No answer"


@pytest.mark.parametrize("choices", [None, ["Yes", "No"]])
async def test_a_model_that_only_samples_gives_no_log_probability(choices):
    """Asking for a score names the node, the model and what would do."""
    blind = conditional(Node("a", "{prompt}", choices=choices), capabilities=SAMPLES_ONLY)
    with pytest.raises(CapabilityError, match=r"node 'a' needs .* 'table' does not give them; use"):
        await blind.logprobs("c", ["Yes"])


async def test_draws_depend_on_their_keys_alone():
    """The same key gives the same text in any company."""
    free = conditional(Node("a", "{prompt}"), hashed_distribution(list("abcdefgh")))
    together = await free.draw("c", KEYS[:10])
    apart = [(await free.draw("c", [key]))[0] for key in KEYS[:10]]
    assert together == apart
