"""Rewrites 4-bit weights as 8-bit ones, which the engine multiplies faster.

A block of Q4_1 is 32 weights `d q + m` with q in 0…15; one of Q8_0 is 32 weights `d q` with q in
-127…127. The engine has a matrix product for the second type and only scalar products for the
first. What rounding adds is at most 1/254 of a block's largest weight.

The file format is llama.cpp's GGUF, versions 2 and 3, with little-endian numbers.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from langnet.errors import DataError
from langnet.lm.local.catalogue import models_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]

__all__ = ["requantised"]

_Q4_1: Final = 3
_Q8_0: Final = 8
_BLOCK: Final = 32  # weights
_BYTES: Final = {_Q4_1: 20, _Q8_0: 34}  # of a block
_CHUNK: Final = 1 << 15  # blocks
_VERSIONS: Final = {2, 3}
_STRING: Final = 8
_ARRAY: Final = 9
_WIDTHS: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_FILE_TYPE_OF_Q8_0: Final = 7


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: bytes
    shape: tuple[int, ...]
    type: int
    offset: int  # from the beginning of the data

    @property
    def blocks(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) // _BLOCK


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything is in a file.

    Attributes:
        head: the bytes before the list of tensors.
        tensors: in the order of the list.
        start: of the data, in bytes from the beginning of the file.
        alignment: of each tensor's data, in bytes.
    """

    head: bytearray
    tensors: list[_Tensor]
    start: int
    alignment: int


class _Reader:
    """Reads a GGUF header from bytes."""

    def __init__(self, data: Bytes) -> None:
        self.data = data.data
        self.at = 0

    def number(self, form: str) -> int:
        value: int
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def string(self) -> bytes:
        size = self.number("<Q")
        self.at += size
        return self.data[self.at - size : self.at].tobytes()

    def skip(self, kind: int) -> None:
        """Passes over a value of the metadata."""
        if kind == _STRING:
            self.string()
        elif kind == _ARRAY:
            inner, count = self.number("<I"), self.number("<Q")
            if inner in _WIDTHS:
                self.at += count * _WIDTHS[inner]
            else:
                for _ in range(count):
                    self.skip(inner)
        else:
            self.at += _WIDTHS[kind]


def requantised(path: Path, sha256: str) -> Path | None:
    """A file of the same model with its Q4_1 weights as Q8_0, made where it is not there yet.

    It lies in the directory of fetched weights. Its name holds the SHA-256 of its content, which
    is verified, so a damaged file is made anew.

    Args:
        path: the weights.
        sha256: of the weights, in hexadecimal digits.

    Returns:
        The file; None where the weights hold no Q4_1 or cannot be understood, which is then for
        the engine to say.

    Raises:
        DataError: the file cannot be written.
    """
    folder = models_path()
    stem = (
        f"{path.stem}-{sha256[:12]}-q8_0" if sha256[:12] not in path.stem else f"{path.stem}-q8_0"
    )
    for made in folder.glob(f"{stem}-*.gguf"):
        with made.open("rb") as file:
            if made.stem.endswith(hashlib.file_digest(file, "sha256").hexdigest()[:16]):
                return made
        made.unlink(missing_ok=True)
    data = np.memmap(path, np.uint8, "r")
    layout = _layout(data)
    if layout is None or not any(tensor.type == _Q4_1 for tensor in layout.tensors):
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write(data, layout, folder, stem)
    except OSError as error:
        raise DataError(
            f"cannot write {path.name} with 8-bit weights into {folder}: {error.strerror}; let "
            "LANGNET_MODELS name a directory with room, or load the model with requantise=False"
        ) from error


def _layout(data: Bytes) -> _Layout | None:
    try:
        layout = _read(_Reader(data))
    except (struct.error, KeyError):  # it ends, or another version has another kind of value
        return None
    ends = (
        layout.start + tensor.offset + tensor.blocks * _BYTES.get(tensor.type, 0)
        for tensor in layout.tensors
    )
    return layout if max(ends, default=0) <= len(data) else None


