"""Puzzles: exact scorers, states that never change, players that set the scale."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError, asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langnet import tasks
from langnet.errors import DataError
from langnet.key import Key
from langnet.tasks import puzzles
from langnet.tasks.puzzles import (
    CircuitDecoding,
    FilmRecommendation,
    State,
    TwentyQuestions,
    WordChaining,
    WordGuessing,
    play,
)
from langnet.tasks.puzzles.circuit_decoding import Circuit, _tables
from langnet.tasks.puzzles.facts import FACTS, QUESTIONS
from langnet.tasks.puzzles.film_recommendation import Taste
from langnet.tasks.puzzles.twenty_questions import Quiz
from langnet.tasks.puzzles.word_chaining import Lexicon
from langnet.tasks.puzzles.word_guessing import Secret, marks

EACH = pytest.mark.parametrize("puzzle", [puzzles.get(name) for name in puzzles.names()])
SEEDS = st.integers(0, 1000)
QUICK = settings(max_examples=15, deadline=None)


def after(puzzle, state, *moves):
    """The state after some moves."""
    for move in moves:
        state, _, _ = puzzle.reply(state, move)
    return state


@EACH
def test_the_reference_player_wins_and_chance_does_not(puzzle):
    """Every puzzle can be won by reasoning alone, and is not won by legal moves at random."""
    seeds = range(8)
    best = [puzzle.score(play(puzzle, seed)) for seed in seeds]
    chance = [puzzle.score(play(puzzle, seed, at_random=True)) for seed in seeds]
    assert best == [1.0] * len(best)
    assert np.mean(chance) < 0.8


@EACH
@QUICK
@given(seed=SEEDS)
def test_states_are_repeated_by_seeds_and_moves(puzzle, seed):
    """A game played again from its moves is the same, and each state survives JSON."""
    end = play(puzzle, seed, at_random=True)
    state = puzzle.reset(seed)
    for turn in end.turns:
        kept = state
        before = puzzle.dump(state)
        state, said, _ = puzzle.reply(state, turn.move)
        assert said == turn.reply
        assert puzzle.load(puzzle.dump(state)) == state
        assert puzzle.dump(kept) == before
    assert state == end
    assert hash(state) == hash(end)


@EACH
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, move=st.text(max_size=40))
def test_any_text_is_answered(puzzle, seed, move):
    """Nonsense is no error: it is answered, takes a turn, and wins nothing."""
    state = puzzle.reset(seed)
    after_it, said, _ = puzzle.reply(state, move)
    assert said
    assert len(after_it.turns) == 1
    assert 0 <= puzzle.score(after_it) <= 1
    assert puzzle.load(puzzle.dump(after_it)) == after_it


@EACH
def test_nonsense_ends_with_the_moves_and_scores_nothing(puzzle):
    """Illegal moves say what is wrong, each takes a turn, and the game stays over."""
    state = after(puzzle, puzzle.reset(5), *["…"] * puzzle.turns)
    assert state.done
    assert not any(turn.legal for turn in state.turns)
    assert puzzle.score(state) == 0
    assert puzzle.reply(state, "again") == (state, "The game is over.", True)


@EACH
def test_states_and_settings_do_not_change(puzzle):
    """Neither can be assigned to, and settings out of range are refused."""
    state = puzzle.reset(0)
    with pytest.raises(FrozenInstanceError):
        state.done = True
    with pytest.raises(DataError, match="turns"):
        puzzles.get(puzzle.name, turns=0)
    with pytest.raises(DataError, match="no state"):
        puzzle.load('{"hidden": {}, "turns": [], "done": false}')


@EACH
def test_defaults_are_the_puzzles_own(puzzle):
    """A setting's default is that of the puzzle's field, and every field is a setting."""
    assert asdict(puzzle) == {name: item.default for name, item in puzzle.settings.items()}
    assert puzzles.get(puzzle.name, **tasks.get(puzzle.name).chosen) == puzzle


@EACH
def test_the_smallest_and_the_largest_settings_can_be_played(puzzle):
    """Whatever is within the ranges gives a game, each setting by itself and all together."""
    ranges = puzzle.settings.items()
    smallest = {name: int(setting.least) for name, setting in ranges}
    chosen = [smallest]
    chosen += [{name: int(setting.most)} for name, setting in ranges if name != "gates"]
    for settings_ in chosen:
        game = puzzles.get(puzzle.name, **settings_)
        for seed in range(2):
            state = game.reset(seed)
            state, said, _ = game.reply(state, game.best_move(state))
            assert said
            assert state.turns[0].legal


@EACH
def test_the_player_is_shown_what_was_said_and_nothing_hidden(puzzle):
    """The view holds every move and reply, and the moves that are left."""
    state = puzzle.reset(3)
    assert f"Moves left: {puzzle.turns}." in puzzle.view(state)
    state, said, _ = puzzle.reply(state, puzzle.best_move(state))
    view = puzzle.view(state)
    assert f"You: {state.turns[0].move}\nReply: {said}" in view
    assert f"Moves left: {puzzle.turns - 1}." in view


def test_views_do_not_depend_on_what_is_hidden():
    """Two games that differ only in the secret look the same at the start."""
    words = ("bench", "crane")
    guess, films = WordGuessing(words=2), FilmRecommendation(films=2, attributes=2)
    listed = (("Inkwell", (1, 2)), ("Juniper", (2, 1)))
    for puzzle, one, other in (
        (guess, Secret(words, "bench"), Secret(words, "crane")),
        (films, Taste(listed, (1, 0)), Taste(listed, (0, 1))),
        (CircuitDecoding(), Circuit("x1", "0" * 16 + "1" * 16), Circuit("x5", "01" * 16)),
        (WordChaining(), Lexicon(("owl", "lamp"), "owl"), Lexicon(("lamp", "owl"), "owl")),
    ):
        assert puzzle.view(State(one)) == puzzle.view(State(other))


@given(st.text("abc", min_size=5, max_size=5), st.text("abc", min_size=5, max_size=5))
def test_marks_count_each_letter_as_often_as_the_word_has_it(guess, word):
    """Right places are marked right, and no letter has more marks than occurrences."""
    found = marks(guess, word)
    assert [mark == "=" for mark in found] == [a == b for a, b in zip(guess, word, strict=True)]
    for letter in "abc":
        given = sum(m != "." for a, m in zip(guess, found, strict=True) if a == letter)
        assert given == min(guess.count(letter), word.count(letter))


@EACH
@QUICK
@given(seed=SEEDS)
def test_what_is_hidden_stays_possible(puzzle, seed):
    """The consistent set never grows and always holds the truth."""
    if not hasattr(puzzle, "consistent") or isinstance(puzzle, TwentyQuestions):
        return
    state = puzzle.reset(seed)
    rng = Key(("test", seed)).rng()
    size = None
    for _ in range(4):
        found = puzzle.consistent(state)
        assert size is None or len(found) <= size
        size = len(found)
        hidden = state.hidden
        if isinstance(puzzle, WordGuessing):
            assert hidden.word in found
        elif isinstance(puzzle, CircuitDecoding):
            assert hidden.table in found
        else:
            assert (found == np.array(hidden.weights)).all(axis=1).any()
        if state.done:
            break
        state, _, _ = puzzle.reply(state, puzzle.random_move(state, rng))


def test_tastes_are_those_that_agree_with_every_reply():
    """Against all weights on a small grid, one by one."""
    puzzle = FilmRecommendation(films=5, attributes=3, matter=2)
    state = puzzle.reset(8)
    titles = [title for title, _ in state.hidden.films]
    asked = [(titles[0], titles[1]), (titles[2], titles[3])]
    state = after(puzzle, state, *(f"Compare {a} and {b}" for a, b in asked))

    def sign(weights, pair):
        taste = Taste(state.hidden.films, weights)
        gap = taste.liking(pair[0]) - taste.liking(pair[1])
        return (gap > 0) - (gap < 0)

    expected = {
        weights
        for weights in itertools.product(range(10), repeat=3)
        if sum(weight > 0 for weight in weights) <= 2
        and all(sign(weights, pair) == sign(state.hidden.weights, pair) for pair in asked)
    }
    assert {tuple(row) for row in puzzle.consistent(state).tolist()} == expected


def test_a_recommendation_scores_its_rank():
    """1 for the best, 0 for the worst, by how many are liked better."""
    films = (("Inkwell", (9,)), ("Juniper", (5,)), ("Lowlands", (0,)))
    puzzle = FilmRecommendation(films=3, attributes=1, matter=1)
    start = State(Taste(films, (1,)))
    scores = [puzzle.score(after(puzzle, start, f"recommend {title}")) for title, _ in films]
    assert scores == [1.0, 0.5, 0.0]
    assert puzzle.score(after(puzzle, start, "Compare Inkwell and Juniper")) == 0
    assert puzzle.reply(start, "Juniper or inkwell?")[1] == "I prefer Inkwell."


def test_every_circuit_can_be_decoded():
    """The reference player needs no more moves than there are, whatever the circuit."""
    puzzle = CircuitDecoding(inputs=3)
    for table in _tables(3, 2):
        state = State(Circuit("", table))
        while not state.done:
            state = after(puzzle, state, puzzle.best_move(state))
        assert puzzle.score(state) == 1


def test_tables_are_those_of_the_formulas():
    """A drawn circuit's formula, evaluated by itself, has the table that is hidden."""
    puzzle = CircuitDecoding()
    for seed in range(40):
        hidden = puzzle.reset(seed).hidden
        formula = hidden.formula.replace("NOT x", "n")
        for word, sign in (("AND", "&"), ("XOR", "^"), ("OR", "|")):
            formula = formula.replace(word, sign)
        found = []
        for row in itertools.product((0, 1), repeat=5):
            bits = {f"x{place}": bit for place, bit in enumerate(row, 1)}
            bits |= {f"n{place}": 1 - bit for place, bit in enumerate(row, 1)}
            found.append(eval(formula, bits))  # noqa: S307 - made here
        assert "".join(map(str, found)) == hidden.table


