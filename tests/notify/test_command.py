import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from lrwatch import attach
from lrwatch.notify import Command
from lrwatch.notify.calling import CallingSink
from lrwatch.notify.errand import Errand
from lrwatch.notify.webhook import TOKEN, URL
from lrwatch.records import Action, Alert
from tests.loop.training import small_model

SAVE = "import os, sys; open(sys.argv[1], 'a').write(sys.stdin.read() + str(dict(os.environ)))"


def alert(message: str = "loss rose") -> Alert:
    return Alert(kind="divergence", severity="critical", step=3, onset=1, message=message)


def saving(path: Path) -> str:
    return f'{sys.executable} -c "{SAVE}" {path}'


def test_a_command_reads_one_json_object_and_knows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, "https://example.com/s3cr3t")
    monkeypatch.setenv(TOKEN, "s3cr3t")
    command = Command(saving(tmp_path / "out"))
    command(alert("; touch hacked $(touch hacked) `touch hacked`"), "run")
    command.close(300)
    line, environ = (tmp_path / "out").read_text().split("\n")
    assert json.loads(line)["message"] == "; touch hacked $(touch hacked) `touch hacked`"
    assert json.loads(line)["run"] == "run"
    assert "s3cr3t" not in environ
    assert not Path("hacked").exists()


def test_where_no_thread_can_be_started_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    said: list[str] = []
    command = Command(sys.executable, say=said.append)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    command(alert())
    command.close(300)
    assert said == [f"the command {sys.executable} failed: no thread can be started"]


def test_a_command_line_is_words_and_no_shell(tmp_path: Path) -> None:
    command = Command(f"{saving(tmp_path / 'out')} ; touch {tmp_path / 'hacked'}")
    command(alert())
    command.close(300)
    assert not (tmp_path / "hacked").exists()


def test_a_command_that_fails_is_said_once_and_then_counted() -> None:
    said: list[str] = []
    command = Command(f'{sys.executable} -c "raise SystemExit(3)"', say=said.append)
    for _ in range(3):
        command(alert())
    command.close(300)
    name = f"the command {sys.executable}"
    assert said == [f"{name} failed: it ended with code 3", f"{name}: 3 notifications failed"]


def test_a_command_in_words_is_refused_with_what_makes_one_line_of_it() -> None:
    words: Any = ["echo", "x"]
    with pytest.raises(TypeError, match=r"one string, got list; shlex\.join\(\) makes one"):
        Command(words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "must name a program, got an empty one"),
        ("'", "must be a command line"),
        ("no-such-program-here x", "'no-such-program-here' was not found"),
    ],
)
def test_a_command_that_cannot_be_is_refused_at_once(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Command(line)


def eventually(found: Sequence[object]) -> None:
    """Wait until there is something: a training ends two seconds after its last alert at most."""
    while not found:
        threading.Event().wait(0.01)


def trained(on_alert: object, *, bad: int = 5) -> torch.Tensor:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, on_alert=on_alert) as watch:  # type: ignore[arg-type]
        for i in range(20):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).square().mean().backward()
            if i == bad:
                watch.observe(float("nan"))
            optimizer.step()
    return next(model.parameters()).detach().clone()


def test_a_command_serves_watch_after_watch(tmp_path: Path) -> None:
    command = Command(saving(tmp_path / "out"))
    for _ in range(2):
        trained(command)
        command.close(300)
    assert (tmp_path / "out").read_text().count('"kind": "non_finite"') == 2


def test_a_watch_that_is_closed_leaves_the_command_to_another_one(tmp_path: Path) -> None:
    command = Command(saving(tmp_path / "out"))
    first, second = CallingSink(command, "first"), CallingSink(command, "second")
    first.write_alert(alert())
    first.close()
    second.write_alert(alert())
    command.close(300)
    told = (tmp_path / "out").read_text()
    assert [told.count(f'"run": "{run}"') for run in ("first", "second")] == [1, 1]


def test_a_command_hears_of_actions_and_a_function_does_not(tmp_path: Path) -> None:
    command, heard = Command(saving(tmp_path / "out")), list[Alert]()
    action = Action(kind="skip", step=7, reason="loss is not finite")
    for call in (command, heard.append):
        sink = CallingSink(call, "run")
        sink.write_action(action)
        sink.close()
    command.close(300)
    assert json.loads((tmp_path / "out").read_text().split("\n")[0])["kind"] == "skip"
    assert heard == []


def test_of_more_than_a_hundred_that_wait_the_oldest_are_left_out_and_counted() -> None:
    begun, go_on = threading.Event(), threading.Event()
    told: list[tuple[int, int]] = []

    def deliver(item: int, n_left_out: int) -> str:
        begun.set()
        go_on.wait(300)
        told.append((item, n_left_out))
        return ""

    errand = Errand("a slow one", deliver)
    errand.send(0)
    begun.wait(300)
    for item in range(1, 151):
        errand.send(item)
    go_on.set()
    errand.close(300)
    assert told == [(0, 0), (51, 50), *((item, 0) for item in range(52, 151))]


def test_failures_are_counted_anew_for_the_next_watch() -> None:
    said: list[str] = []
    command = Command(f'{sys.executable} -c "raise SystemExit(3)"', say=said.append)
    for _ in range(2):
        command(alert())
        command.close(300)
    assert said == [f"the command {sys.executable} failed: it ended with code 3"] * 2


def test_a_command_that_was_closed_has_no_thread(tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    command = Command(saving(tmp_path / "out"))
    for _ in range(3):
        command(alert())
        command.close(300)
    for thread in set(threading.enumerate()) - threads:
        thread.join(300)
        assert not thread.is_alive()


def test_a_function_is_called_with_each_alert_in_another_thread() -> None:
    heard: list[tuple[str, int, bool]] = []
    own = threading.get_ident()
    trained(lambda a: heard.append((a.kind, a.step, threading.get_ident() == own)))
    eventually(heard)
    assert heard == [("non_finite", 5, False)]


def test_a_function_that_raises_or_hangs_changes_no_training(
    caplog: pytest.LogCaptureFixture,
) -> None:
    never = threading.Event()

    def fails(alert: Alert) -> None:
        raise RuntimeError("of the user")

    reference = trained(None)
    assert torch.equal(trained(fails), reference)
    eventually(caplog.records)
    assert [r.getMessage() for r in caplog.records] == ["on_alert failed: RuntimeError"]
    assert torch.equal(trained(lambda alert: never.wait()), reference)
    never.set()


def test_what_cannot_be_called_is_named() -> None:
    with pytest.raises(TypeError, match="on_alert must be callable, got int"):
        trained(3)


def test_other_ranks_call_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    heard: list[Alert | Action] = []
    trained(heard.append)
    assert heard == []
