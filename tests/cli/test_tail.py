import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrwatch.cli import main
from lrwatch.records import Action, Alert
from lrwatch.sinks.ledger import Ledger
from lrwatch.sinks.ledger_line import encode
from tests.cli.followed import following, line_of, until

ROOT = Path(__file__).parents[2]


def alert(step: int, severity: str = "warning", **changes: object) -> Alert:
    fields = {"kind": "stall", "severity": severity, "step": step, "onset": 0, "message": "flat"}
    return Alert(**{**fields, **changes})  # type: ignore[arg-type]


def path_of(run: Path) -> Path:
    return run / "lrwatch" / "alerts.jsonl"


def tail(*arguments: object, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(main, ["tail", *map(str, arguments)])


def steps(shown: str) -> list[int]:
    return [int(line.split("step=")[1].split()[0]) for line in shown.splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with thirteen alerts, of which the last is critical, and an action."""
    ledger = Ledger(path_of(tmp_path / "run"))
    for step in range(12):
        ledger.write(alert(step, "info"))
    ledger.write(alert(12, "critical"))
    ledger.write(Action(kind="backoff", step=12, reason="flat", lr_before=0.2, lr_after=0.1))
    return tmp_path / "run"


def test_the_last_ten_lines_are_shown(run: Path) -> None:
    result = tail(run)
    assert (result.exit_code, result.stderr) == (0, "")
    assert steps(result.stdout) == [*range(4, 13), 12]
    assert result.stdout.splitlines()[-1].endswith("lr 0.2->0.1")


@pytest.mark.parametrize(("n", "count"), [(0, 0), (1, 1), (3, 3), (99, 14)])
def test_n_is_how_many(run: Path, n: int, count: int) -> None:
    assert len(tail("-n", n, run).stdout.splitlines()) == count


@pytest.mark.parametrize(
    ("level", "count"), [("info", 14), ("warning", 2), ("warn", 2), ("CRITICAL", 1), ("crit", 1)]
)
def test_level_is_the_least_that_is_shown(run: Path, level: str, count: int) -> None:
    assert len(tail("-n", 99, "--level", level, run).stdout.splitlines()) == count


def test_since_is_a_duration_or_a_time(run: Path) -> None:
    old = encode(alert(99), time_s=time.time() - 7200, run="r")
    path_of(run).write_bytes(old + path_of(run).read_bytes())
    assert len(tail("-n", 99, "--since", "1h", run).stdout.splitlines()) == 14
    assert len(tail("-n", 99, "--since", "3h", run).stdout.splitlines()) == 15
    assert len(tail("-n", 99, "--since", "2000-01-01", run).stdout.splitlines()) == 15
    assert tail("--since", "2999-01-01T00:00:00Z", run).stdout == ""


@pytest.mark.parametrize(
    "options", [["--since", "soon"], ["--level", "loud"], ["-n", "-1"], ["--color", "red"], ["-x"]]
)
def test_a_wrong_value_is_wrong_usage(run: Path, options: list[str]) -> None:
    result = tail(*options, run)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error" in result.stderr


def test_json_is_one_strict_object_a_line(run: Path) -> None:
    Ledger(path_of(run)).write(alert(20, value=float("nan")))
    found = [json.loads(line) for line in tail("--json", "-n", 2, run).stdout.splitlines()]
    assert [record["type"] for record in found] == ["action", "alert"]
    assert found[1]["value"] == "NaN"


def test_a_run_may_be_named_in_three_ways(run: Path) -> None:
    shown = {tail(name).stdout for name in (run, run / "lrwatch", path_of(run))}
    assert len(shown) == 1


def test_several_runs_are_merged_in_time_and_named(run: Path, tmp_path: Path) -> None:
    Ledger(path_of(tmp_path / "other")).write(alert(50))
    shown = tail("-n", 3, run, tmp_path / "other").stdout.splitlines()
    assert [line.split(": ")[0] for line in shown] == ["run", "run", "other"]


@pytest.mark.parametrize("options", [[], ["-f"]])
def test_a_run_that_is_not_there_is_code_3(tmp_path: Path, options: list[str]) -> None:
    result = tail(*options, tmp_path / "none")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Error: no run at ")


def test_a_folder_without_alerts_hints_at_waiting(tmp_path: Path) -> None:
    assert "holds no log of a run yet; -F waits for one" in tail(tmp_path).stderr
    (tmp_path / "lrwatch").mkdir()
    assert "-F waits for it" in tail(tmp_path).stderr


def test_a_folder_of_runs_names_them(run: Path) -> None:
    shown = tail(run.parent)
    assert (shown.exit_code, shown.stdout) == (3, "")
    assert f"there are runs below it: {run}" in shown.stderr


def test_a_pipe_is_no_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jsonl")
    assert tail("-F", tmp_path / "x.jsonl").exit_code == 3
    assert tail("-f", tmp_path / "x.jsonl").exit_code == 3


@pytest.mark.parametrize(("level", "code"), [("info", 20), ("critical", 20)])
def test_exit_code_tells_the_worst_that_was_shown(run: Path, level: str, code: int) -> None:
    assert tail("--exit-code", "--level", level, run).exit_code == code
    assert tail("--exit-code", "-n", 1, run).exit_code == 10
    assert tail("--exit-code", "-n", 0, run).exit_code == 0


def test_exit_code_leaves_out_what_a_restart_undid(run: Path) -> None:
    Ledger(path_of(run), start_step=12).open_segment()
    assert tail("--exit-code", run).exit_code == 0
    Ledger(path_of(run)).write(alert(3))
    shown = tail("--exit-code", run)
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (10, 10)


def test_exit_code_keeps_what_was_told_before_the_step_of_a_restart(run: Path) -> None:
    Ledger(path_of(run), start_step=13).open_segment()
    assert tail("--exit-code", run).exit_code == 20


def test_broken_lines_are_counted_and_skipped(run: Path) -> None:
    with path_of(run).open("ab") as file:
        file.write(b"{junk}\nmore\n" + encode(alert(77), time_s=0, run="r") + b'{"v":1,"ty')
    result = tail("-n", 1, run)
    assert steps(result.stdout) == [77]
    assert result.stderr.endswith(": 2 broken lines skipped\n")
    assert result.exit_code == 0


def test_nothing_in_a_record_reaches_the_terminal_raw(run: Path) -> None:
    evil = "\x1b]52;c;x\x07\x9b2J\u202e\r\n::error::"
    Ledger(path_of(run)).write(alert(1, message=evil, advice=evil, kind=evil, state=evil))
    for options in ([], ["--json"]):
        shown = tail("-n", 1, *options, run).stdout
        assert shown.endswith("\n")
        assert shown[:-1].isprintable()


def test_a_hostile_name_of_a_run_does_not_reach_the_terminal(run: Path, tmp_path: Path) -> None:
    evil = tmp_path / "\x1b[2J\u202eevil"
    Ledger(path_of(evil)).write(alert(1))
    path_of(evil).write_bytes(path_of(evil).read_bytes() + b"junk\n")
    result = tail(run, evil)
    missing = tail(tmp_path / "\x1b[2Jnone")
    shown = result.stdout + result.stderr + missing.stderr
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("options", "environ", "is_colored"),
    [
        ([], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"CLICOLOR_FORCE": "1"}, False),
        ([], {"CLICOLOR_FORCE": "1"}, True),
        ([], {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_unless_told(
    run: Path, options: list[str], environ: dict[str, str], is_colored: bool
) -> None:
    assert ("\x1b[" in tail(*options, run, **environ).stdout) is is_colored


@pytest.mark.parametrize(("no_color", "is_colored"), [("", True), ("1", False)])
def test_a_terminal_gets_colour(run: Path, no_color: str, is_colored: bool) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "NO_COLOR": no_color}
    command = [sys.executable, "-m", "lrwatch", "tail", str(run)]
    with subprocess.Popen(command, stdout=theirs, cwd=ROOT, env=environ) as process:
        os.close(theirs)
        shown = read_terminal(ours)
    assert (b"\x1b[1;31mCRIT\x1b[0m" in shown) is is_colored
    assert process.returncode == 0


def read_terminal(fd: int) -> bytes:
    """All that is written to a terminal; its other end closing is an error there."""
    shown = b""
    with io.FileIO(fd) as file:
        while True:
            try:
                data = file.read(4096)
            except OSError:
                return shown
            shown += data or b""


def test_follow_shows_what_is_there_and_what_comes(run: Path) -> None:
    with following("-f", "-n", 1, run) as process:
        assert "backoff" in line_of(process.stdout)
        Ledger(path_of(run)).write(alert(55))
        assert steps(line_of(process.stdout)) == [55]
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 130


def test_follow_by_name_waits_and_outlives_a_rotation(tmp_path: Path) -> None:
    path = path_of(tmp_path / "run")
    with following("-F", tmp_path / "run") as process:
        Ledger(path).write(alert(1))
        assert steps(line_of(process.stdout)) == [1]
        path.rename(path.with_suffix(".1"))
        Ledger(path).write(alert(2))
        assert steps(line_of(process.stdout)) == [2]
        until(process.stderr, "replaced")
        path.write_bytes(b"")
        until(process.stderr, "cut short")
        Ledger(path).write(alert(3))
        assert steps(line_of(process.stdout)) == [3]


def test_a_backlog_of_any_length_takes_no_memory(run: Path) -> None:
    with following("-f", "-n", 1, run) as process:
        line_of(process.stdout)
        before = peak_kib(process.pid)
        with path_of(run).open("ab") as file:
            file.write(20_000 * encode(alert(55), time_s=1e9, run="r"))
        assert {steps(line_of(process.stdout))[0] for _ in range(20_000)} == {55}
        assert peak_kib(process.pid) - before < 8 * 1024


def peak_kib(pid: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def test_a_closed_pipe_ends_it_quietly(run: Path) -> None:
    with following("-f", "-n", 1, run) as process:
        line_of(process.stdout)
        assert process.stdout is not None
        process.stdout.close()
        Ledger(path_of(run)).write(alert(55))
        assert process.wait(300) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.stdout = None


def test_it_imports_nothing_heavy(run: Path) -> None:
    script = (
        "import sys; from lrwatch.cli import main\n"
        "try: main(['tail', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'tensorboard', 'rich', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(run)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_letters_that_the_terminal_lacks_are_no_failure(run: Path) -> None:
    Ledger(path_of(run)).write(alert(1, message="größer"))
    command = [sys.executable, "-m", "lrwatch", "tail", str(run)]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environ)
    assert ran.returncode == 0
    assert r"gr\xf6\xdfer" in ran.stdout
