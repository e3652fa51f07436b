"""Keys: paths that seeds are derived from."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from langnet.key import Key

parts = st.one_of(st.text(), st.integers())
paths = st.lists(parts, max_size=5).map(tuple)


@given(paths, paths)
def test_different_keys_have_different_paths(first, second):
    """The text of a path is unambiguous: it is the same for the same parts only."""
    typed = [[(type(part), part) for part in path] for path in (first, second)]
    assert (Key(first).path == Key(second).path) == (typed[0] == typed[1])


@given(paths, parts, parts)
def test_a_key_grows_one_part_at_a_time(path, first, second):
    """`key / a / b` and `key.below(a, b)` name the same draw, and `key` stays as it was."""
    key = Key(path)
    assert key / first / second == key.below(first, second) == (*path, first, second)
    assert key == path
    assert isinstance(key / first, Key)


@given(paths)
def test_a_seed_fits_a_signed_integer(path):
    """Seeds lie in [0, 2^63), as every engine takes them."""
    assert 0 <= Key(path).seed < 2**63


def test_seeds_are_the_same_on_any_machine():
    """A seed is fixed by its path: a change here would orphan every cache and checkpoint."""
    assert Key(("fit", 7, "step", 3, "example-12", "thoughts", 0)).seed == 8962776750410942907
    assert Key(()).seed == 8238016292129134938


def test_a_number_is_not_its_text():
    """`1` and `"1"` are different parts."""
    assert Key((1,)).seed != Key(("1",)).seed


def test_generators_of_a_key_agree():
    """Two generators of one key give the same numbers, those of another key do not."""
    key = Key(("a", 1))
    assert key.rng().random() == key.rng().random()
    assert key.rng().random() != (key / "b").rng().random()


def test_a_key_survives_pickling():
    """A key read back is a key with the same seed."""
    key = Key(("fit", 7))
    again = pickle.loads(pickle.dumps(key))  # noqa: S301 - our own bytes
    assert (again, type(again), again.seed) == (key, Key, key.seed)


def test_repr_shows_the_parts():
    """A key is shown as it is written."""
    assert repr(Key(("fit",)) / 7) == "Key('fit', 7)"
