"""The shell completes what the page says, by the lines that the page gives."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documentation.pages import DOCS

LINES = re.findall(
    r"^    (.*_LRWATCH_COMPLETE=(\w+)_source.*)$", (DOCS / "README.md").read_text(), re.M
)
# What click's script for each shell asks with, and how the answer begins.
ASKS = {
    "bash": ({"COMP_WORDS": "lrwatch ta", "COMP_CWORD": "1"}, ["plain,tags", "plain,tail"]),
    "zsh": ({"COMP_WORDS": "lrwatch ta", "COMP_CWORD": "1"}, ["plain", "tags"]),
    "fish": ({"COMP_WORDS": "lrwatch ta", "COMP_CWORD": "ta"}, ["plain,tags"]),
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which lrwatch is this one."""
    program = tmp_path / "lrwatch"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lrwatch "$@"\n')
    program.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def said(words: list[str], path: str, **environ: str) -> str:
    done = subprocess.run(
        words,
        env={**os.environ, "PATH": path, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_page_has_a_line_for_each_shell() -> None:
    assert [shell for _, shell in LINES] == list(ASKS)


@pytest.mark.parametrize("shell", ASKS)
def test_a_shell_is_answered(shell: str, path: str) -> None:
    asked, begins = ASKS[shell]
    assert "_lrwatch_completion" in said(["lrwatch"], path, _LRWATCH_COMPLETE=f"{shell}_source")
    shown = said(["lrwatch"], path, _LRWATCH_COMPLETE=f"{shell}_complete", **asked).splitlines()
    assert [line[: len(begin)] for line, begin in zip(shown, begins, strict=False)] == begins


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_the_line_for_bash_completes_in_bash(path: str) -> None:
    script = (
        LINES[0][0]
        + """
        complete -p lrwatch >/dev/null || exit 1
        COMP_WORDS=(lrwatch check --form); COMP_CWORD=2; COMPREPLY=()
        _lrwatch_completion lrwatch
        echo "${COMPREPLY[@]}"
    """
    )
    assert said(["bash", "-c", script], path).split() == ["--format"]
