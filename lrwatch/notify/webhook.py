"""A webhook that is told every alert; where it leads is known to the environment alone."""

import contextlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lrwatch.notify.address import Address
from lrwatch.notify.errand import Errand
from lrwatch.notify.message import SERVICES, Service, as_object, payload
from lrwatch.records import Action, Alert

URL, TOKEN, SERVICE = "LRWATCH_WEBHOOK_URL", "LRWATCH_WEBHOOK_TOKEN", "LRWATCH_WEBHOOK_SERVICE"
SECRETS = frozenset((URL, TOKEN))

_BURST = 5
_INTERVAL_S = 60.0
_TIMEOUT_S = 10.0
_LIMIT_S = 30.0
_MAX_REPLY = 4096
_MAX_WAIT_S = 300.0
_N_TRIES = 3


class Webhook:
    """Post each alert as JSON, in a thread: training and terminal never wait for it.

    The address is read from ``LRWATCH_WEBHOOK_URL``, a bearer token, if one is needed, from
    ``LRWATCH_WEBHOOK_TOKEN``, and what is understood there (json, slack, discord) from
    ``LRWATCH_WEBHOOK_SERVICE``, else it is told by the host. None of it is ever printed, logged or
    written. Only https is spoken (http to this machine itself), no redirect is followed, of a
    reply 4 KiB are read, for half a minute at most. Five messages go out at once, then one a
    minute; those between are counted in the next. A server that fails or asks to wait is tried
    three times.

    Args:
        environ: Where the variables are looked up.
        say: Tells the user a line; None for the logger ``lrwatch``.
        interval_s: Time between two messages after the first five, in seconds.

    Raises:
        ValueError: If the variable is not set, or holds no https address.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] = os.environ,
        say: Callable[[str], None] | None = None,
        interval_s: float = _INTERVAL_S,
    ) -> None:
        self._address = Address.of(environ.get(URL, ""), environ.get(TOKEN, ""), name=URL)
        self._service = _service(environ.get(SERVICE, ""), self._address.host)
        self._interval_s = interval_s
        self._credit, self._credit_at = float(_BURST), time.monotonic()
        self._n_held = 0
        self._ended = threading.Event()
        self._errand = Errand("the webhook", self._deliver, say)

    def __call__(self, record: Alert | Action, run: str = "") -> None:
        """Have a record posted; returns at once."""
        self.send(as_object(record, run))

    def send(self, message: Mapping[str, Any]) -> None:
        """Have an object posted; returns at once. Beyond the rate it is only counted."""
        now_s = time.monotonic()
        self._credit = min(_BURST, self._credit + (now_s - self._credit_at) / self._interval_s)
        self._credit_at = now_s
        if self._credit < 1.0:
            self._n_held += 1
            return
        self._credit -= 1.0
        n_held, self._n_held = self._n_held, 0
        self._ended.clear()
        self._errand.send({**message, "n_left_out": n_held})

    def close(self, timeout_s: float = 5.0) -> None:
        """Post what waits, as far as the time allows."""
        self._errand.close(timeout_s)
        self._ended.set()

    def _deliver(self, message: Mapping[str, Any], n_left_out: int) -> str:
        n_left_out += message.get("n_left_out", 0)
        body = json.dumps(payload(message, self._service, n_left_out)).encode("ascii")
        problem = ""
        for n_tried in range(1, _N_TRIES + 1):
            status, wait_s = self._posted(body)
            if 200 <= status < 300:
                return ""
            problem = f"the server answered {status}" if status else "it could not be reached"
            if 300 <= status < 500 and status != 429:
                return problem  # asking again would bring the same answer; redirects among them
            if n_tried == _N_TRIES or self._ended.wait(wait_s or 2.0 ** (n_tried - 1)):
                break
        return problem

    def _posted(self, body: bytes) -> tuple[int, float]:
        """Status of the answer, 0 where there was none; how long to wait before asking again."""
        connection = self._address.connection(_TIMEOUT_S)
        try:
            connection.connect()
            with _ended_after(_LIMIT_S, connection.sock):
                connection.request("POST", self._address.target(), body, self._address.headers())
                reply = connection.getresponse()
                reply.read(_MAX_REPLY)
            return reply.status, _seconds(reply.getheader("Retry-After", ""))
        except (OSError, http.client.HTTPException, ValueError):
            return 0, 0.0  # the words of these may hold the address
        finally:
            connection.close()


@contextlib.contextmanager
def _ended_after(limit_s: float, connected: socket.socket) -> Iterator[None]:
    """End a connection after this time: no timeout does where a server sends a letter at a time."""
    timer = threading.Timer(limit_s, _shut, [connected])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _service(asked: str, host: str) -> Service:
    for service in SERVICES:
        if asked == service:
            return service
    if asked:
        raise ValueError(f"{SERVICE} must be one of {', '.join(SERVICES)}, got {asked!r}")
    if host in ("hooks.slack.com", "chat.googleapis.com"):
        return "slack"
    return "discord" if host in ("discord.com", "discordapp.com") else "json"


def _seconds(retry_after: str) -> float:
    try:
        wait_s = float(retry_after)
    except ValueError:
        return 0.0
    return min(wait_s, _MAX_WAIT_S) if wait_s > 0.0 else 0.0
