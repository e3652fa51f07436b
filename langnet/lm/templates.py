"""Chat templates: a context as the user's message, written out as the raw text that a model reads.

So a chat model can be asked, and scored, at an endpoint that continues texts.

    OpenAIModel("Qwen/Qwen3-8B", dialect="vllm", template="path/to/tokenizer_config.json")

Templates are Jinja2's, as models bring them along; they run in its sandbox. "chatml" needs no
file and no Jinja2.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

__all__ = ["ChatTemplate"]

Messages = list[dict[str, str]]

_DEFAULT = "default"  # of several templates in one file, the one for talk


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """Turns a system prompt and a context into a model's raw text.

    Attributes:
        digest: a hash of all that shapes the text.
        begin: the token at the beginning, which servers add by themselves, so it is left out.
    """

    digest: str
    begin: str
    _render: Callable[[Messages], str]

    @classmethod
    def load(cls, source: str | Path) -> ChatTemplate:
        """Reads a template.

        Args:
            source: "chatml"; a file with a Jinja2 template; or a tokeniser's configuration
                (`tokenizer_config.json`) that holds one, with the tokens it refers to.

        Raises:
            ValueError: there is no template there, it is no Jinja2, or Jinja2 is not installed.
        """
        if source == "chatml":
            return cls("chatml", "", _chatml)
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise ValueError(
                f"the chat template {str(source)!r} cannot be read: {error}; give chatml, or the "
                "path of a Jinja2 template or of a tokenizer_config.json"
            ) from error
        tokens: dict[str, str] = {}
        if text.lstrip().startswith("{") and not text.lstrip().startswith(("{{", "{%", "{#")):
            text, tokens = _from_configuration(text, str(source))
        digest = sha256(json.dumps([text, tokens], sort_keys=True).encode()).hexdigest()[:16]
        return cls(digest, tokens.get("bos_token", ""), _compiled(text, tokens, str(source)))

    def text(self, context: str, system: str | None = None) -> str:
        """The raw text up to where the model's answer begins.

        Args:
            context: the user's message.
            system: what the model is told before it.

        Raises:
            ValueError: the template refuses these messages.
        """
        messages = [{"role": "user", "content": context}]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        return self._render(messages).removeprefix(self.begin)


def _chatml(messages: Messages) -> str:
    said = (f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    return "".join(said) + "<|im_start|>assistant\n"


def _from_configuration(text: str, source: str) -> tuple[str, dict[str, str]]:
    """The template in a tokeniser's configuration, and its special tokens by name."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source!r} is neither JSON nor a Jinja2 template: {error}") from error
    template = found.get("chat_template")
    if isinstance(template, list):  # several, by name
        named = {entry.get("name"): entry for entry in template if isinstance(entry, dict)}
        template = named.get(_DEFAULT, {}).get("template")
    if not isinstance(template, str):
        raise ValueError(  # noqa: TRY004  # it is the file that is wrong
            f"{source!r} holds no chat_template; newer models keep it in chat_template.jinja "
            "beside it, so give that"
        )
    tokens: dict[str, str] = {}
    for name, value in found.items():
        token = value.get("content") if isinstance(value, Mapping) else value
        if name.endswith("_token") and isinstance(token, str):
            tokens[name] = token
    return template, tokens


def _compiled(text: str, tokens: Mapping[str, str], source: str) -> Callable[[Messages], str]:
    try:
        # Only who uses a template needs Jinja2.
        from jinja2 import TemplateError  # noqa: PLC0415
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415
    except ImportError as error:
        raise ValueError(
            "chat templates need Jinja2; install it with: pip install 'langnet[templates]'"
        ) from error

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def to_json(value: Any, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=False, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = to_json
    try:
        template = environment.from_string(text)
    except TemplateError as error:
        raise ValueError(f"{source!r} is no template that Jinja2 can read: {error}") from error

    def render(messages: Messages) -> str:
        try:
            return template.render(
                messages=messages, add_generation_prompt=True, raise_exception=refuse, **tokens
            )
        except TemplateError as error:
            raise ValueError(
                f"the chat template {source!r} does not take these messages: {error}; "
                "leave the system prompt out if it has no place for one"
            ) from error

    return render
