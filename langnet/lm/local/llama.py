"""A model in llama.cpp: its words, and streams of tokens that it computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from langnet.errors import CapabilityError, DataError, ModelError
from langnet.lm.local.library import ENGINE, open_library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["Llama", "Row", "check_gguf"]

_SPARE: Final = 8  # cells of a stream beyond the context
_F16: Final = 1
_BF16: Final = 30


@dataclass(frozen=True, slots=True)
class Row:
    """One token to compute: its place, and whether its logits are read."""

    token: int
    position: int
    stream: int
    wanted: bool


class Llama:
    """A model's weights and its streams: caches of keys and values that do not see each other.

    Every stream keeps its token at position *i* in its cell *i*, and keys and values are of two
    types, for which the engine knows one way of flash attention: row by row, over the cells in
    their order, those that are masked left out. So a token's logits depend on its own stream
    alone, bit for bit, given that each decode holds equally many tokens of every stream, and as
    many in all as the product with the weights takes to be the same (see `probe`).
    It is not safe between threads, except for `tokenise`.

    Args:
        path: a GGUF file.
        threads: that the engine computes with.
        context_size: tokens that a stream holds.
        streams: how many.
        batch: tokens in one decode at most.

    Raises:
        CapabilityError: the engine is missing or unfit, or the model is not a decoder.
        DataError: the file is missing or not a GGUF.
        ModelError: the engine refuses the file.
    """

    def __init__(
        self, path: Path, *, threads: int, context_size: int, streams: int, batch: int
    ) -> None:
        check_gguf(path)
        library = open_library()
        self._ffi, self._lib = library.ffi, library.lib
        ffi, lib = self._ffi, self._lib
        self._no_devices = ffi.new("void *[1]")  # an empty list: the processor alone
        params = lib.llama_model_default_params()
        params.devices = ffi.cast("void *", self._no_devices)
        params.n_gpu_layers = 0
        # Repacked weights are multiplied in another way for four rows and more than for fewer.
        params.use_extra_bufts = False
        self._model = lib.llama_model_load_from_file(str(path).encode(), params)
        if not self._model:
            raise ModelError(
                f"llama.cpp cannot load {path}: the file may be cut short, or of an architecture "
                f"that xllamacpp {ENGINE} does not know; the logger langnet.lm.local at level "
                "DEBUG tells more"
            )
        self._context = ffi.NULL
        self._batch: Any = None
        try:
            self._check_decoder(path)
            self.context_size: int = min(context_size, lib.llama_model_n_ctx_train(self._model))
            self.streams = streams
            self.batch = batch
            self._context = self._new_context(threads)
            self._batch = lib.llama_batch_init(batch, 0, 1)
        except BaseException:
            self.close()
            raise
        self._memory = lib.llama_get_memory(self._context)
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.vocabulary: int = lib.llama_vocab_n_tokens(self._vocab)

    def _check_decoder(self, path: Path) -> None:
        lib = self._lib
        other = (
            lib.llama_model_has_encoder,
            lib.llama_model_is_recurrent,
            lib.llama_model_is_hybrid,
        )
        if any(kind(self._model) for kind in other):
            raise CapabilityError(
                f"{path} is an encoder-decoder or a recurrent model; langnet's local models are "
                "decoders with attention in every layer"
            )

    def _new_context(self, threads: int) -> Any:
        lib = self._lib
        params = lib.llama_context_default_params()
        # More cells than asked for: a block may be filled up with tokens that are dropped.
        params.n_ctx = self.streams * -(-(self.context_size + _SPARE) // 256) * 256
        params.n_batch = params.n_ubatch = params.n_outputs_max = self.batch
        params.n_outputs_max_per_seq = self.batch
        params.n_seq_max = self.streams
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = 1
        params.type_k, params.type_v = _F16, _BF16
        params.kv_unified = False
        params.offload_kqv = params.op_offload = False
        context = lib.llama_init_from_model(self._model, params)
        if not context or lib.llama_n_ctx_seq(context) < self.context_size + _SPARE:
            if context:
                lib.llama_free(context)
            raise ModelError(
                f"llama.cpp cannot set up {self.streams} streams of {self.context_size} tokens; "
                "is there too little memory? Ask for a smaller context_size"
            )
        return context

    # Words and tokens

    def tokenise(self, text: str) -> list[int]:
        """The tokens of a text, as text: names of special tokens in it mean nothing."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = self._ffi.new("token[]", room)
        count = self._lib.llama_tokenize(self._vocab, data, len(data), tokens, room, 0, 0)
        if count < 0:
            raise ModelError(f"llama.cpp cannot tokenise a text of {len(data)} bytes")
        return self._ffi.unpack(tokens, count) if count else []

    def start(self) -> list[int]:
        """What every context begins with: the token for a beginning, where the model wants it."""
        if not self._lib.llama_vocab_get_add_bos(self._vocab):
            return []
        return [self._lib.llama_vocab_bos(self._vocab)]

    def separator(self) -> int:
        """The token that an empty context consists of."""
        bos: int = self._lib.llama_vocab_bos(self._vocab)
        return bos if bos >= 0 else max(self._lib.llama_vocab_eos(self._vocab), 0)

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; none for special tokens."""
        room = 32
        while True:
            text = self._ffi.new("char[]", room)
            size = self._lib.llama_token_to_piece(self._vocab, token, text, room, 0, 0)
            if size >= 0:
                return bytes(self._ffi.buffer(text, size))
            room = -size

    def ends_generation(self, token: int) -> bool:
        """Whether a token ends a text (end of sequence, end of turn, …)."""
        return bool(self._lib.llama_vocab_is_eog(self._vocab, token))

    # Computation

    def decode(self, rows: Sequence[Row]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Computes tokens and yields the logits of the wanted ones.

        The arrays belong to the engine and hold until the next call.

        Yields:
            The index in `rows` and its logits, of shape (vocabulary,).
        """
        batch = self._batch
        batch.n_tokens = len(rows)
        for index, row in enumerate(rows):
            batch.token[index] = row.token
            batch.pos[index] = row.position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = row.stream
            batch.logits[index] = row.wanted
        status = self._lib.llama_decode(self._context, batch)
        if status:
            self.clear()
            raise ModelError(f"llama_decode failed with status {status} on {len(rows)} tokens")
        return self._logits([index for index, row in enumerate(rows) if row.wanted])

    def _logits(self, indices: list[int]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        for index in indices:
            pointer = self._lib.llama_get_logits_ith(self._context, index)
            if not pointer:
                raise ModelError("llama.cpp gave no logits for a token that they were asked for")
            data = self._ffi.buffer(pointer, 4 * self.vocabulary)
            yield index, np.frombuffer(data, dtype=np.float32)

    def clear(self) -> None:
        """Empties all streams."""
        self._lib.llama_memory_clear(self._memory, 0)

    def truncate(self, stream: int, length: int) -> None:
        """Keeps the first tokens of a stream."""
        if not self._lib.llama_memory_seq_rm(self._memory, stream, length, -1):
            raise ModelError(f"llama.cpp cannot cut a stream back to {length} tokens")

    def save(self, stream: int) -> npt.NDArray[np.uint8]:
        """A copy of what a stream holds."""
        size = self._lib.llama_state_seq_get_size(self._context, stream)
        data = np.empty(size, dtype=np.uint8)
        pointer = self._ffi.from_buffer("uint8_t[]", data, require_writable=True)
        if self._lib.llama_state_seq_get_data(self._context, pointer, size, stream) != size:
            raise ModelError("llama.cpp cannot save a stream")
        return data

    def restore(self, stream: int, data: npt.NDArray[np.uint8]) -> None:
        """Fills a stream with what `save` gave."""
        self.truncate(stream, 0)
        pointer = self._ffi.from_buffer("uint8_t[]", data)
        if not self._lib.llama_state_seq_set_data(self._context, pointer, data.size, stream):
            raise ModelError("llama.cpp cannot restore a stream")

    def close(self) -> None:
        """Frees everything; a second call does nothing."""
        if self._batch is not None:
            self._lib.llama_batch_free(self._batch)
            self._batch = None
        if self._context:
            self._lib.llama_free(self._context)
            self._context = self._ffi.NULL
        if self._model:
            self._lib.llama_model_free(self._model)
            self._model = self._ffi.NULL


def check_gguf(path: Path) -> None:
    """Raises `DataError` where a file is missing or is no GGUF."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise DataError(f"cannot read the weights {path}: {error.strerror}") from error
    if magic != b"GGUF":
        raise DataError(
            f"{path} is not a GGUF file (it begins with {magic!r}); convert the weights with "
            "llama.cpp's convert_hf_to_gguf.py, or fetch a .gguf file"
        )
