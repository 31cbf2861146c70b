import copy
import http.client
import socket
import threading
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrwatch.notify import Webhook
from lrwatch.notify import webhook as webhook_module
from lrwatch.notify.message import SERVICES, as_object, payload
from lrwatch.notify.webhook import SERVICE, TOKEN, URL
from lrwatch.records import Action, Alert
from tests.notify.receiver import Receiver

SECRET = "s3cr3t"


def alert(message: str = "loss rose") -> Alert:
    return Alert(kind="divergence", severity="critical", step=3, onset=1, message=message)


def sent(environ: Mapping[str, str]) -> list[str]:
    said: list[str] = []
    webhook = Webhook(environ=environ, say=said.append)
    webhook(alert(), "run")
    webhook.close(300)
    return said


def drip(asked: socket.socket) -> None:
    """Answer a letter at a time, without an end."""
    asked.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        asked.sendall(b"x")
        threading.Event().wait(0.01)


def test_an_alert_is_posted_as_json_with_the_token() -> None:
    with Receiver() as server:
        assert sent({URL: server.url, TOKEN: SECRET}) == []
    (body,), (headers,) = server.bodies, server.headers
    assert body["text"] == "run: CRIT divergence at step 3, opened: loss rose"
    assert (body["type"], body["kind"], body["run"]) == ("alert", "divergence", "run")
    assert headers["Authorization"] == f"Bearer {SECRET}"


def test_an_action_is_told_too() -> None:
    with Receiver() as server:
        webhook = Webhook(environ={URL: server.url})
        webhook(Action(kind="stop", step=4, reason="it is over"), "run")
        webhook.close(300)
    assert server.bodies[0]["text"] == "run: ACT stop at step 4, done: it is over"


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 403, 404])
def test_what_is_refused_or_led_elsewhere_is_not_tried_again(status: int) -> None:
    with Receiver(status) as server:
        said = sent({URL: server.url})
    assert said == [f"the webhook failed: the server answered {status}"]
    assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_or_asks_to_wait_is_tried_again(status: int) -> None:
    with Receiver(statuses=[status, status]) as server:
        assert sent({URL: server.url}) == []
    assert len(server.bodies) == 3


def test_a_webhook_that_was_closed_posts_what_comes_and_tries_again() -> None:
    with Receiver(statuses=[200, 503]) as server:
        webhook = Webhook(environ={URL: server.url})
        for message in ("first", "second"):
            webhook(alert(message))
            webhook.close(300)
    assert [body["message"] for body in server.bodies] == ["first", "second", "second"]


@pytest.mark.parametrize("asked", ["nan", "-1", "soon", "", "inf"])
def test_an_odd_time_to_wait_is_none_or_bounded(asked: str) -> None:
    assert webhook_module._seconds(asked) == (300.0 if asked == "inf" else 0.0)


def test_after_the_last_try_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "_N_TRIES", 1)
    monkeypatch.setattr(webhook_module, "_seconds", lambda asked: 1e4)
    with Receiver(503) as server:
        assert sent({URL: server.url}) == ["the webhook failed: the server answered 503"]


def test_a_script_that_debugs_its_connections_prints_no_secret(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with Receiver() as server:
        assert sent({URL: server.url, TOKEN: SECRET}) == []
    assert len(server.bodies) == 1
    assert SECRET not in "".join(capfd.readouterr())


def test_many_alerts_are_five_messages_and_a_count() -> None:
    with Receiver() as server:
        webhook = Webhook(environ={URL: server.url})
        for _ in range(40):
            webhook(alert())
        webhook._credit_at -= 61.0  # a minute later
        webhook(alert())
        webhook.close(300)
    assert [body["n_left_out"] for body in server.bodies] == [0, 0, 0, 0, 0, 35]
    assert server.bodies[-1]["text"].endswith("(and 35 before it)")


def test_a_server_that_does_not_answer_delays_nobody() -> None:
    with Receiver() as server:
        server.release.clear()
        webhook = Webhook(environ={URL: server.url})
        for _ in range(100):
            webhook(alert())
        while not server.bodies:
            threading.Event().wait(0.01)
        assert len(server.bodies) == 1
        webhook.close(0.01)


def test_a_server_that_answers_a_letter_at_a_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "_LIMIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        webhook = Webhook(environ={URL: f"http://127.0.0.1:{server.getsockname()[1]}/"})
        webhook(alert())
        asked, _ = server.accept()
        with asked, pytest.raises(OSError, match=r"pipe|reset"):
            drip(asked)
        webhook.close(0.01)


def test_no_failure_repeats_where_it_leads(capfd: pytest.CaptureFixture[str]) -> None:
    environ = {URL: f"http://127.0.0.1:9/services/{SECRET}", TOKEN: SECRET}
    said: list[str] = []
    webhook = Webhook(environ=environ, say=said.append)
    webhook(alert())
    webhook(alert())
    webhook.close(300)
    assert said[0] == "the webhook failed: it could not be reached"
    shown = [*said, repr(webhook), str(vars(webhook)), repr(webhook._address), *capfd.readouterr()]
    assert SECRET not in "".join(shown)


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"http://example.com/{SECRET}",
        f"ftp://example.com/{SECRET}",
        f"file:///etc/{SECRET}",
        f"https:///{SECRET}",
        f"https://user:{SECRET}@example.com/",
        f"https://example.com/{SECRET}\r\nX: y",
        f"https://[::{SECRET}/",
        f"https://example.com:99999999/{SECRET}",
        f"https://example.com/{SECRET} x",
    ],
)
def test_an_address_that_is_no_https_one_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=URL) as caught:
        Webhook(environ={URL: url})
    assert SECRET not in str(caught.value)


def test_the_service_is_told_by_the_host_or_by_the_user() -> None:
    def service(url: str, asked: str = "") -> str:
        return Webhook(environ={URL: url, SERVICE: asked})._service

    assert service("https://hooks.slack.com/services/x") == "slack"
    assert service("https://discord.com/api/webhooks/x") == "discord"
    assert service("https://example.com/x") == "json"
    assert service("https://example.com/x", "slack") == "slack"
    with pytest.raises(ValueError, match="must be one of json, slack, discord, got 'teams'"):
        service("https://example.com/x", "teams")


def test_a_copy_is_refused_rather_than_made() -> None:
    with pytest.raises(TypeError):
        copy.deepcopy(Webhook(environ={URL: "https://example.com/x"}))


def test_nobody_is_called_in_slack_or_discord() -> None:
    message = as_object(alert("<!channel> @everyone <http://evil|click> & co"), "<@U1>")
    text = payload(message, "slack")["text"]
    assert "<" not in text
    assert "&lt;!channel&gt;" in text
    assert payload(message, "discord")["allowed_mentions"] == {"parse": []}


@given(st.text(), st.text(), st.sampled_from(SERVICES))
def test_no_words_of_an_alert_make_a_payload_fail(message: str, run: str, service: str) -> None:
    built = payload(as_object(alert(message), run), service, 3)  # type: ignore[arg-type]
    text = str(built.get("text", built.get("content")))
    assert text.isprintable()
    assert len(text) < 12_000
