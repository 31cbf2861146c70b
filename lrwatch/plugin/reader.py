"""Readers: logs are read in other processes, so that none of them slows or ends TensorBoard."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrwatch.plugin.frames import read_frame

Task = Literal["summary", "study"]
Answer = tuple[dict[str, Any], dict[str, NDArray[np.generic]]]
_GONE = "the process that read it ended early (out of memory?)"


class Reader:
    """One process, started when it is first asked, and again if it was killed.

    Questions are answered one after the other. Nothing is read by TensorBoard's own process:
    a log that takes all memory costs a reader, and is told as an error.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False

    def ask(self, task: Task, run: str) -> Iterator[Answer]:
        """The parts of the answer; one with ``error`` if there is none.

        Take all of them: an answer that is left halfway costs the process.
        """
        with self._lock:
            try:
                yield from self._twice(task, run)
            except (OSError, EOFError, ValueError) as error:
                self._drop()
                is_gone = isinstance(error, (EOFError, BrokenPipeError))
                yield {"error": _GONE if is_gone else str(error)}, {}
            except GeneratorExit:
                self._drop()
                raise

    def start(self) -> None:
        """Start the process, if that can be done and was not yet."""
        with self._lock, contextlib.suppress(OSError):
            self._started()

    def close(self) -> None:
        """End the process, whatever it is at; none is started again."""
        self._is_closed = True
        self._drop()

    def _twice(self, task: Task, run: str) -> Iterator[Answer]:
        """A process that ended before it said anything may not have ended by this run."""
        said = False
        try:
            for part in self._asked(task, run):
                said = True
                yield part
            return
        except (EOFError, BrokenPipeError):
            if said:
                raise
        self._drop()
        yield from self._asked(task, run)

    def _asked(self, task: Task, run: str) -> Iterator[Answer]:
        process = self._started()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        question = json.dumps({"task": task, "run": run})
        process.stdin.write(question.encode("ascii") + b"\n")
        process.stdin.flush()
        while True:
            header, arrays = read_frame(process.stdout)
            if header.pop("last"):
                return
            yield header, arrays

    def _started(self) -> subprocess.Popen[bytes]:
        if not self._is_closed and (self._process is None or self._process.poll() is not None):
            self._drop()
            # -P: no module of the folder that TensorBoard was started in takes the place of ours.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "lrwatch.plugin.reader_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        process = self._process
        if self._is_closed or process is None:
            self._drop()
            raise OSError("TensorBoard is ending")
        return process

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
