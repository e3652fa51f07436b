"""Real servers on 127.0.0.1 that answer in the JSON of vLLM, SGLang, llama.cpp, Ollama, TGI, Azure.

Each speaks over the toy model of `tests.lm.server`, so every number can be worked out by hand, and
refuses what the server that it imitates refuses. They were written from the servers' own sources;
`langnet.lm.dialects` names the versions.
"""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.lm.server import logprob_of, refused, tokens_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BEGIN = 1  # the token that stands at the beginning of every prompt
TOP = {" yes": -0.5, " no": -1.5, " oh": -3.0}


@dataclass
class Native:
    """One server; what it has seen, and how old it is.

    Attributes:
        url: without "/v1".
        requests: the paths and bodies it was sent.
        headers: those of each request.
        answers: what it draws, in turn; the last one again and again.
        begins: whether prompts begin with a token of their own.
        names_tokens: whether it knows how to give the numbers of named tokens.
        context: of Ollama: how many tokens fit.
        cuts: of Ollama: whether it ignores `truncate`, as older ones do.
    """

    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: deque[str] = field(default_factory=lambda: deque([" forty two"]))
    begins: bool = True
    names_tokens: bool = True
    context: int = 4096
    cuts: bool = False
    finish: str | None = None
    _ids: dict[str, int] = field(default_factory=dict)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was sent to a path."""
        return [body for seen, body in self.requests if seen == path]

    def ids(self, text: str) -> list[int]:
        """The numbers of a prompt's tokens."""
        found = [self._ids.setdefault(token, len(self._ids) + 100) for token in tokens_of(text)]
        return [BEGIN, *found] if self.begins else found

    def words(self, ids: list[int]) -> list[str]:
        """The strings of tokens."""
        by_id = {number: token for token, number in self._ids.items()}
        return ["<s>" if number == BEGIN else by_id[number] for number in ids]

    def numbers(self, text: str) -> list[float | None]:
        """The log-probabilities of a prompt's tokens."""
        own: list[float | None] = [logprob_of(t, i) for i, t in enumerate(tokens_of(text))]
        return [None, *own] if self.begins else [None, *own[1:]]

    def drawn(self, most: int) -> tuple[str, str, int]:
        """The next answer, cut at the length that is asked for, how it ended, and its tokens."""
        text = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        tokens = tokens_of(text)
        finish = "length" if len(tokens) > most else "stop"
        return "".join(tokens[:most]), self.finish or finish, min(most, len(tokens))

    # What every one of them has in OpenAI's form

    def openai(self, body: dict[str, Any]) -> dict[str, Any]:
        """Draws at `/v1/completions` or `/v1/chat/completions`."""
        chat = "messages" in body
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        text, finish, length = self.drawn(body.get("max_completion_tokens") or body["max_tokens"])
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        if chat and body.get("logprobs"):
            entries = [{"token": t, "logprob": p} for t, p in TOP.items()]
            choice["logprobs"] = {"content": [{**entries[0], "top_logprobs": entries}]}
        elif body.get("logprobs") is not None:
            choice["logprobs"] = {"tokens": [" yes"], "top_logprobs": [dict(TOP)]}
        usage = {"prompt_tokens": len(self.ids(prompt)), "completion_tokens": length}
        return {"choices": [choice], "usage": usage}

    # vLLM

    def vllm_tokenize(self, body: dict[str, Any]) -> web.Response:
        if not isinstance(body["prompt"], str):
            return refused(400, "prompt must be a string")
        ids = self.ids(body["prompt"])
        return web.json_response({"count": len(ids), "max_model_len": 4096, "tokens": ids})

    def vllm_completions(self, body: dict[str, Any]) -> web.Response:
        answer = self.openai(body)
        (choice,) = answer["choices"]
        if body.get("prompt_logprobs") is not None:
            ids, numbers = self.ids(body["prompt"]), self.numbers(body["prompt"])
            entries = zip(ids, self.words(ids), numbers, strict=True)
            choice["prompt_logprobs"] = [
                None,
                *[{str(i): {"logprob": n, "rank": 3, "decoded_token": w}} for i, w, n in entries][
                    1:
                ],
            ]
        named = body.get("logprob_token_ids")
        if named is not None and body.get("logprobs") is None:
            return refused(400, "when using `logprob_token_ids`, `logprobs` must be set.")
        if body.get("return_tokens_as_token_ids"):
            at = len(tokens_of(body["prompt"]))
            known = named if self.names_tokens else self.ids(" oh")[-1:]
            words = self.words(known)
            top = {f"token_id:{i}": logprob_of(w, at) for i, w in zip(known, words, strict=True)}
            choice["logprobs"] = {"tokens": [f"token_id:{known[0]}"], "top_logprobs": [top]}
        return web.json_response(answer)

    # SGLang

    def sglang_tokenize(self, body: dict[str, Any]) -> web.Response:
        prompts = body["prompt"]
        tokens = [self.ids(prompt) for prompt in prompts]
        answer = {"tokens": tokens, "count": list(map(len, tokens)), "max_model_len": 4096}
        return web.json_response(answer)

    def sglang_generate(self, body: dict[str, Any]) -> web.Response:
        text = body["text"]
        ids, numbers = self.ids(text), self.numbers(text)
        drawn, finish, length = self.drawn(body["sampling_params"]["max_new_tokens"])
        info: dict[str, Any] = {
            "id": "1",
            "finish_reason": {"type": finish, "length": length},
            "prompt_tokens": len(ids),
            "completion_tokens": length,
            "cached_tokens": 2,
        }
        start = body.get("logprob_start_len", -1)
        if body.get("return_logprob") and start >= 0:
            if start > len(ids):
                return refused(400, "logprob_start_len is higher than the number of input tokens")
            listed = list(zip(numbers, ids, self.words(ids), strict=True))[start:]
            # Whatever stands first has no number.
            info["input_token_logprobs"] = [[None, *listed[0][1:]], *map(list, listed[1:])]
        if body.get("token_ids_logprob") and self.names_tokens:
            named, at = body["token_ids_logprob"], len(tokens_of(text))
            entries = zip(named, self.words(named), strict=True)
            info["output_token_ids_logprobs"] = [[[logprob_of(w, at), i, None] for i, w in entries]]
        return web.json_response({"text": drawn, "meta_info": info})

    # llama.cpp

    def llamacpp_tokenize(self, body: dict[str, Any]) -> web.Response:
        return web.json_response({"tokens": self.ids(body["content"])})

    def llamacpp_completion(self, body: dict[str, Any]) -> web.Response:
        before = self.words(body["prompt"])
        ((token, bias),) = body["logit_bias"]
        assert bias > 1e6
        assert not body["post_sampling_probs"]
        (word,) = self.words([token])
        place = len(before) - self.begins
        entry = {"id": token, "token": word, "logprob": logprob_of(word, place)}
        answer = {
            "content": word,
            "tokens_evaluated": len(before),
            "completion_probabilities": [{**entry, "top_logprobs": [entry]}],
            "timings": {"cache_n": len(before) - 1, "prompt_n": 1},
        }
        return web.json_response(answer)

    # Ollama

    def ollama(self, body: dict[str, Any]) -> web.Response:
        chat = "messages" in body
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        assert body["stream"] is False
        size = body["options"].get("num_ctx", self.context)
        seen = len(self.ids(prompt))
        if seen > size:
            if body["truncate"] is False and not self.cuts:
                return web.json_response(
                    {"error": "the input length exceeds the context length"}, status=400
                )
            seen = size
        text, finish, length = self.drawn(body["options"]["num_predict"])
        answer: dict[str, Any] = {
            "model": body["model"],
            "done": True,
            "done_reason": finish,
            "prompt_eval_count": seen,
            "eval_count": length,
        }
        answer |= (
            {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
        )
        if body.get("logprobs"):
            entries = [{"token": t, "logprob": p} for t, p in TOP.items()]
            answer["logprobs"] = [{**entries[0], "top_logprobs": entries[: body["top_logprobs"]]}]
        return web.json_response(answer)

    # text-generation-inference

    def tgi_refusal(self, asked: dict[str, Any]) -> web.Response | None:
        if asked.get("temperature", 1.0) <= 0:
            said = "`temperature` must be strictly positive"
        elif not 0 < asked.get("top_p", 0.5) < 1:
            said = "`top_p` must be > 0.0 and < 1.0"
        else:
            return None
        answer = {"error": f"Input validation error: {said}", "error_type": "validation"}
        return web.json_response(answer, status=422)

    def tgi_generate(self, body: dict[str, Any]) -> web.Response:
        asked, prompt = body["parameters"], body["inputs"]
        if (refusal := self.tgi_refusal(asked)) is not None:
            return refusal
        text, finish, length = self.drawn(asked["max_new_tokens"])
        ids = self.ids(prompt)
        prefill = [
            {"id": i, "text": w, "logprob": n}
            for i, w, n in zip(ids, self.words(ids), self.numbers(prompt), strict=True)
        ]
        details = {
            "finish_reason": "eos_token" if finish == "stop" else finish,
            "generated_tokens": length,
            "seed": asked.get("seed"),
            "prefill": prefill if asked.get("decoder_input_details") else [],
            "tokens": [],
        }
        if asked.get("top_n_tokens"):
            tops = [{"id": 5, "text": t, "logprob": p, "special": False} for t, p in TOP.items()]
            details["top_tokens"] = [tops]
        return web.json_response({"generated_text": text, "details": details})

    def tgi_chat(self, body: dict[str, Any]) -> web.Response:
        asked = dict(body)
        if asked.get("temperature") == 0:  # here it means the most probable text
            del asked["temperature"]
        return self.tgi_refusal(asked) or web.json_response(self.openai(body))


def _told(answer: dict[str, Any]) -> Any:
    return lambda _: web.json_response(answer)


def _plain(server: Native) -> Any:
    return lambda body: web.json_response(server.openai(body))


def routes(server: Native, kind: str) -> dict[str, dict[str, Any]]:
    """What a kind of server answers: functions of the body, by method and path."""
    both = {"/v1/chat/completions": _plain(server), "/v1/completions": _plain(server)}
    if kind == "vllm":
        own = {"/v1/completions": server.vllm_completions, "/tokenize": server.vllm_tokenize}
        return {"GET": {"/version": _told({"version": "0.33.0"})}, "POST": {**both, **own}}
    if kind == "sglang":
        own = {"/generate": server.sglang_generate, "/tokenize": server.sglang_tokenize}
        signs = {"/model_info": _told({"model_path": "toy", "is_generation": True})}
        return {"GET": signs, "POST": {**both, **own}}
    if kind == "llamacpp":
        own = {"/completion": server.llamacpp_completion, "/tokenize": server.llamacpp_tokenize}
        signs = {"/props": _told({"default_generation_settings": {}, "total_slots": 1})}
        return {"GET": signs, "POST": {**both, **own}}
    if kind == "ollama":
        own = {"/api/chat": server.ollama, "/api/generate": server.ollama}
        signs = {"/api/version": _told({"version": "0.12.11"})}
        return {"GET": signs, "POST": {**both, **own}}
    if kind == "tgi":
        own = {"/generate": server.tgi_generate, "/v1/chat/completions": server.tgi_chat}
        signs = {"/info": _told({"model_id": "toy", "max_concurrent_requests": 128})}
        return {"GET": signs, "POST": own}
    assert kind == "azure"
    old = "/openai/deployments/toy/chat/completions"
    return {"GET": {}, "POST": {old: _plain(server), "/openai/v1/chat/completions": _plain(server)}}


@asynccontextmanager
async def native(kind: str, **settings: Any) -> AsyncIterator[Native]:
    """Runs a server of a kind at a free port."""
    server = Native(**settings)
    known = routes(server, kind)

    async def answer(request: web.Request) -> web.Response:
        found = known[request.method].get(request.path)
        if found is None:
            return refused(404, f"there is no {request.path}")
        body = await request.json() if request.method == "POST" else {}
        if request.method == "POST":
            query = f"?{request.query_string}" if request.query_string else ""
            server.requests.append((request.path + query, body))
            server.headers.append(dict(request.headers))
        return found(body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
