"""A real browser without a window, spoken to over a pipe: no driver and no port is needed."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars"
    " --disable-background-networking --disable-component-update --disable-sync"
    " --disable-dev-shm-usage --disable-extensions --mute-audio --remote-debugging-pipe"
)
CTRL, SHIFT = 2, 8
_LIMIT_S = 300.0
# Chromium reads commands from descriptor 3 and answers on 4.
_WITH_PIPES = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 64) for number in sys.argv[1:3]]
for place, pipe in zip((3, 4), pipes):
    os.dup2(pipe, place)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def found() -> str | None:
    """Path of the first browser there is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One page. What it prints, what it asks the network for and what fails in it is kept.

    Args:
        profile: An empty folder for its files.
        size: Width and height in pixels.
    """

    def __init__(self, profile: Path, *, size: tuple[int, int] = (1500, 1000)) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session = ""
        there, out = os.pipe()
        back, here = os.pipe()
        command = [str(found()), *_FLAGS.split(), f"--user-data-dir={profile}"]
        command += [f"--window-size={size[0]},{size[1]}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WITH_PIPES, str(there), str(here), *command],
            pass_fds=(there, here),
            stderr=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(here)
        self._out, self._back = out, back
        self._attach(size)

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._out)
        os.close(self._back)
        self._process.kill()
        self._process.wait()

    def _attach(self, size: tuple[int, int]) -> None:
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.resize(*size)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def call(self, method: str, **params: Any) -> Any:
        """One command of the DevTools protocol, and its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._notice(answer)

    def _receive(self) -> Any:
        while b"\0" not in self._rest:
            data = os.read(self._back, 1 << 20)
            if not data:
                raise EOFError("the browser is gone")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _notice(self, event: Any) -> None:
        params = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif event["method"] == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.complaints.append(str(params["args"]))

    def go(self, url: str) -> None:
        """Open an address."""
        self.call("Page.navigate", url=url)

    def leave(self) -> None:
        """Leave the page: what it asked of a server is over, and told, before this returns."""
        self.go("about:blank")
        self.until("location.href === 'about:blank'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        done = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(str(done["exceptionDetails"]))
        return done["result"].get("value")

    def until(self, script: str, *, limit_s: float = _LIMIT_S) -> Any:
        """Wait until an expression is true, and return it."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            value = self.run(
                f"(async () => {{ try {{ return ({script}) }} catch {{ return 0 }} }})()"
            )
            if value:
                return value
            self.run("new Promise((done) => setTimeout(done, 30))")
        raise AssertionError(f"never came true in the page: {script}")

    def until_asked(self, part: str, *, limit_s: float = _LIMIT_S) -> str:
        """Wait until an address that holds this was asked for, and return it."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            for url in self.requests:
                if part in url:
                    return url
            self.run("new Promise((done) => setTimeout(done, 30))")
        raise AssertionError(f"never asked for: {part}")

    def click(self, x: float, y: float, *, times: int = 1) -> None:
        """Move the mouse there and press it."""
        self.hover(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self._mouse(kind, x, y, button="left", clickCount=times)

    def hover(self, x: float, y: float) -> None:
        """Move the mouse."""
        self._mouse("mouseMoved", x, y)

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, keys: int = 0) -> None:
        """Press, move, release; ``keys`` are held meanwhile."""
        self.hover(*start)
        held: dict[str, Any] = {"button": "left", "modifiers": keys}
        self._mouse("mousePressed", *start, clickCount=1, **held)
        for part in (0.3, 0.7, 1.0):
            x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
            self._mouse("mouseMoved", x, y, buttons=1, **held)
        self._mouse("mouseReleased", *end, clickCount=1, **held)

    def wheel(self, x: float, y: float, dy: float, *, keys: int = 0) -> None:
        """Turn the wheel; ``keys`` are held meanwhile."""
        self._mouse("mouseWheel", x, y, deltaX=0, deltaY=dy, modifiers=keys)

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def press(self, key: str, *, code: str = "") -> None:
        """Press a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code)

    def picture(self, path: Path) -> None:
        """A screenshot as PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))
