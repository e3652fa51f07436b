"""Chat templates and system prompts: what a model reads, and what a template may not do."""

from __future__ import annotations

import json
import sys

import pytest

from langnet.key import Key
from langnet.lm.base import Decoding
from langnet.lm.connect import SpecError, connect
from langnet.lm.openai import OpenAIModel
from langnet.lm.templates import ChatTemplate
from tests.lm.dialect_servers import native
from tests.lm.server import logprob_of, serving, tokens_of

KEYS = [Key(("draw", 0))]
INST = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system prompt here') }}{% endif %}"
    "[INST] {{ m.content }} [/INST]{% endfor %}"
)


def configuration(tmp_path, **fields):
    """A tokeniser's configuration in a file."""
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({"bos_token": {"content": "<s>"}, "eos_token": "</s>", **fields}))
    return path


def test_chatml_needs_no_file():
    """The built-in template writes each message between its marks and opens the answer."""
    template = ChatTemplate.load("chatml")
    assert template.text("Hi", "Be brief.") == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("several", [False, True])
def test_a_configuration_brings_its_template_and_tokens(tmp_path, several):
    """The template is the one for talk, and the begin token is left to the server."""
    held = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": INST}]
    path = configuration(tmp_path, chat_template=held if several else INST)
    assert ChatTemplate.load(path).text("Hi") == "[INST] Hi [/INST]"


def test_a_template_in_a_file_of_its_own_is_read(tmp_path):
    """Loops, filters, and the wish for an answer are there, as models' templates expect."""
    path = tmp_path / "chat_template.jinja"
    path.write_text(
        "{% for m in messages %}{% if m.role == 'tool' %}{% continue %}{% endif %}\n"
        "{{ m | tojson }}\n{% endfor %}{% if add_generation_prompt %}>{% endif %}"
    )
    assert ChatTemplate.load(path).text("é") == '{"role": "user", "content": "é"}\n>'


def test_templates_run_in_a_sandbox(tmp_path):
    """A template that reaches for Python's insides, or would change its messages, is refused."""
    for evil in ("{{ messages.__class__.__mro__ }}", "{{ messages.append(1) }}"):
        path = tmp_path / "evil.jinja"
        path.write_text(evil)
        with pytest.raises(ValueError, match="does not take these messages"):
            OpenAIModel("toy", template=path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{% for %}", "no template that Jinja2 can read"),
        ("{ no json", "neither JSON nor"),
        ('{"bos_token": "<s>"}', "holds no chat_template"),
        ("\ud800".encode("utf-8", "surrogatepass"), "cannot be read"),
    ],
)
def test_what_is_no_template_is_found_at_once(tmp_path, content, says):
    """A template that cannot be used is an error before the first call, and says why."""
    path = tmp_path / "template"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=says):
        OpenAIModel("toy", template=path)


def test_without_jinja2_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    """The extra is named where it is missing; chatml does without it."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    path = configuration(tmp_path, chat_template=INST)
    with pytest.raises(ValueError, match=r"langnet\[templates\]"):
        OpenAIModel("toy", template=path)
    assert OpenAIModel("toy", template="chatml").endpoint == "completions"


async def test_a_system_prompt_comes_first():
    """In a chat the system prompt is a message before the user's."""
    async with serving() as server:
        model = OpenAIModel("toy", base_url=server.url, system="Be brief.")
        await model.sample("Hi", decoding=Decoding(), keys=KEYS)
        await model.aclose()
    assert server.requests[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


@pytest.mark.parametrize("kind", ["vllm", "sglang", "llamacpp", "tgi"])
async def test_a_chat_model_is_scored_through_its_template(tmp_path, kind):
    """Texts are drawn and scored after the template's text, and follow its last mark at once."""
    path = configuration(tmp_path, chat_template=INST + "\n")
    async with native(kind) as server:
        model = OpenAIModel("toy", base_url=f"{server.url}/v1", dialect=kind, template=path)
        (score,) = (await model.score("Hi", ["one two"], decoding=Decoding())).scores
        await model.sample("Hi", decoding=Decoding(), keys=KEYS)
        await model.aclose()
    whole = "[INST] Hi [/INST]one two"
    assert any(
        whole.removesuffix("one two") in (body.get("prompt"), body.get("inputs"))
        for _, body in server.requests
    )
    tokens = tokens_of(whole)
    assert score.token_logprobs == pytest.approx(
        [logprob_of(tokens[place], place) for place in range(2, len(tokens))]
    )


async def test_a_line_names_a_template_and_a_system_prompt(tmp_path):
    """Both stand in a line, and each changes the model's name by a hash, not by its text."""
    path = configuration(tmp_path, chat_template=INST)
    other = tmp_path / "other.jinja"
    other.write_text("{{ messages[0].content }}")
    identities = set()
    for options in (
        "",
        "template=chatml",
        f"template={path}",
        f"template={other}",
        "system=Be+brief.",
        "template=chatml&system=Be+brief.",
    ):
        async with connect(f"openai:toy@http://127.0.0.1:1/v1?{options}") as model:
            identities.add(model.identity)
    assert len(identities) == 6
    assert not any("brief" in identity or str(path) in identity for identity in identities)
    for options, says in {
        "template=chatml&endpoint=chat": "writes the messages out by itself",
        "system=x&endpoint=completions": "no place for a system prompt",
        f"system=x&template={path}": "no system prompt here",
    }.items():
        with pytest.raises(SpecError, match=says):
            async with connect(f"openai:toy@http://127.0.0.1:1/v1?{options}"):
                pass
