"""live on a real terminal, in a pipe, and once."""

import codecs
import fcntl
import math
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrwatch.cli import main
from lrwatch.records import Alert, Point, Step
from lrwatch.sinks.run_directory import RunDirectory

ROOT = Path(__file__).parents[2]
LIMIT_S = 300.0
ALERT = Alert(
    kind="divergence",
    severity="critical",
    step=49,
    onset=40,
    message="up",
    advice="lower it",
    verdict="too_high",
    trouble=1,
)
ESCAPE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


def table(losses: list[float], first: int = 0) -> str:
    return "".join(f"{i},{loss}\n" for i, loss in enumerate(losses, first))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.csv"
    path.write_text("step,loss\n" + table([1 / (1 + i) for i in range(100)]))
    return path


@pytest.fixture
def attached(tmp_path: Path) -> Path:
    directory = RunDirectory(tmp_path / "attached")
    for i in range(50):
        directory.write_point(Point(step=Step(step=i, loss=1.5, grad_norm=0.5, lr=0.25)))
    directory.write_alert(ALERT)
    directory.close()
    return tmp_path / "attached"


def once(*arguments: object, **environ: str) -> Result:
    words = ["live", "--once", *map(str, arguments)]
    return CliRunner(env={"COLUMNS": "80", **environ}).invoke(main, words)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *arguments: object, width: int = 80, height: int = 24, **environ: str):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        environ = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environ}
        for name in ("NO_COLOR", "COLUMNS", "LINES", "CLICOLOR_FORCE"):
            if name not in environ or name in os.environ:
                environ.pop(name, None)
        command = [sys.executable, *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environ
        )
        self.shown = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a letter may come in parts

    def until(self, seen: Callable[[str], bool]) -> str:
        """All that was written since it began, once that is as wanted."""
        while not seen(self.shown):
            assert select.select([self._ours], [], [], LIMIT_S)[0], f"nothing after {self.shown!r}"
            self.shown += self._decoder.decode(os.read(self._ours, 65536))
        return self.shown

    def left(self) -> int:
        """Its code, once it has given the terminal back; it may wait for that to be read."""
        self.until(lambda text: "\x1b[?1049l" in text)
        return self.process.wait(LIMIT_S)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self.theirs)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened = []

    def open_one(*arguments: object, **options: object) -> Terminal:
        opened.append(Terminal("-m", "lrwatch", "live", *arguments, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def test_a_log_and_a_run_are_shown_side_by_side_once(log: Path, attached: Path) -> None:
    done = once(log, attached)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["run.csv", "undecided"]
    assert lines[1].startswith("step 99  ")
    assert lines[1].endswith("  csv")
    assert lines[2].startswith("loss ")
    assert lines[2].endswith("0.01  0.01 .. 1")
    at = lines.index("attached" + " " * 59 + "rate too high")
    assert lines[at + 1].startswith("step 49  ")
    assert [line.split()[0] for line in lines[at + 2 : at + 6]] == ["loss", "norm", "rate", "CRIT"]
    assert lines[at + 5] == "CRIT divergence at step 49: up; try: lower it"
    assert done.exit_code == 0


def test_a_folder_of_runs_is_all_runs_below_it(log: Path, attached: Path) -> None:
    shown = once(log.parent).stdout
    assert "run.csv" in shown
    assert "attached" in shown


def test_what_is_not_there_once_is_code_3(tmp_path: Path, log: Path) -> None:
    done = once(log, tmp_path / "none")
    assert (done.exit_code, done.stdout) == (3, "")


def test_one_broken_run_hides_no_other(tmp_path: Path, log: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"\x1f\x8b" + bytes(100))
    os.mkfifo(tmp_path / "pipe.csv")
    done = once(tmp_path / "bad.csv", tmp_path / "pipe.csv", log)
    assert "is a gzip archive" in done.stdout
    assert "expected a regular file" in done.stdout
    assert "step 99" in done.stdout


def test_columns_are_asked_for_as_in_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "gan.csv"
    path.write_text("step,loss_G,loss_D\n" + "".join(f"{i},1,{i}\n" for i in range(20)))
    assert "2 columns may be the loss" in " ".join(once(path).stdout.split())
    assert "19  0 .. 19" in once("--loss", "loss_D", path).stdout


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (20, 5)])
def test_the_screen_is_drawn_within_the_window_and_left_with_q(
    log: Path, terminal: Callable[..., Terminal], width: int, height: int
) -> None:
    shown = terminal("--interval", 0.1, log, width=width, height=height)
    text = shown.until(lambda text: "q quits" in text)
    assert "\x1b[?1049h" in text
    first = ESCAPE.sub("", text).replace("\r", "").split("q quits")[0].splitlines()
    assert len(first) <= height
    assert max(map(len, first)) <= width
    shown.type("q")
    assert shown.left() == 0
    assert termios.tcgetattr(shown.theirs) == shown.before


