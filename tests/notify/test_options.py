import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lrwatch.notify.webhook import URL
from lrwatch.records import Alert
from lrwatch.sinks.run_directory import RunDirectory
from tests.notify.receiver import Receiver

ROOT = Path(__file__).parents[2]
CSV = "step,loss\n" + "".join(f"{i},{2.0 if i < 90 else 'nan'}\n" for i in range(120))


def alert(step: int) -> Alert:
    return Alert(kind="stall", severity="warning", step=step, onset=0, message="m")


def run(*words: object, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lrwatch", *map(str, words)]
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=300)


def test_tail_tells_what_comes_and_not_what_was_there(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_alert(alert(1))
    out = tmp_path / "out"
    save = "import sys; print(sys.stdin.read(), end='', file=open(sys.argv[1], 'a'))"
    program = f'{sys.executable} -c "{save}" {out}'
    follower = subprocess.Popen(
        [sys.executable, "-m", "lrwatch", "tail", "-f", str(tmp_path), "--exec", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert follower.stdout is not None
    assert "step=1 " in follower.stdout.readline()
    directory.write_alert(alert(2))
    assert "step=2 " in follower.stdout.readline()
    while not out.exists() or not out.read_text().endswith("\n"):
        assert follower.poll() is None
        threading.Event().wait(0.01)
    follower.terminate()
    follower.communicate()
    directory.close()
    (line,) = out.read_text().splitlines()
    assert (json.loads(line)["step"], json.loads(line)["run"]) == (2, tmp_path.name)


def test_check_tells_a_webhook_only_of_what_fails(tmp_path: Path) -> None:
    log = tmp_path / "metrics.csv"
    log.write_text(CSV)
    with Receiver() as server:
        failed = run("check", "--webhook", log, **{URL: server.url})
        passed = run("check", "--webhook", log.with_name("none.csv"), **{URL: server.url})
    assert (failed.returncode, passed.returncode) == (20, 3)
    (body,) = server.bodies
    assert "non_finite" in body["text"]
    assert body["alerts"][0]["kind"] == "non_finite"
    assert "s3cr3t" not in failed.stdout + failed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tail", "--webhook", "."), "add -f or -F"),
        (("tail", "-f", "--webhook", "."), f"{URL} must hold the address of the webhook"),
        (("check", "--exec", "no-such-program", "."), "'no-such-program' was not found"),
    ],
)
def test_what_cannot_be_told_is_wrong_usage(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
