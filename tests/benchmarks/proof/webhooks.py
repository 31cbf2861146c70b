"""Rows 34 and 35: the secrets of a webhook, and a server that is slow, fails or leads elsewhere."""

import http.client
import math
import ssl
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from lrwatch.notify import Webhook
from lrwatch.notify.address import Address
from lrwatch.notify.webhook import TOKEN, URL
from lrwatch.records import Alert
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.zygote import shared
from tests.notify.receiver import Receiver

_SECRETS = ("s3cr3t", "t0ken")  # the first is in the address of a Receiver
_ALERT = Alert(kind="stall", severity="critical", step=0, onset=0, message="m")

# All that is logged is shown, and everything that can be printed is; the command line, too.
TRAINING = """
import logging, sys, time, traceback, torch, lrwatch, lrwatch.notify
from lrwatch.notify.webhook import TOKEN, URL
logging.basicConfig(level=logging.DEBUG)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
try:
    lrwatch.notify.Webhook(environ={URL: "ftp://example.com/s3cr3t", TOKEN: "t0ken"})
except ValueError:
    traceback.print_exc()
hook = lrwatch.notify.Webhook() if sys.argv[2] == "on" else None
began = time.perf_counter()
with lrwatch.attach(optimizer, run_dir=sys.argv[1], on_alert=hook, check_before_step=True) as watch:
    for i in range(200):
        optimizer.zero_grad()
        (model(torch.ones(4, 2)).square().mean() * (float("nan") if i % 40 == 39 else 1)).backward()
        optimizer.step()
    took = time.perf_counter() - began
print(repr(hook), vars(hook) if hook else "", watch.alerts, open("/proc/self/cmdline").read())
print("took", took)
"""


def secrets() -> Figure:
    """Row 34: all that a training, its files and the commands show of address and token."""
    zygote, n_told, shown = shared(), 0, b""
    for statuses in ([200] * 99, [500] * 99, [404] * 99):
        with Receiver(statuses=statuses) as server, tempfile.TemporaryDirectory() as folder:
            environ = {URL: server.url, TOKEN: _SECRETS[1]}
            ran = zygote.run(TRAINING, folder, "on", **environ)
            n_told += len(server.bodies)
            shown += (ran.out + ran.err + str(server.bodies)).encode()
            shown += b"".join(p.read_bytes() for p in Path(folder).rglob("*") if p.is_file())
    n_found = sum(shown.count(secret.encode()) for secret in _SECRETS)
    words = f"{n_told} messages; address or token occur {n_found} times in {len(shown):,} bytes"
    return Figure(f"{words} of output, logs, files and messages", not n_found and n_told >= 3)


def servers() -> Figure:
    """Row 35: servers that do not answer, fail, lead elsewhere, answer without an end."""
    took = {"off": math.inf, "on": math.inf}
    for way in 5 * tuple(took):  # in turn, and the best of each: a busy machine is not the webhook
        took[way] = min(took[way], _took_beside_a_server_that_never_answers(way))
    followed = {status: _n_posted(status) for status in (301, 302, 307, 308)}
    context = getattr(Address.of("https://h/", "", name=URL).connection(1.0), "_context", None)
    checks = (
        isinstance(context, ssl.SSLContext)
        and context.verify_mode is ssl.CERT_REQUIRED
        and context.check_hostname
    )
    refused = [_is_refused(url) for url in ("http://h/", "ftp://h/", "file:///h", "https://u:p@h/")]
    delay = took["on"] - took["off"]
    words = f"200 steps take {took['off']:.2f} s without a webhook, {took['on']:.2f} s with one "
    return together(
        Figure(f"{words}that never answers", delay < 0.2),
        Figure(f"{sum(followed.values()) - 4} redirects followed", set(followed.values()) == {1}),
        Figure(f"{_n_read():,} bytes read of an answer of 10,000", _n_read() <= 4096),
        Figure(f"certificates {'are' if checks else 'are not'} checked", checks),
        all_of(sum(refused), len(refused), "addresses that are not https refused"),
    )


def _took_beside_a_server_that_never_answers(way: str) -> float:
    with Receiver() as server, tempfile.TemporaryDirectory() as folder:
        server.release.clear()
        ran = shared().run(TRAINING, folder, way, **{URL: server.url})
    return float(ran.out.split("took ")[1])


def _n_posted(status: int) -> int:
    with Receiver(status) as server:
        _send(server.url)
    return len(server.bodies)


def _send(url: str) -> None:
    webhook = Webhook(environ={URL: url}, say=lambda line: None)
    webhook(_ALERT)
    webhook.close(30.0)


def _n_read() -> int:
    """Bytes that were taken of the body of an answer."""
    taken, own = [0], http.client.HTTPResponse.read

    def read(self: Any, amount: int | None = None) -> bytes:
        data = own(self, amount)
        taken.append(len(data))
        return data

    with mock.patch.object(http.client.HTTPResponse, "read", read), Receiver() as server:
        _send(server.url)
    return sum(taken)


def _is_refused(url: str) -> bool:
    try:
        Webhook(environ={URL: url})
    except ValueError:
        return True
    return False
