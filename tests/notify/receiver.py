"""A server on this machine that a webhook can be pointed at."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Receiver:
    """Keeps what is posted, and answers with a status; a context manager."""

    def __init__(self, status: int = 200, *, statuses: list[int] | None = None) -> None:
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.release = threading.Event()
        self.release.set()
        self._statuses = statuses or []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(json.loads(data))
                receiver.headers.append(dict(self.headers))
                receiver.release.wait(300)
                code = receiver._statuses.pop(0) if receiver._statuses else status
                self.send_response(code)
                if 300 <= code < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Retry-After", "0.01")
                self.end_headers()
                with contextlib.suppress(OSError):  # who asked reads 4 KiB, and hangs up
                    self.wfile.write(b"x" * 10_000)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/s3cr3t"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
