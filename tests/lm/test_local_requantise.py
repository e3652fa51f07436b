"""Laws of 4-bit weights that are rewritten as 8-bit ones, on small files made here."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from langnet.errors import DataError
from langnet.lm.local.requantise import requantised

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = "0123456789abcdef" * 4
ROWS = 4
Q4_1, Q8_0, F32 = 3, 8, 0


def string(text: str) -> bytes:
    """A string as GGUF has it."""
    return struct.pack("<Q", len(text)) + text.encode()


def gguf(tensors: dict[str, tuple[int, bytes]], *, blocks: int) -> bytes:
    """A file with metadata of several kinds and tensors of 32 × `blocks` weights."""
    pairs = [
        string("general.file_type") + struct.pack("<II", 4, 3),
        string("words") + struct.pack("<IIQ", 9, 8, 2) + string("one") + string("two"),
        string("numbers") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0),
        string("flag") + struct.pack("<IB", 7, 1),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
    body = b""
    for name, (kind, data) in tensors.items():
        head += string(name) + struct.pack("<I2Q", 2, 32, blocks)
        head += struct.pack("<IQ", kind, len(body))
        body += data + bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + body


@pytest.fixture
def weights() -> np.ndarray:
    """Q4_1 blocks with scales and least values of all sizes, one block of zeros among them."""
    generator = np.random.default_rng(0)
    blocks = np.zeros((ROWS, 20), np.uint8)
    blocks[:, 0:2] = generator.gamma(1, 0.1, (ROWS, 1)).astype("<f2").view(np.uint8)
    blocks[:, 2:4] = generator.normal(0, 0.5, (ROWS, 1)).astype("<f2").view(np.uint8)
    blocks[:, 4:] = generator.integers(0, 256, (ROWS, 16))
    blocks[-1] = 0
    return blocks


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGNET_MODELS", str(tmp_path / "models"))


def made(tmp_path: Path, weights: np.ndarray) -> Path:
    """The rewritten copy of a file with three tensors."""
    other = np.arange(ROWS * 32, dtype="<f4").tobytes()
    path = tmp_path / "small.gguf"
    tensors = {"a": (F32, other), "b": (Q4_1, weights.tobytes()), "c": (F32, other)}
    path.write_bytes(gguf(tensors, blocks=ROWS))
    copy = requantised(path, SHA256)
    assert copy is not None
    return copy


def test_every_weight_is_within_half_a_step_of_itself(tmp_path: Path, weights: np.ndarray) -> None:
    """A weight of type Q8_0 is the nearest multiple of its block's scale to the one of Q4_1."""
    copy = made(tmp_path, weights).read_bytes()
    other = np.arange(ROWS * 32, dtype="<f4").tobytes()
    first, last = copy.index(other), copy.rindex(other)
    data = np.frombuffer(copy, np.uint8, ROWS * 34, first + len(other)).reshape(ROWS, 34)
    found = data[:, :2].copy().view("<f2").astype(float) * data[:, 2:].view(np.int8)
    scale = weights[:, 0:2].copy().view("<f2").astype(float)
    least = weights[:, 2:4].copy().view("<f2").astype(float)
    for column in range(16):  # low halves are the first sixteen weights, high ones the others
        low, high = weights[:, 4 + column] & 15, weights[:, 4 + column] >> 4
        for at, codes in ((column, low), (16 + column, high)):
            expected = codes[:, None] * scale + least
            step = data[:, :2].copy().view("<f2").astype(float)
            assert np.all(np.abs(found[:, at : at + 1] - expected) <= step / 2 + 1e-7)
    assert last > first  # the other tensors are as they were


def test_the_copy_is_a_file_of_the_same_model(tmp_path: Path, weights: np.ndarray) -> None:
    """Only types, offsets and the file's type differ; data begin where the alignment says."""
    copy = made(tmp_path, weights).read_bytes()
    assert copy.startswith(b"GGUF" + struct.pack("<IQQ", 3, 3, 4))
    assert string("general.file_type") + struct.pack("<II", 4, 7) in copy
    assert string("b") + struct.pack("<I2QI", 2, 32, ROWS, Q8_0) in copy
    assert copy.index(np.arange(ROWS * 32, dtype="<f4").tobytes()) % 32 == 0


def test_a_copy_is_made_once_and_anew_where_it_is_damaged(
    tmp_path: Path, weights: np.ndarray
) -> None:
    """A sound copy is used again; one whose content is not what its name says is replaced."""
    copy = made(tmp_path, weights)
    content, written = copy.read_bytes(), copy.stat().st_mtime_ns
    assert made(tmp_path, weights) == copy
    assert copy.stat().st_mtime_ns == written
    copy.write_bytes(content[:-1])
    assert made(tmp_path, weights) == copy
    assert copy.read_bytes() == content
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_other_weights_are_left_alone(tmp_path: Path) -> None:
    """A file without Q4_1 needs no copy."""
    path = tmp_path / "small.gguf"
    path.write_bytes(gguf({"a": (F32, bytes(ROWS * 128))}, blocks=ROWS))
    assert requantised(path, SHA256) is None


@pytest.mark.parametrize("size", [10, 70, 230, -20])
def test_a_file_that_is_cut_short_is_left_to_the_engine(
    tmp_path: Path, weights: np.ndarray, size: int
) -> None:
    """What ends in its header or in its data is not copied."""
    path = tmp_path / "cut.gguf"
    path.write_bytes(gguf({"b": (Q4_1, weights.tobytes())}, blocks=ROWS)[:size])
    assert requantised(path, SHA256) is None


def test_a_copy_that_cannot_be_written_is_said_with_the_mend(
    tmp_path: Path, weights: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the directory cannot be had, the error names it and what else to do."""
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    monkeypatch.setenv("LANGNET_MODELS", str(blocked))
    with pytest.raises(DataError, match=r"requantise=False"):
        made(tmp_path, weights)
