"""llama.cpp's C interface, as the shared library of one release of `xllamacpp` exports it.

The layouts of C structures belong to a release, so the release is pinned and the defaults that
the library fills in are held against what the layouts say before anything else is called.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import logging
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langnet.errors import CapabilityError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ENGINE", "Library", "open_library"]

ENGINE: Final = "2026.10.11549"
"""The release of `xllamacpp` whose structures are declared here."""

_INSTALL: Final = 'pip install "langnet[local]"'

_DECLARATIONS: Final = """
typedef int32_t token; typedef int32_t sequence;
typedef struct model model; typedef struct context context; typedef struct vocab vocab;
typedef struct memory memory;
typedef void (*log_callback)(int level, const char *text, void *data);
struct model_params {
    void *devices, *buffer_overrides;
    int32_t n_gpu_layers, split_mode, load_mode, unnamed, main_gpu;
    const float *tensor_split;
    void *progress, *progress_data, *metadata_overrides;
    bool vocab_only, check_tensors, use_extra_bufts, no_host, no_alloc, load_mtp;
};
struct context_params {
    uint32_t n_ctx, n_batch, n_ubatch, n_seq_max, n_rs_seq, n_outputs_max, n_outputs_max_per_seq;
    int32_t n_threads, n_threads_batch;
    int32_t context_type, rope_scaling_type, pooling_type, attention_type, flash_attn_type;
    float rope_freq_base, rope_freq_scale;
    float yarn_ext_factor, yarn_attn_factor, yarn_beta_fast, yarn_beta_slow;
    uint32_t yarn_orig_ctx; float defrag_thold;
    void *eval_callback, *eval_data;
    int32_t type_k, type_v;
    void *abort_callback, *abort_data, *unnamed;
    bool embeddings, offload_kqv, no_perf, op_offload, swa_full, kv_unified;
    void *samplers; size_t n_samplers; void *other;
};
struct batch {
    int32_t n_tokens; token *token; float *embd; int32_t *pos;
    int32_t *n_seq_id; sequence **seq_id; int8_t *logits;
};
struct model_params llama_model_default_params(void);
struct context_params llama_context_default_params(void);
void llama_backend_init(void);
void llama_log_set(log_callback callback, void *data);
model *llama_model_load_from_file(const char *path, struct model_params params);
void llama_model_free(model *m);
context *llama_init_from_model(model *m, struct context_params params);
void llama_free(context *c);
const vocab *llama_model_get_vocab(const model *m);
int32_t llama_model_n_ctx_train(const model *m);
bool llama_model_has_encoder(const model *m);
bool llama_model_is_recurrent(const model *m);
bool llama_model_is_hybrid(const model *m);
int32_t llama_vocab_n_tokens(const vocab *v);
bool llama_vocab_is_eog(const vocab *v, token t);
token llama_vocab_bos(const vocab *v);
token llama_vocab_eos(const vocab *v);
bool llama_vocab_get_add_bos(const vocab *v);
int32_t llama_tokenize(const vocab *v, const char *text, int32_t length, token *tokens,
                       int32_t room, bool add_special, bool parse_special);
int32_t llama_token_to_piece(const vocab *v, token t, char *text, int32_t room, int32_t lstrip,
                             bool special);
