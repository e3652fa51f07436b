"""Commands to sequences of actions: SCAN, whole and exact.

The grammar has 20,910 commands. The published splits are `simple` (at random), `length` (the test
part needs more than 22 actions) and `addprim_jump` (the test part is every command with "jump"
but "jump" alone, which is always the first example to learn from).

With `shots` each example brings exemplars along, from either side of a split, so that what a model
makes of new compositions can be told from what it makes of known ones: the compositional gap.

Sources: Lake and Baroni 2018, arXiv 1711.00350; Hosseini et al. 2022, arXiv 2211.08473.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain, islice
from types import MappingProxyType

from langnet.data import Example
from langnet.errors import DataError
from langnet.key import Key
from langnet.tasks.draw import shuffled
from langnet.tasks.exemplars import CHOSEN, SHOTS, Pool, bringing, covering, inputs_of
from langnet.tasks.setting import PART, Setting
from langnet.tasks.task import Task

__all__ = ["TASK", "commands", "generate", "interpret"]

_ACTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "walk": ("I_WALK",),
        "look": ("I_LOOK",),
        "run": ("I_RUN",),
        "jump": ("I_JUMP",),
        "turn": (),
    }
)
_TURNS: Mapping[str, str] = MappingProxyType({"left": "I_TURN_LEFT", "right": "I_TURN_RIGHT"})
_TIMES: Mapping[str, int] = MappingProxyType({"twice": 2, "thrice": 3})
_LONGEST_TRAINED = 22
_LONGEST = 48


def interpret(command: str) -> str:
    """The actions that a command asks for.

    Raises:
        DataError: where it is no command of the language.

    >>> interpret("jump left after walk twice")
    'I_WALK I_WALK I_TURN_LEFT I_JUMP'
    """
    words = command.split()
    for joint in ("and", "after"):
        if joint in words:
            place = words.index(joint)
            first, second = _phrase(words[:place], command), _phrase(words[place + 1 :], command)
            return " ".join(first + second if joint == "and" else second + first)
    return " ".join(_phrase(words, command))


def commands() -> Iterator[str]:
    """All commands, each once."""
    phrases = [
        " ".join(filter(None, (verb, manner, direction, times)))
        for verb in _ACTIONS
        for manner, direction in (
            *(("", "") for _ in range(verb != "turn")),
            *((manner, way) for manner in ("", "opposite", "around") for way in _TURNS),
        )
        for times in ("", *_TIMES)
    ]
    yield from phrases
    for joint in ("and", "after"):
        yield from (f"{first} {joint} {second}" for first in phrases for second in phrases)


def generate(
    n: int,
    *,
    seed: int,
    node: str = "answer",
    exclude: Iterable[Example] = (),
    split: str = "simple",
    part: str = "train",
    queries: str = "test",
    longest: int = _LONGEST,
    shots: int = 0,
    source: str = "train",
    exemplars: str = "oracle",
) -> list[Example]:
    """Generates n distinct commands of a part of a split.

    Args:
        n: how many.
        seed: of their choice and order; the same seed gives the same examples.
        node: the node that the actions observe.
        exclude: examples whose commands must not come up.
        split: simple, length or addprim_jump.
        part: train, dev or test; dev follows the rule of train.
        queries: the side of the split that the test part is drawn from, train or test.
        longest: the most actions of a command, of exemplars too.
        shots: exemplars that each example brings along.
        source: the side of the split that they are drawn from, train or test. The same queries come
            with exemplars from either.
        exemplars: oracle, which covers the words of the command and its right actions, or random.

    Raises:
        DataError: where the part has no further command.
    """
    if n < 0:
        raise DataError(f"n must be at least 0, not {n}")
    task = TASK.configured(split=split, part=part, queries=queries, longest=longest)
    excluded = {example.inputs.get(task.input) for example in exclude}
    seen = set(excluded)
    is_held_out = part == "test" and queries == "test"
    first: list[str] = []
    if split == "addprim_jump" and not is_held_out:
        # Learning what "jump" means takes seeing it once.
        first = ["jump"] if part == "train" and "jump" not in seen else []
        seen.add("jump")
    order = shuffled(_pool(split, is_held_out, longest), Key(("task", task.spec, seed)).rng())
    new = (command for command in order if command not in seen)
    chosen = list(islice(chain(first, new), n))
    if len(chosen) < n:
        raise DataError(
            f"{task.spec}: found only {len(chosen)} new texts of {n}; ask for fewer, or exclude "
            "fewer"
        )
    examples = [
        Example(f"{task.spec}-{seed}:{number}", {task.input: command}, {node: interpret(command)})
        for number, command in enumerate(chosen, start=1)
    ]
    if not shots:
        return examples
    pool = _exemplars(split, source == "test", longest)

    def choose(example: Example) -> tuple[Mapping[str, str], ...]:
        command = example.inputs[task.input]
        wanted = _primitives(command) if exemplars == "oracle" else ()
        rng = Key(("exemplars", split, source, longest, exemplars, seed, command)).rng()
        return covering(pool, wanted, shots, rng, without={*excluded, command})

    return bringing(examples, choose)


@cache
def _pool(split: str, is_test: bool, longest: int) -> tuple[str, ...]:
    """All commands that a part may have."""
    held_out = _HELD_OUT[split]
    side = (c for c in commands() if split == "simple" or held_out(c) == is_test)
    return tuple(c for c in side if longest == _LONGEST or len(interpret(c).split()) <= longest)


@cache
def _exemplars(split: str, is_test: bool, longest: int) -> Pool:
    """All solved examples of a side of a split."""
    side = _pool(split, is_test, longest)
    return Pool(
        tuple({"text": command, "answer": interpret(command)} for command in side),
        tuple(_primitives(command) for command in side),
    )


def _primitives(command: str) -> frozenset[str]:
    """What a command and its actions are made of."""
    return frozenset((*command.split(), *interpret(command).split()))


def _phrase(words: list[str], command: str) -> tuple[str, ...]:
    times = _TIMES.get(words[-1], 1) if words else 1
    match words[:-1] if times > 1 else words:
        case [verb] if _ACTIONS.get(verb):
            once = _ACTIONS[verb]
        case [verb, way] if verb in _ACTIONS and way in _TURNS:
            once = (_TURNS[way], *_ACTIONS[verb])
        case [verb, "opposite", way] if verb in _ACTIONS and way in _TURNS:
            once = (_TURNS[way], _TURNS[way], *_ACTIONS[verb])
        case [verb, "around", way] if verb in _ACTIONS and way in _TURNS:
            once = (_TURNS[way], *_ACTIONS[verb]) * 4
        case _:
            raise DataError(f"{command!r} is no command of SCAN")
    return once * times


_HELD_OUT: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "simple": lambda _: False,
        "length": lambda command: len(interpret(command).split()) > _LONGEST_TRAINED,
        "addprim_jump": lambda command: "jump" in command and command != "jump",
    }
)

TASK = Task(
    "scan",
    "Translate the command into the sequence of actions that carries it out: I_WALK, I_LOOK, "
    "I_RUN, I_JUMP, I_TURN_LEFT and I_TURN_RIGHT. Answer with the actions alone, separated by "
    "spaces.",
    "text",
    (),
    summary="Translate a command into actions (SCAN).",
    prompts={
        "grammar": (
            'Translate the command into actions. "left" and "right" are a turn before the action, '
            '"opposite" two turns, "around" four times a turn and the action. "twice" and "thrice" '
            'repeat what stands before them. "and" joins two parts in their order, "after" in the '
            'reverse order. The action of walk is I_WALK, and so on; of "turn left" it is '
            "I_TURN_LEFT alone."
        ),
        "paper": (
            "Here are some examples of converting complicated commands to correct navigation "
            "actions."
        ),
    },
    settings={
        "split": Setting(
            "simple", "what the test part holds out", ("simple", "length", "addprim_jump")
        ),
        "part": PART,
        "queries": Setting("test", "the side that the test part is drawn from", ("test", "train")),
        "longest": Setting(_LONGEST, "actions of a command, at most", least=1, most=_LONGEST),
        "shots": SHOTS,
        "source": Setting("train", "the side that exemplars are drawn from", ("train", "test")),
        "exemplars": CHOSEN,
    },
    inputs_of=inputs_of("text"),
    answer=interpret,
    make=generate,
)
"""The task."""
