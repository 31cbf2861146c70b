"""A script that does not train cannot tell whether lrwatch runs it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lrwatch.launch.variable import VARIABLE
from tests.launch.started import ENVIRONMENT, run, watched

ABOUT_ITSELF = """
import os, sys
print(sys.argv, __name__, __file__, __spec__ and __spec__.name, sys.flags)
print(sys.path, sys.warnoptions, sys.meta_path[-1])
print([name for name in sys.modules if name in ("torch", "click", "json", "logging")])
if __name__ == "__main__":
    print(sys.stdin.read(), os.getcwd())
    print("to stderr", file=sys.stderr)
"""
SPAWNS = """
import multiprocessing, sys
def square(x):
    return x * x, __name__, len(sys.argv)
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [1, 2]))
"""
SIGNALS_ITSELF = "import os, signal, sys\nos.kill(os.getpid(), getattr(signal, sys.argv[1]))\n"
SCRIPTS = {
    "about.py": ABOUT_ITSELF,
    "spawns.py": SPAWNS,
    "signals.py": SIGNALS_ITSELF,
    "fails.py": "def f():\n    raise ValueError('bad')\nf()\n",
    "exits.py": "import sys\nsys.exit(int(sys.argv[1]))\n",
    "exits_with_text.py": "raise SystemExit('that is all')\n",
    "does_not_parse.py": "x = = 1\n",
    "package/__init__.py": "",
    "package/__main__.py": ABOUT_ITSELF,
    "package/train.py": ABOUT_ITSELF,
    "folder/__main__.py": ABOUT_ITSELF,
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    for name, text in SCRIPTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "about.py --lr 1 --help -m --run-dir x -- -q --backoff",
        "-m package.train --quiet -m",
        "-m package -- --",
        "folder -x",
        "spawns.py a b",
        "fails.py",
        "exits.py 0",
        "exits.py 77",
        "exits_with_text.py",
        "does_not_parse.py",
        "signals.py SIGINT",
        "signals.py SIGTERM",
        "signals.py SIGPIPE",
        "no_such_file.py",
        "-m no_such_module",
    ],
)
def test_output_and_exit_code_are_those_of_python(here: Path, command: str) -> None:
    words = command.split()
    assert watched(*words, cwd=here, stdin="typed") == run(*words, cwd=here, stdin="typed")


def test_the_flags_of_the_interpreter_are_kept(here: Path) -> None:
    flags = ("-X", "dev", "-W", "error::UserWarning", "-u")
    plain = run(*flags, "about.py", cwd=here)
    assert run(*flags, "-m", "lrwatch", "run", "about.py", cwd=here) == plain


def test_the_script_is_the_process_that_was_started(here: Path) -> None:
    code = "import os; print(os.getpid(), flush=True); input()"
    (here / "waits.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, "-m", "lrwatch", "run", "waits.py"],
        cwd=here,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == -signal.SIGTERM


def test_another_program_is_found_on_the_path_and_beside_python(here: Path) -> None:
    assert watched("sh", "-c", "echo $0 $1; exit 5", "x", "--y", cwd=here)[:2] == (5, "x --y\n")
    assert watched("sh", "-c", "kill -PIPE $$", cwd=here).code == -signal.SIGPIPE
    beside = watched(Path(sys.executable).name, "about.py", cwd=here, PATH=os.defpath)
    assert "'about.py'" in beside.stdout


def test_a_sitecustomize_of_the_user_still_runs(here: Path) -> None:
    (here / "own").mkdir()
    (here / "own" / "sitecustomize.py").write_text("import builtins\nbuiltins.mine = __file__\n")
    (here / "asks.py").write_text("import sitecustomize; print(mine, sitecustomize.__file__)")
    plain = run("asks.py", cwd=here, PYTHONPATH=str(here / "own"))
    assert watched("asks.py", cwd=here, PYTHONPATH=str(here / "own")) == plain
    assert "own" in plain.stdout


def test_when_disabled_the_environment_is_untouched(here: Path) -> None:
    (here / "environment.py").write_text("import os; print(sorted(os.environ.items()))")
    plain = run("environment.py", cwd=here, LRWATCH_DISABLED="1")
    assert watched("environment.py", cwd=here, LRWATCH_DISABLED="1") == plain
    assert VARIABLE in watched("environment.py", cwd=here).stdout


@pytest.mark.parametrize("flag", ["-E", "-I", "-S"])
def test_a_python_that_cannot_be_reached_is_refused(here: Path, flag: str) -> None:
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path[:0] = {[root, *sys.path]!r}; from lrwatch.cli import main; main()"
    ended = run(flag, "-c", code, "run", "about.py", cwd=here)
    assert ended.code == 2
    assert "must not be started with -E, -I or -S" in ended.stderr


def test_an_option_before_the_script_must_be_known(here: Path) -> None:
    ended = watched("--bakoff", "about.py", cwd=here)
    assert (ended.code, ended.stdout) == (2, "")
    assert "--backoff" in ended.stderr


def test_a_script_that_does_not_train_leaves_nothing(here: Path) -> None:
    before = sorted(here.rglob("*"))
    watched("about.py", cwd=here)
    assert sorted(here.rglob("*")) == before