def test_chains_are_kept_to():
    """What is wrong with a word is said, and a legal word is answered by a legal one."""
    puzzle = WordChaining(turns=3)
    start = State(Lexicon(("owl", "lamp", "pear", "rain", "name", "leaf", "piano"), "owl"))
    _, said, _ = puzzle.reply(start, "rain")
    assert said == "rain does not begin with l, as owl demands."
    assert puzzle.reply(start, "cat")[1] == "That does not name exactly one word of the list."
    state, said, done = puzzle.reply(start, "I say lamp!")
    assert (said, done) == ("piano. No word is left for you.", True)
    assert puzzle.score(state) == pytest.approx(1 / 3)
    state, said, done = puzzle.reply(start, "leaf")
    assert (said, done, puzzle.score(state)) == ("I have no word left. You win.", True, 1.0)
    state = after(puzzle, State(Lexicon(("owl", "lake", "echo", "owls"), "owl")), "lake", "lake")
    assert state.turns[1].reply == "lake was said before."


def test_answers_must_hold_together():
    """The game ends at the answer that no word is left for, and what went before counts."""
    puzzle = TwentyQuestions(turns=4, words=3)
    quiz = Quiz(("apple", "hammer", "owl"), ("animal", "flies", "plant", "tool"))
    state = after(puzzle, State(quiz), "Yes, it is.", "perhaps", "No")
    assert state.done
    assert state.turns[1].reply == "Answer yes or no. Can it fly through the air?"
    assert state.turns[2].reply == "No word of the list fits all of your answers."
    assert puzzle.score(state) == 1 / 4
    assert puzzle.score(after(puzzle, State(quiz), "yes", "yes", "no", "NO!")) == 1


