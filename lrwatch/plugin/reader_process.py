"""The process that reads logs for the tab: asked a line at a time, it answers in frames."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from lrwatch.errors import LrwatchError
from lrwatch.plugin.frames import Arrays, write_frame
from lrwatch.plugin.study import study, summary_of
from lrwatch.sinks.printable import printable

_NICE = 10


def main() -> None:
    """Answer until nobody asks any more; Ctrl-C in the terminal is for TensorBoard alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # TensorBoard may be gone by the time of the answer.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin.buffer, replies)


def serve(questions: BinaryIO, replies: BinaryIO) -> None:
    """Answer each question; the last frame of an answer says so."""
    for line in questions:
        question = json.loads(line)
        for header, arrays in _answers(question["task"], question["run"]):
            write_frame(replies, {**header, "last": False}, arrays)
        write_frame(replies, {"last": True}, {})


def _answers(task: str, run: str) -> Iterator[tuple[dict[str, Any], Arrays]]:
    if task == "summary":
        yield {"summary": summary_of(run)}, {}
        return
    try:
        yield from study(run)
    except (LrwatchError, OSError) as error:
        yield {"error": printable(str(error).removeprefix(f"{run}: "))}, {}
    except Exception as error:  # a defect of ours in one file must not hide the other runs
        yield {"error": printable(f"{type(error).__name__}: {error}")}, {}


if __name__ == "__main__":
    main()
