"""``lrwatch find``: the script in a process of its own, until it has told a rate."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.launch.command import command_line
from lrwatch.launch.plan import Plan
from lrwatch.range_test.finding import LrFinding
from lrwatch.range_test.settings import Settings
from lrwatch.switches import disabled


def on_script(
    script: str,
    arguments: Sequence[str],
    settings: Settings,
    *,
    is_module: bool,
    quiet: bool,
) -> LrFinding:
    """Run a script until the search in it has an answer; its standard output goes to stderr.

    Raises:
        LrwatchError: If it ended without an answer, or lrwatch is switched off.
        KeyboardInterrupt: If it was interrupted.
    """
    if disabled():
        raise LrwatchError("LRWATCH_DISABLED=1 switches lrwatch off: no rate can be looked for")
    words = command_line(script, arguments, is_module=is_module)
    with tempfile.TemporaryDirectory(prefix="lrwatch-find-") as folder:
        answer = Path(folder) / "answer.json"
        asked = {"settings": asdict(settings), "answer": str(answer), "quiet": quiet}
        plan = Plan(run_dir=folder, pid=os.getpid(), quiet=quiet, find=asked)
        code = _run(words, plan.environment(os.environ))
        if not answer.exists():
            raise LrwatchError(_why_silent(script, code))
        return LrFinding.from_dict(json.loads(answer.read_text(encoding="utf-8")))


def _run(words: Sequence[str], environ: dict[str, str]) -> int:
    sys.stderr.flush()
    try:
        process = subprocess.Popen(words, env=environ, stdout=2)
    except OSError as error:
        raise LrwatchError(f"{words[0]} cannot be started: {error.strerror}") from error
    with _handed_on(process):
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal has interrupted the script as well
            process.wait()
            raise


@contextmanager
def _handed_on(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """A request to end goes to the script, whose end is then ours."""
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _why_silent(script: str, code: int) -> str:
    how = f"exit code {code}" if code >= 0 else f"signal {-code}"
    if code == 0:
        return f"{script} ended, and no optimizer stepped: there is no rate to look for"
    return f"{script} ended with {how} before the search was done"
