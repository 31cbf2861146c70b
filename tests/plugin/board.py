"""A real TensorBoard with the tab, in a process of its own."""

import re
import subprocess
import sys
import threading
from pathlib import Path

_PROGRAM = """
import sys
from tensorboard import default, program
from lrwatch.plugin.tab import LrWatchPlugin
board = program.TensorBoard(plugins=[*default.get_static_plugins(), LrWatchPlugin])
board.configure(argv=[sys.argv[0], *sys.argv[1:]])
sys.exit(board.main())
"""


class TensorBoard:
    """Runs until it is stopped.

    Args:
        logdir: The folder with the runs.
        flags: More flags of TensorBoard.
    """

    def __init__(self, logdir: Path, *flags: str) -> None:
        fixed = "--host 127.0.0.1 --port 0 --reload_interval 5 --load_fast false"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *fixed.split(), "--logdir", str(logdir), *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self._stderr = self._process.stderr
        self.url = self._address()
        self._drain = threading.Thread(target=self._stderr.read, daemon=True)
        self._drain.start()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        self._drain.join()
        self._stderr.close()

    def _address(self) -> str:
        for line in self._stderr:
            if match := re.search(r"http://\S+", line):
                return match[0].rstrip("/")
        raise AssertionError("tensorboard did not start")