def test_the_screen_follows_the_log(log: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal("--interval", 0.1, log)
    shown.until(lambda text: "step 98" in text)
    with log.open("a") as file:
        file.write(table([math.nan, 0.01, 0.01], 100))
    # A screen may arrive in parts: its last line says that it is whole.
    text = shown.until(lambda text: "q quits" in text.partition("step 101")[2])
    assert "WARN non_finite at step 100" in ESCAPE.sub("", text)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_terminal_is_given_back_when_it_is_ended(
    log: Path, terminal: Callable[..., Terminal], number: signal.Signals, code: int
) -> None:
    shown = terminal(log)
    shown.until(lambda text: "q quits" in text)
    shown.process.send_signal(number)
    assert shown.left() == code
    assert termios.tcgetattr(shown.theirs) == shown.before


@pytest.mark.parametrize(("options", "has_color"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_obeys_no_color(
    log: Path, terminal: Callable[..., Terminal], options: dict[str, str], has_color: bool
) -> None:
    text = terminal(log, **options).until(lambda text: "q quits" in text)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", text)) is has_color


@pytest.mark.parametrize(
    ("options", "environ"), [(["--ascii"], {}), ([], {"PYTHONIOENCODING": "latin-1"})]
)
def test_without_unicode_it_is_drawn_in_ascii(
    log: Path, terminal: Callable[..., Terminal], options: list[str], environ: dict[str, str]
) -> None:
    text = terminal(*options, log, **environ).until(lambda text: "q quits" in text)
    assert text.isascii()
    assert "loss @" in ESCAPE.sub("", text)


def test_a_dumb_terminal_gets_plain_lines(log: Path, terminal: Callable[..., Terminal]) -> None:
    text = terminal(log, TERM="dumb").until(lambda text: "\n" in text)
    assert "\x1b" not in text
    assert "undecided  step=98  loss=0.0101" in text


def test_without_rich_it_says_what_to_install(log: Path) -> None:
    script = (
        "import sys; sys.modules['rich'] = None\n"
        "from lrwatch.cli import main\n"
        "main(['live', sys.argv[1]])"
    )
    shown = Terminal("-c", script, log)
    text = shown.until(lambda text: "\n" in text)
    code = shown.process.wait(LIMIT_S)
    shown.close()
    words = "Error: the screen needs rich: pip install 'lrwatch[live]'; --once does without"
    assert (text, code) == (words + "\r\n", 1)


def test_in_a_pipe_it_prints_lines_as_they_come(log: Path, attached: Path) -> None:
    command = [sys.executable, "-m", "lrwatch", "live", str(log), str(attached)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        first, second, third = (process.stdout.readline() for _ in range(3))
        with log.open("a") as file:
            file.write(table([math.nan, 0.01], 100))
        # The other run may be called stale in between, on a machine that takes its time.
        fourth = next(line for line in process.stdout if line.startswith("run.csv"))
        process.send_signal(signal.SIGINT)
    assert "CRIT  divergence          step=49" in first
    assert "undecided  step=98  loss=0.0101" in second
    assert "attached: " in third
    assert "too_high  step=48  loss=1.5  grad_norm=0.5  lr=0.25" in third
    assert fourth.startswith("run.csv: 2")
    assert "WARN  non_finite" in fourth
    assert process.returncode == 130


def test_names_cannot_steer_the_terminal(tmp_path: Path, log: Path) -> None:
    evil = tmp_path / "a\x1b[2J\u202e\r.csv"
    log.rename(evil)
    assert once(evil).stdout.replace("\n", "").isprintable()
    missing = once(tmp_path / "\x1b[2Jnone")
    assert missing.stderr.replace("\n", "").isprintable()


def test_alerts_of_a_run_before_in_the_same_directory_are_not_shown(attached: Path) -> None:
    again = RunDirectory(attached)
    for i in range(50):
        again.write_point(Point(step=Step(step=i, loss=1.5, grad_norm=0.5, lr=0.25)))
    again.close()
    shown = once(attached).stdout
    assert ("1 alert" in shown, "divergence" in shown) == (False, False)


def test_alerts_before_the_step_of_a_resume_are_shown(attached: Path) -> None:
    resumed = RunDirectory(attached, start_step=50)
    resumed.write_point(Point(step=Step(step=50, loss=1.5, grad_norm=0.5, lr=0.25)))
    resumed.close()
    assert "divergence" in once(attached).stdout
