"""Where a webhook leads, kept so that no print, log or traceback shows it."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A checked address; path and token are secrets, and wrapped so that no repr has them.

    Attributes:
        host: Name of the server.
        port: Its port, or None for the usual one.
        is_https: Whether TLS is spoken.
        target: Gives path and query.
        token: Gives the bearer token, or an empty string.
    """

    host: str
    port: int | None
    is_https: bool
    target: Callable[[], str]
    token: Callable[[], str]

    @classmethod
    def of(cls, url: str, token: str, *, name: str) -> Self:
        """Check what the variable ``name`` holds; no error repeats it.

        Raises:
            ValueError: If it is empty, no https address, or holds a user or odd characters.
        """
        if not url:
            raise ValueError(f"{name} must hold the address of the webhook, but is not set")
        if not (url + token).isascii() or not (url + token).isprintable() or " " in url:
            raise ValueError(f"{name} and the token must be printable ASCII without spaces")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(f"{name} must be an address like https://host/path") from None
        is_https = parts.scheme == "https"
        if not host or not (is_https or (parts.scheme == "http" and host in _LOOPBACK)):
            raise ValueError(f"{name} must begin with https:// (http:// only for this machine)")
        if parts.username is not None or parts.password is not None:
            raise ValueError(f"{name} must hold no user or password; use LRWATCH_WEBHOOK_TOKEN")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(host, port, is_https, lambda: target, lambda: token)

    def connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """A new connection; certificates are checked."""
        kind = http.client.HTTPSConnection if self.is_https else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=timeout_s)
        connection.set_debuglevel(0)  # a script that debugs its own would have the token printed
        return connection

    def headers(self) -> dict[str, str]:
        """Headers of a message."""
        headers = {"Content-Type": "application/json", "User-Agent": "lrwatch"}
        if self.token():
            headers["Authorization"] = f"Bearer {self.token()}"
        return headers

    def __repr__(self) -> str:
        return "Address(...)"
