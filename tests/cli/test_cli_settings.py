"""The settings of a fit on the command line: what they make, and what they refuse."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from langnet import Budget, Method, Price, Racing
from langnet.cli.settings import budget_of, budget_options, method_of, method_options


def parsed(*arguments):
    """The method and the budget of a command line."""
    found = []

    @click.command()
    @method_options
    @budget_options
    def command(**options):
        found.append((method_of(options), budget_of(options)))
        assert not options

    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if result.exit_code:
        raise AssertionError(result.output)
    return found[0]


def test_the_defaults_are_those_of_a_method():
    """Without options the command line makes `Method()`, and no budget."""
    method, budget = parsed()
    assert method == Method()
    assert budget is None


def test_settings_reach_the_method():
    """Each option sets what it names."""
    method, budget = parsed(
        *("--schedule", "reverse", "--racing", "off", "--held-out", "on", "--accept", 0.05),
        *("--staleness", 2, "--adapt", "off", "--remember", "pareto", "--memory", 5),
        *("--posterior", "particles", "--resample", 0.5, "--mix", "phrasing=2,rewrite"),
        *("--budget-money", 2.5, "--price-in", 1, "--price-out", 4),
    )
    assert (method.schedule, method.racing, method.held_out) == ("reverse", None, True)
    assert (method.accept, method.staleness, method.adapt) == (0.05, 2, False)
    assert (method.remember, method.memory) == ("pareto", 5)
    assert (method.inference.kind, method.inference.resample) == ("particles", 0.5)
    assert method.mix == {"phrasing": 2, "rewrite": 1}
    assert budget == Budget(money=2.5, price=Price(1, 4))
    assert parsed("--racing", "on")[0].racing == Racing()


def test_objectives_are_added_up_by_name():
    """Objectives come with their strengths."""
    method, _ = parsed("--objectives", "likelihood,trust_region=5,unlikelihood=0.5")
    names = [term.__qualname__.split(".")[0] for term in method.objectives]
    assert names == ["likelihood", "trust_region", "unlikelihood"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--objectives", "likelihood,delight"), "delight"),
        (("--accept", "2"), "no number above 0"),
        (("--resample", "often"), "no number above 0"),
        (("--resample", "0.5"), "only particles"),
        (("--budget-money", "1", "--price-in", "1"), "belong together"),
        (("--mix", "phrasing=much"), "no number"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, said):
    """A value that cannot be used is named in the error."""
    with pytest.raises(AssertionError, match=said):
        parsed(*arguments)


def test_a_budget_ends_a_fit_and_more_of_it_goes_on(folder, call, fit_options):
    """A fit whose budget is spent keeps the best so far, says so, and goes on with a larger one."""
    options = (*fit_options, "--out", "run", "--cache", "none")
    first = call("fit", "net.py", *options, "--budget-calls", 40)
    assert first.exit_code == 0, first.stderr
    assert "the budget of 40 calls is spent" in first.stdout
    assert "plan: at most" in first.stderr
    result = json.loads((folder / "run" / "result.json").read_text())
    assert result["steps"] < 3
    assert result["plan"]["total"]["calls"] > 40
    again = call("fit", "net.py", *options, "--budget-calls", 40, "--resume")
    assert "the budget of 40 calls is spent" in again.stdout
    more = call("fit", "net.py", *options, "--resume")
    assert more.exit_code == 0, more.stderr
    assert json.loads((folder / "run" / "result.json").read_text())["steps"] == 3


def test_feedback_names_a_prompt(folder, call, fit_options):
    """Feedback for what is no prompt is refused, with the prompts there are."""
    result = call("fit", "net.py", *fit_options, "--feedback", "stranger=too curt")
    assert result.exit_code == 2
    assert "answer" in result.stderr
    fine = call("fit", "net.py", *fit_options, "--feedback", "answer=too curt", "--steps", 1)
    assert fine.exit_code == 0, fine.stderr