memory *llama_get_memory(const context *c);
void llama_memory_clear(memory *m, bool data);
bool llama_memory_seq_rm(memory *m, sequence s, int32_t from, int32_t to);
uint32_t llama_n_ctx_seq(const context *c);
struct batch llama_batch_init(int32_t n_tokens, int32_t embd, int32_t n_seq_max);
void llama_batch_free(struct batch b);
int32_t llama_decode(context *c, struct batch b);
float *llama_get_logits_ith(context *c, int32_t i);
size_t llama_state_seq_get_size(context *c, sequence s);
size_t llama_state_seq_get_data(context *c, uint8_t *data, size_t size, sequence s);
size_t llama_state_seq_set_data(context *c, const uint8_t *data, size_t size, sequence s);
"""

_MODEL_DEFAULTS: Final[dict[str, object]] = {
    "n_gpu_layers": -1,
    "split_mode": 1,
    "load_mode": -1,
    "main_gpu": 0,
    "vocab_only": False,
    "check_tensors": False,
    "use_extra_bufts": True,
    "no_host": False,
    "no_alloc": False,
}
_CONTEXT_DEFAULTS: Final[dict[str, object]] = {
    "n_ctx": 512,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_seq_max": 1,
    "n_threads": 4,
    "n_threads_batch": 4,
    "rope_scaling_type": -1,
    "pooling_type": -1,
    "attention_type": -1,
    "flash_attn_type": -1,
    "yarn_ext_factor": -1.0,
    "defrag_thold": -1.0,
    "type_k": 1,
    "type_v": 1,
    "embeddings": False,
    "offload_kqv": True,
    "no_perf": True,
    "op_offload": True,
    "swa_full": True,
    "kv_unified": False,
    "n_samplers": 0,
}


@dataclass(frozen=True, slots=True)
class Library:
    """The engine's shared library.

    Attributes:
        ffi: cffi's view of the C types.
        lib: the functions.
        log: what the library calls to log, for as long as the process lives.
    """

    ffi: Any
    lib: Any
    log: Any


_OPENING: Final = threading.Lock()


def open_library() -> Library:
    """Opens the engine, once in a process, since a shared library is one in a process.

    Raises:
        CapabilityError: the engine is not installed, is another release, or cannot be used here.
    """
    with _OPENING:
        return _library()


@functools.cache
def _library() -> Library:
    if sys.platform == "win32":
        raise CapabilityError(
            "local models need llama.cpp's C interface, which xllamacpp does not export on "
            "Windows; use WSL, or run a server (Ollama, llama.cpp) and give langnet its URL"
        )
    path = _shared_library()
    import cffi  # noqa: PLC0415 - an optional dependency, needed only here

    ffi = cffi.FFI()
    ffi.cdef(_DECLARATIONS)
    try:
        with _patient_threads():
            lib = ffi.dlopen(str(path))
    except OSError as error:
        raise CapabilityError(
            f"the engine cannot be opened: {error} (where libgomp is missing: "
            "`apt install libgomp1` or the like)"
        ) from error
    try:
        _check_layout("model_params", lib.llama_model_default_params(), _MODEL_DEFAULTS)
        _check_layout("context_params", lib.llama_context_default_params(), _CONTEXT_DEFAULTS)
    except AttributeError as error:
        raise CapabilityError(
            f"the engine {path} does not export what langnet calls ({error}); reinstall it with "
            f"{_INSTALL}"
        ) from error
    logger = logging.getLogger("langnet.lm.local")

    @ffi.callback("void(int, const char *, void *)")  # type: ignore[untyped-decorator, unused-ignore]
    def log(_level: int, text: Any, _data: Any) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", ffi.string(text).decode("utf-8", "replace").rstrip())

    lib.llama_log_set(log, ffi.NULL)
    lib.llama_backend_init()
    return Library(ffi, lib, log)


@contextlib.contextmanager
def _patient_threads() -> Iterator[None]:
    """Lets the engine's threads spin for some microseconds while they wait, and then sleep.

    The run-time library of OpenMP reads this once, when it is loaded. Threads that spin on and on
    take the processor from whom they wait for on a busy machine; threads that sleep at once spend
    more time on waking than on work, since a model is hundreds of small steps.
    """
    ours = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "10000"}
    if not ours.keys().isdisjoint(os.environ):
        yield
        return
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]


def _shared_library() -> Path:
    try:
        release = importlib.metadata.version("xllamacpp")
        importlib.metadata.version("cffi")
    except importlib.metadata.PackageNotFoundError as error:
        raise CapabilityError(
            f"local models need the package {error.name}, which is not installed: {_INSTALL}"
        ) from error
    if release != ENGINE:
        raise CapabilityError(
            f"local models need xllamacpp {ENGINE}, whose C structures langnet knows, and found "
            f"{release}: {_INSTALL}"
        )
    # Found, not imported: the package's own import is slow and would do work that is not needed.
    spec = importlib.util.find_spec("xllamacpp")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("xllamacpp*.so")):
            return path
    raise CapabilityError(f"xllamacpp is installed without its library; reinstall: {_INSTALL}")


def _check_layout(name: str, struct: Any, expected: dict[str, object]) -> None:
    found = {field: getattr(struct, field) for field in expected}
    if found != expected:
        wrong = ", ".join(
            f"{field} is {found[field]!r}, not {expected[field]!r}"
            for field in expected
            if found[field] != expected[field]
        )
        raise CapabilityError(
            f"the engine's {name} is laid out otherwise than in xllamacpp {ENGINE} ({wrong}); "
            f"reinstall it with {_INSTALL}"
        )