def test_facts_are_asked_after_and_tell_most_words_apart():
    """Every fact has a question, and both answers are true of some word."""
    for fact in QUESTIONS:
        share = np.mean([fact in facts for facts in FACTS.values()])
        assert 0 < share < 1, fact
    assert set().union(*FACTS.values()) == set(QUESTIONS)
    for word, facts in FACTS.items():
        assert not {"mammal", "bird", "insect", "sea"} & facts or "animal" in facts, word
        assert "animal" not in facts or "alive" in facts, word
        assert ("alive" in facts) != ("made" in facts), word


@pytest.mark.parametrize("name", puzzles.names())
def test_puzzles_are_tasks(name):
    """Games are distinct, the parts share none, and settings reach the puzzle."""
    task = tasks.get(name, turns=7)
    data = task.splits(train=6, dev=4, test=4, seed=1)
    puzzle = puzzles.get(name, turns=7)
    games = [
        example.inputs["puzzle"] for part in (data.train, data.dev, data.test) for example in part
    ]
    assert len(set(games)) == 14
    assert all(puzzle.load(game).turns == () for game in games)
    assert task.metric("0.25", data.test[0].targets["answer"]) == 0.25
    assert task.metric("none", "1") == 0
    assert data.train[0].id.startswith(f"{name}:turns=7-")
