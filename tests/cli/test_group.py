import errno
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lrwatch.cli import main
from lrwatch.cli._group import Commands
from lrwatch.errors import LrwatchError

ROOT = Path(__file__).parents[2]


def lrwatch(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lrwatch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


def failing(error: BaseException) -> click.Group:
    """The program, with a command that fails."""

    @click.command()
    def fail() -> None:
        raise error

    class Failing(Commands):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return fail

    return Failing(name="lrwatch", help="h", package="lrwatch.cli")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LrwatchError("no such thing"), 1),
        (ValueError("must be >= 1, got 0"), 1),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (FileNotFoundError("no alerts at x"), 3),
        (PermissionError("not yours"), 3),
        (click.UsageError("no such option"), 2),
        (click.ClickException("it failed"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
def test_failures_are_a_line_and_a_code_and_never_a_traceback(
    error: BaseException, code: int
) -> None:
    result = CliRunner().invoke(failing(error), ["fail"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert "Traceback" not in result.stderr
    assert code == 130 or f"Error: {error.args[-1]}" in result.stderr.replace("[Errno 28] ", "")


def test_a_file_that_fails_is_named_without_a_number() -> None:
    error = FileExistsError(errno.EEXIST, "File exists", "runs/a")
    assert CliRunner().invoke(failing(error), ["fail"]).stderr == "Error: runs/a: File exists\n"


def test_a_bug_keeps_its_traceback() -> None:
    assert isinstance(CliRunner().invoke(failing(KeyError("x")), ["fail"]).exception, KeyError)


def test_escapes_in_an_error_do_not_reach_the_terminal() -> None:
    for error in (ValueError("\x1b[2J\x9b\u202e"), click.UsageError("\x1b]0;x\x07")):
        result = CliRunner().invoke(failing(error), ["fail"])
        assert result.stderr.replace("\n", "").isprintable()


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_commands_with_their_first_line(flag: str) -> None:
    result = CliRunner().invoke(main, [flag])
    assert result.exit_code == 0
    assert "tail" in result.stdout
    assert "Show the alerts and actions of RUN" in result.stdout
    assert "Exit codes" in result.stdout
    assert not any(line.endswith("...") for line in result.stdout.splitlines()[1:])


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["tial"])
    assert result.exit_code == 2
    assert "No such command 'tial'" in result.stderr


def test_a_file_of_the_package_is_a_command() -> None:
    context = click.Context(main)
    files = (ROOT / "lrwatch" / "cli").glob("[!_]*.py")
    names = sorted(path.stem.replace("_", "-") for path in files)
    assert main.list_commands(context) == names
    assert all(main.get_command(context, name) for name in names)


def test_module_and_program_are_the_same() -> None:
    ran = lrwatch("--version")
    assert (ran.returncode, ran.stdout.split()[0]) == (0, "lrwatch")


def test_without_a_command_it_shows_the_help() -> None:
    ran = lrwatch()
    assert ran.returncode == 2
    assert "Usage: lrwatch" in ran.stderr


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from lrwatch.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'tensorboard', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["scan"], 0),
        (["check"], 20),
        (["check", "--format", "json"], 20),
        (["tail", "--exit-code"], 20),
        (["live", "--once"], 0),
        (["--version"], 0),
    ],
)
def test_a_closed_stdout_changes_no_exit_code(
    tmp_path: Path, command: list[str], code: int
) -> None:
    log = tmp_path / "log.csv"
    losses = [*range(100, 200), *["nan"] * 50]
    log.write_text("step,loss\n" + "".join(f"{i},{loss}\n" for i, loss in enumerate(losses)))
    words = [sys.executable, "-m", "lrwatch", *command, *[str(log)] * ("--version" not in command)]
    script = ["sh", "-c", 'exec "$@" >&-', "sh", *words]
    done = subprocess.run(script, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=300)
    assert (done.returncode, done.stderr.count("Traceback")) == (code, 0), done.stderr


def test_the_shell_completes_the_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_LRWATCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "lrwatch tail --level w")
    monkeypatch.setenv("COMP_CWORD", "3")
    done = CliRunner().invoke(main, prog_name="lrwatch")
    assert done.output.split() == ["plain,warning"]
