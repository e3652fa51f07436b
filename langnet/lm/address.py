"""Where a server is, and the key for it: checked, and never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from yarl import URL

from langnet.lm.secret import Secret

__all__ = ["OPENAI", "Address", "address_of", "checked_key", "checked_url"]

OPENAI = "https://api.openai.com/v1"
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server's endpoints are.

    Attributes:
        base_url: where they begin, without a slash at the end.
        key: the API key, if there is one.
        key_header: the header that carries it.
        query: what every address ends with.
        more: further headers of every request.
    """

    base_url: str
    key: Secret | None = field(default=None, repr=False)
    key_header: str = "Authorization"
    query: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """The address of an endpoint: from `base_url`, or with a slash from the server's root."""
        start = self.base_url.removesuffix("/v1") if path.startswith("/") else f"{self.base_url}/"
        return start + path + self.query

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        if self.key is None:
            return {**self.more}
        bearer = self.key_header == "Authorization"
        key = Secret(f"Bearer {self.key}") if bearer else self.key
        return {**self.more, self.key_header: key}


def address_of(
    name: str, base_url: str | None, api_key: str | None, *, azure: bool, api_version: str | None
) -> Address:
    """The address that arguments and variables name.

    Args:
        name: the model's name; at Azure the deployment's.
        base_url: by default that of the variable OPENAI_BASE_URL, or OpenAI; at Azure that of
            AZURE_OPENAI_ENDPOINT.
        api_key: by default the variable OPENAI_API_KEY, at Azure AZURE_OPENAI_API_KEY, each only
            for the server that it belongs to.
        azure: whether the server is Azure's.
        api_version: of Azure's interface; None for its version 1, which needs none.

    Raises:
        ValueError: an address or a key cannot be used, or is missing.
    """
    api_key = None if api_key is None else Secret(api_key)
    if azure:
        return _azure(name, base_url, api_key, api_version)
    if api_version is not None:
        raise ValueError('api_version is Azure\'s; add dialect="azure" or leave it out')
    usual = os.environ.get("OPENAI_BASE_URL") or OPENAI
    if api_key is None and (base_url is None or base_url.rstrip("/") == usual.rstrip("/")):
        api_key = Secret(os.environ.get("OPENAI_API_KEY", ""))
    return Address(checked_url(base_url or usual), checked_key(api_key))


def _azure(
    name: str, base_url: str | None, api_key: str | None, api_version: str | None
) -> Address:
    usual = os.environ.get("AZURE_OPENAI_ENDPOINT")
    given = base_url or usual
    if not given:
        raise ValueError(
            "Azure needs the address of your resource: give base_url such as "
            "https://RESOURCE.openai.azure.com, or set the variable AZURE_OPENAI_ENDPOINT"
        )
    url = checked_url(given)
    # Without the variable, only a host of Azure's own can be where its key belongs.
    if usual is not None:
        belongs = url == usual.rstrip("/")
    else:
        host = URL(url).host or ""
        belongs = URL(url).scheme == "https" and host.endswith(_AZURE)
    if api_key is None and belongs:
        api_key = Secret(os.environ.get("AZURE_OPENAI_API_KEY", ""))
    root = url.removesuffix("/v1").removesuffix("/openai")
    key = checked_key(api_key)
    if api_version is None:
        return Address(f"{root}/openai/v1", key, "api-key")
    place = f"{root}/openai/deployments/{quote(name, safe='')}"
    return Address(place, key, "api-key", f"?api-version={quote(api_version, safe='')}")


def checked_url(text: str) -> str:
    """The address of a server, without a slash at its end.

    Raises:
        ValueError: it is none that can be used.
    """
    try:
        url = URL(text.strip())
        host = url.host
    except ValueError as error:
        raise ValueError(
            "base_url is no address; give one such as http://127.0.0.1:8000/v1"
        ) from error
    if url.scheme not in {"http", "https"} or not host:
        raise ValueError(
            "base_url is an http(s) address such as http://127.0.0.1:8000/v1; this is none"
        )
    if url.user or url.password or url.query_string or url.fragment:
        # The text is not shown: it may hold a password.
        raise ValueError(
            f"base_url of {host} holds a name, a password, a query or a fragment; leave them out "
            "and give a secret as api_key"
        )
    return str(url).rstrip("/")


def checked_key(key: str | None) -> Secret | None:
    """The key as it can stand in a header; None where there is none.

    Raises:
        ValueError: it cannot.
    """
    key = Secret(key.strip()) if key else Secret()
    if not key:
        return None
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the API key holds characters that no header can; check where it is from")
    return key
