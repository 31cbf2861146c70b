"""A Python that has torch loaded and forks off one script after another: each is up at once.

A script runs to the very end of its interpreter, as if it had been started alone.
"""

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

_SERVER = """
import json, os, sys
import torch, lrwatch, lrwatch.loop.attach, lrwatch.sinks.run_directory
torch.set_num_threads(1)
torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
print("ready", flush=True)
code = None
for line in sys.stdin:
    asked = json.loads(line)
    if "wait" in asked:
        print(os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1]), flush=True)
        continue
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for fd, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND), fd)
    os.environ.update(asked["env"])
    sys.argv = ["script.py", *asked["args"]]
    code = compile(asked["code"], "script.py", "exec")
    break
if code is not None:
    del asked, line, pid, fd, name
    exec(code)
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that was started."""

    zygote: "Zygote"
    pid: int
    out: Path
    err: Path

    def wait(self) -> "Ran":
        """How it ended."""
        start_s = time.monotonic()
        code = int(self.zygote.ask({"wait": self.pid}))
        took_s = time.monotonic() - start_s
        return Ran(code, self.out.read_text(), self.err.read_text(errors="replace"), took_s)

    def kill(self, number: int = signal.SIGKILL) -> "Ran":
        """Send it a signal, and wait."""
        os.kill(self.pid, number)
        return self.wait()

    def printed(self, words: str, timeout_s: float = 60.0) -> bool:
        """Wait until it has printed something on stdout."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            if self.out.exists() and words in self.out.read_text():
                return True
            time.sleep(0.005)
        return False


@dataclass(frozen=True, slots=True)
class Ran:
    """Exit code (negative: the signal), what was printed, and the time from the wait on."""

    code: int
    out: str
    err: str
    took_s: float


class Zygote:
    """Starts scripts; warnings are errors in them."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lrwatch-zygote-")
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )
        self._n = 0
        self._read()

    def start(self, code: str, *args: object, **env: str) -> Script:
        """Start a script with these arguments and environment."""
        self._n += 1
        out, err = (Path(self._folder.name) / f"{self._n}.{name}" for name in ("out", "err"))
        words = [str(arg) for arg in args]
        asked = {"code": code, "args": words, "env": env, "out": str(out), "err": str(err)}
        return Script(self, int(self.ask(asked)), out, err)

    def run(self, code: str, *args: object, **env: str) -> Ran:
        """Run a script to its end."""
        return self.start(code, *args, **env).wait()

    def ask(self, what: dict[str, Any]) -> str:
        """One line to the server, one line from it."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(what) + "\n")
        self._server.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        self._server.communicate()
        self._folder.cleanup()


@functools.cache
def shared() -> Zygote:
    """One for this process; it ends with it."""
    zygote = Zygote()
    atexit.register(zygote.close)
    return zygote