def _read(reader: _Reader) -> _Layout:
    reader.at = 4
    if reader.number("<I") not in _VERSIONS:
        raise KeyError
    tensor_count, value_count = reader.number("<Q"), reader.number("<Q")
    alignment, file_type = 32, None
    for _ in range(value_count):
        key, kind = reader.string(), reader.number("<I")
        if key == b"general.alignment":
            alignment = reader.number("<I")
        else:
            if key == b"general.file_type":
                file_type = reader.at
            reader.skip(kind)
    head = bytearray(reader.data[: reader.at])
    if file_type is not None:
        struct.pack_into("<I", head, file_type, _FILE_TYPE_OF_Q8_0)
    tensors = []
    for _ in range(tensor_count):
        name = reader.string()
        shape = tuple(reader.number("<Q") for _ in range(reader.number("<I")))
        tensors.append(_Tensor(name, shape, reader.number("<I"), reader.number("<Q")))
    start = -(-reader.at // alignment) * alignment
    return _Layout(head, tensors, start, alignment)


def _write(data: Bytes, layout: _Layout, folder: Path, stem: str) -> Path:
    offsets = sorted(tensor.offset for tensor in layout.tensors)
    ends = dict(zip(offsets, [*offsets[1:], len(data) - layout.start], strict=True))
    sizes = [
        tensor.blocks * _BYTES[_Q8_0]
        if tensor.type == _Q4_1
        else ends[tensor.offset] - tensor.offset
        for tensor in layout.tensors
    ]
    head, offset = bytearray(layout.head), 0
    for tensor, size in zip(layout.tensors, sizes, strict=True):
        kind = _Q8_0 if tensor.type == _Q4_1 else tensor.type
        head += struct.pack("<Q", len(tensor.name)) + tensor.name
        head += struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        head += struct.pack("<IQ", kind, offset)
        offset += _padded(size, layout.alignment)
    head += bytes(_padded(len(head), layout.alignment) - len(head))
    with tempfile.TemporaryDirectory(dir=folder, prefix=".requantise-") as scratch:
        part = Path(scratch) / "weights.gguf"
        digest = hashlib.sha256()
        with part.open("wb") as out:
            for piece in itertools.chain([bytes(head)], _pieces(data, layout, ends, sizes)):
                out.write(piece)
                digest.update(piece)
            out.flush()
            os.fsync(out.fileno())
        return part.replace(folder / f"{stem}-{digest.hexdigest()[:16]}.gguf")


def _pieces(
    data: Bytes, layout: _Layout, ends: dict[int, int], sizes: list[int]
) -> Iterator[bytes]:
    """The data of all tensors, each with what is missing to a multiple of the alignment."""
    for tensor, size in zip(layout.tensors, sizes, strict=True):
        first = layout.start + tensor.offset
        if tensor.type == _Q4_1:
            for block in range(0, tensor.blocks, _CHUNK):
                count = min(_CHUNK, tensor.blocks - block)
                begin = first + block * _BYTES[_Q4_1]
                yield _q8_0(_weights(data[begin : begin + count * _BYTES[_Q4_1]]))
        else:
            yield data[first : layout.start + ends[tensor.offset]].tobytes()
        yield bytes(_padded(size, layout.alignment) - size)


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _weights(data: Bytes) -> npt.NDArray[np.float32]:
    """The weights of Q4_1 blocks, of shape (block, weight)."""
    blocks = data.reshape(-1, _BYTES[_Q4_1])
    scale = blocks[:, 0:2].copy().view("<f2").astype(np.float32)
    least = blocks[:, 2:4].copy().view("<f2").astype(np.float32)
    codes = blocks[:, 4:]
    return np.concatenate([codes & 15, codes >> 4], axis=1).astype(np.float32) * scale + least


def _q8_0(weights: npt.NDArray[np.float32]) -> bytes:
    """Weights, of shape (block, weight), as Q8_0 blocks."""
    scale = (np.abs(weights).max(axis=1, keepdims=True) / np.float32(127)).astype("<f2")
    divisor = scale.astype(np.float32)
    codes = np.divide(weights, divisor, out=np.zeros_like(weights), where=divisor > 0)
    codes = np.rint(codes).clip(-127, 127).astype(np.int8)
    return np.concatenate([scale.view(np.uint8), codes.view(np.uint8)], axis=1).tobytes()
