"""A command that is run for every alert: one JSON object on its stdin, and no shell between."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from lrwatch.notify.errand import Errand
from lrwatch.notify.message import as_object
from lrwatch.notify.webhook import SECRETS
from lrwatch.records import Action, Alert

_TIMEOUT_S = 60.0


class Command:
    """Run a command for each alert, one at a time, in a thread.

    The command is split into words as a shell would split it, and started without one: nothing in
    an alert can become an argument, let alone a command. Its output goes to stderr; the variables
    that hold the secrets of the webhook are not handed on; after a minute it is killed.

    Args:
        command: The command and its arguments.
        say: Tells the user a line; None for the logger ``lrwatch``.

    Raises:
        TypeError: If the command is no string.
        ValueError: If the command is empty, badly quoted, or no program of that name is found.
    """

    def __init__(self, command: str, *, say: Callable[[str], None] | None = None) -> None:
        if not isinstance(command, str):
            kind = type(command).__name__
            raise TypeError(f"command must be one string, got {kind}; shlex.join() makes one")
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"command must be a command line, got {command!r}: {error}") from None
        if not self._words:
            raise ValueError("command must name a program, got an empty one")
        if shutil.which(self._words[0]) is None:
            raise ValueError(f"command must name a program, but {self._words[0]!r} was not found")
        self._errand = Errand(f"the command {self._words[0]}", self._deliver, say)

    def __call__(self, record: Alert | Action, run: str = "") -> None:
        """Have the command run for a record; returns at once."""
        self.send(as_object(record, run))

    def send(self, message: Mapping[str, Any]) -> None:
        """Have the command run with this object; returns at once."""
        self._errand.send(message)

    def close(self, timeout_s: float = 5.0) -> None:
        """Let it run for what waits, as far as the time allows."""
        self._errand.close(timeout_s)

    def _deliver(self, message: Mapping[str, Any], n_left_out: int) -> str:
        line = json.dumps({**message, "n_left_out": n_left_out}) + "\n"
        environ = {name: value for name, value in os.environ.items() if name not in SECRETS}
        try:
            done = subprocess.run(
                self._words,
                input=line.encode("ascii"),
                stdout=2,
                timeout=_TIMEOUT_S,
                env=environ,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it ran for more than {_TIMEOUT_S:.0f} s and was killed"
        return f"it ended with code {done.returncode}" if done.returncode else ""
