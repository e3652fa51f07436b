"""Circuit decoding: find the truth table of a circuit by trying inputs, without trying all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from types import MappingProxyType
from typing import ClassVar

from langnet.tasks.puzzles.puzzle import Answer, Puzzle, State
from langnet.tasks.setting import Setting

__all__ = ["Circuit", "CircuitDecoding"]

_GATES: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {"AND": int.__and__, "OR": int.__or__, "XOR": int.__xor__}
)
_BITS = re.compile(r"(?<!\w)[01]+(?!\w)")


@dataclass(frozen=True, slots=True)
class Circuit:
    """What one game hides.

    Attributes:
        formula: one of the smallest circuits that have the table.
        table: its output for each row of inputs, the rows counted up in binary.
    """

    formula: str
    table: str


@dataclass(frozen=True)
class CircuitDecoding(Puzzle[Circuit]):
    """The player sets the inputs, is told the output, and writes down the truth table in the end.

    Attributes:
        turns: queries and the table.
        inputs: of the circuit.
        gates: at most so many, each with two inputs.
    """

    name: ClassVar[str] = "circuit_decoding"
    summary: ClassVar[str] = (
        "Find the truth table of a circuit by trying inputs, without trying all."
    )
    kind: ClassVar[type[Circuit]] = Circuit
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "turns": Setting(15, "queries and the table", least=1, most=50),
            "inputs": Setting(5, "inputs of the circuit", least=2, most=5),
            "gates": Setting(2, "gates at most", least=1, most=2),
        }
    )

    turns: int = 15
    inputs: int = 5
    gates: int = 2

    def draw(self, rng: Random) -> Circuit:
        """Any table that a circuit can have and that is not constant, each as likely."""
        circuits = _circuits(self.inputs, self.gates)
        table = rng.choice([table for table in circuits if len(set(table)) > 1])
        return Circuit(circuits[table], table)

    def rules(self, hidden: Circuit) -> str:  # noqa: ARG002 - nothing of it is told
        """The kind of circuit, and what a move looks like."""
        names = "".join(f"x{place + 1}" for place in range(self.inputs))
        return (
            f"A circuit has the inputs {', '.join(re.findall(r'x.', names))} and one output. It "
            f"has at most {self.gates} gates, each AND, OR or XOR of two wires, and any wire may "
            "be negated. Find its truth table.\n"
            f"Ask for one row by writing {self.inputs} bits, in the order {names}, such as "
            f"{'01' * self.inputs:.{self.inputs}}. Once you know enough, write the outputs of all "
            f"{2**self.inputs} rows as {2**self.inputs} bits, from row {'0' * self.inputs} to row "
            f"{'1' * self.inputs}. That ends the game, and the last of your {self.turns} moves "
            "must be the table."
        )

    def answer(self, state: State[Circuit], move: str) -> Answer:
        """The output of a row, or the end."""
        bits = _read(move)
        if len(bits) == len(state.hidden.table):
            return Answer("Thank you.", done=True)
        if len(bits) != self.inputs:
            return Answer(
                f"Write {self.inputs} bits to ask, or {len(state.hidden.table)} to answer; "
                f"there are {len(bits)}.",
                legal=False,
            )
        return Answer(f"The output of {bits} is {state.hidden.table[int(bits, 2)]}.")

    def score(self, state: State[Circuit]) -> float:
        """1 where the table was right."""
        return float(any(_read(turn.move) == state.hidden.table for turn in state.turns[-1:]))

    def consistent(self, state: State[Circuit]) -> tuple[str, ...]:
        """The tables that all replies so far leave possible, in their order."""
        asked = {
            int(bits, 2)
            for turn in state.turns
            if turn.legal and len(bits := _read(turn.move)) == self.inputs
        }
        table = state.hidden.table
        return tuple(
            possible
            for possible in _tables(self.inputs, self.gates)
            if all(possible[row] == table[row] for row in asked)
        )

    def best_move(self, state: State[Circuit]) -> str:
        """The row that parts the possible tables most evenly, or the only table that is left."""
        possible = self.consistent(state)
        if len(possible) == 1 or len(state.turns) + 1 == self.turns:
            return possible[0]
        rows = range(2**self.inputs)

        def unevenness(row: int) -> int:
            return abs(2 * sum(table[row] == "1" for table in possible) - len(possible))

        return f"{min(rows, key=unevenness):0{self.inputs}b}"

    def random_move(self, state: State[Circuit], rng: Random) -> str:
        """Any row, and in the end any table that could be a circuit's."""
        if len(state.turns) + 1 == self.turns:
            return rng.choice(_tables(self.inputs, self.gates))
        return f"{rng.randrange(2**self.inputs):0{self.inputs}b}"


def _read(move: str) -> str:
    return "".join(_BITS.findall(move))


def _told(table: int, inputs: int) -> str:
    return "".join(str(table >> row & 1) for row in range(2**inputs))


def _wires(inputs: int) -> tuple[int, ...]:
    """The table of each input by itself, with a bit for each row."""
    return tuple(
        sum(1 << row for row in range(2**inputs) if row >> (inputs - 1 - place) & 1)
        for place in range(inputs)
    )


@lru_cache(maxsize=8)
def _circuits(inputs: int, gates: int) -> Mapping[str, str]:
    """The table of every circuit with at most so many gates, and the first one that has it."""
    full = (1 << (1 << inputs)) - 1
    level = {table: f"x{place}" for place, table in enumerate(_wires(inputs), 1)}
    level |= {full ^ table: f"NOT {wire}" for table, wire in level.items()}
    levels = [level]
    for size in range(1, gates + 1):
        found: dict[int, str] = {}
        for left in range(size):
            pairs = itertools.product(levels[left].items(), levels[size - 1 - left].items())
            for (one, first), (other, second) in pairs:
                for name, gate in _GATES.items():
                    found.setdefault(gate(one, other), f"({first} {name} {second})")
        levels.append(found)
    smallest = {table: told for level in reversed(levels) for table, told in level.items()}
    return {_told(table, inputs): told for table, told in sorted(smallest.items())}


@lru_cache(maxsize=8)
def _tables(inputs: int, gates: int) -> tuple[str, ...]:
    """All those tables."""
    return tuple(_circuits(inputs, gates))
