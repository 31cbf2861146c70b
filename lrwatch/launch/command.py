"""The command line that a script is run by, and the step into it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

STAYS = not hasattr(signal, "SIGPIPE")
"""Whether a process cannot become another: on Windows execve() starts one, and ends at once."""


def command_line(program: str, arguments: Sequence[str], *, is_module: bool) -> list[str]:
    """How Python itself would be called, or the program that is meant.

    A file, or a folder with a ``__main__.py``, is run by this Python; another name is a program
    (``torchrun``, ``yolo``, ``python``) if there is one on the PATH or beside this Python.
    """
    python = [sys.executable, *_own_flags()]
    if is_module:
        return [*python, "-m", program, *arguments]
    if not _is_script(program) and (found := _program(program)):
        return [found, *arguments]
    return [*python, program, *arguments]


def become(command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Replace this process: terminal, stdin, signals and exit code are then the script's own.

    On Windows wait for the script, and end with its exit code.
    """
    if STAYS:
        sys.exit(_waited_for(command, environ))
    # Python ignores SIGPIPE for itself; the program is to find it as the shell would leave it.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execve(command[0], list(command), dict(environ))


def _waited_for(command: Sequence[str], environ: Mapping[str, str]) -> int:
    process = subprocess.Popen(list(command), env=dict(environ))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal has told the script as well, whose answer it is
            continue


def _is_script(program: str) -> bool:
    return os.path.isfile(program) or os.path.isfile(os.path.join(program, "__main__.py"))


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.path.dirname(sys.executable))


def _own_flags() -> list[str]:
    """The flags of the interpreter that runs now, as in ``python -W error -m lrwatch run``."""
    given = sys.orig_argv[1:]
    for end, word in enumerate(given):
        if word == "-m" or word == sys.argv[0]:
            return given[:end]
    return []
