"""`langnet tasks`, and tasks with settings and metrics of their own in other commands."""

from __future__ import annotations

import json

from langnet import tasks
from langnet.cli.task import measure
from langnet.metrics import contains, exact, number
from langnet.tasks import Task
from langnet.tasks.countdown import verify

SMALL = ("--train-size", 12, "--dev-size", 6, "--test-size", 8, "--steps", 1, "--batch-size", 4)


def test_every_task_is_listed(call):
    """The list has a line for each task, and the same as JSON."""
    shown = call("tasks").stdout
    assert all(f" {name} " in shown for name in tasks.names())
    listed = json.loads(call("tasks", "--json").stdout)
    assert [task["name"] for task in listed] == list(tasks.names())
    assert json.loads(call("tasks", "list", "--json").stdout) == listed
    assert all(task["summary"] and task["prompts"]["description"] for task in listed)


def test_a_task_is_shown_with_examples(call):
    """Settings, prompts and as many examples as were asked for, of the settings that were named."""
    shown = call("tasks", "show", "listops:depth=1", "-n", 2).stdout
    assert "setting depth=1: nesting, at most (1 to 20)" in shown
    assert "prompt description: Evaluate the nested list." in shown
    assert shown.count("→ answer: ") == 2
    document = json.loads(call("tasks", "show", "scan:split=length,part=test", "--json").stdout)
    assert document["settings"]["split"]["value"] == "length"
    assert len(document["examples"]) == 3
    assert all(len(e["targets"]["answer"].split()) > 22 for e in document["examples"])


def test_a_task_that_is_not_there_is_told(call):
    """A wrong name, and a wrong setting of --task, end with the mend."""
    result = call("tasks", "show", "chess")
    assert result.exit_code == 1
    assert "there is navigate" in result.stderr
    result = call("show", "net.py", "--task", "scan:split=random")
    assert result.exit_code == 2
    assert "must be one of simple, length, addprim_jump" in result.stderr


def test_a_fit_names_its_task_with_the_settings(folder, call, toy):
    """The result says which task with which settings, and credit makes the same examples."""
    spec = "boolean_expressions:values=4"
    # The server answers with hot or icy, which stand for the task's labels here.
    text = (folder / "net.py").read_text()
    labels = "dict(zip(task.labels, [['hot'], ['icy']]))"
    (folder / "net.py").write_text(text.replace("choices=task.labels", f"choices={labels}"))
    result = call("fit", "net.py", "--task", spec, "--model", toy.spec, *SMALL)
    assert result.exit_code == 0, result.stderr
    run = folder / "runs" / "net-boolean_expressions-values-4-seed0"
    found = json.loads((run / "result.json").read_text())
    assert (found["task"], found["metric"]) == (spec, "exact")
    sizes = ("--train-size", 12, "--dev-size", 6, "--test-size", 8)
    result = call("credit", run, "--model", toy.spec, *sizes)
    assert "These are not the examples" not in result.stderr


def test_the_tasks_metric_is_the_default(folder, call, toy):
    """Countdown is verified unless another metric is named."""
    (folder / "free.py").write_text(
        "from langnet import Graph, Input, Node\n"
        "graph = Graph(Input('text'), Node('answer', '{prompt} {text}', 'Do it.'))\n"
    )
    options = ("--task", "countdown", "--test-size", 5, "--model", toy.spec, "--json")
    assert json.loads(call("eval", "free.py", *options).stdout)["metric"] == "countdown"
    document = json.loads(call("eval", "free.py", *options, "--metric", "number").stdout)
    assert document["metric"] == "number"


def test_a_metric_goes_by_its_name_or_by_its_tasks():
    """What langnet has keeps its name; a verifier is called as its task."""
    assert measure(None, tasks.get("navigate")).metric is exact
    assert measure(None, tasks.get("navigate")).name == "exact"
    assert measure(None, tasks.get("arithmetic")).name == "number"
    own = measure(None, tasks.get("countdown"))
    assert (own.name, own.metric) == ("countdown", verify)
    assert measure("countdown", tasks.get("countdown")) == own  # as a result names it
    assert measure("contains", tasks.get("countdown")).metric is contains
    assert measure(None, Task("file", "Do it.", "text", (), metric=number)).name == "number"
