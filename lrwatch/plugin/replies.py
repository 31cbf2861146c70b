"""Replies: what leaves the server, and how a question that makes no sense is answered."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from importlib.resources import files
from typing import Any

from tensorboard.backend import http_util
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from lrwatch.plugin.frames import Arrays, packed

_TYPES = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}
Answer = Callable[[Request], Response]


def app(answer: Answer) -> Any:
    """The WSGI application of a function that answers GET; errors are told in JSON."""

    @wraps(answer)
    def guarded(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return error(request, 405, f"the method must be GET, got {request.method:.20}")
        try:
            return answer(request)
        except HTTPException as problem:
            return error(request, problem.code or 400, problem.description or "")

    return Request.application(guarded)


def as_json(request: Request, content: Mapping[str, Any], code: int = 200) -> Response:
    """Strict JSON in ASCII."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    reply: Response = http_util.Respond(request, text, "application/json", code=code)
    return reply


def as_numbers(request: Request, header: Mapping[str, Any], arrays: Arrays) -> Response:
    """A frame, as :mod:`lrwatch.plugin.frames` has it."""
    content = packed(header, arrays)
    reply: Response = http_util.Respond(request, content, "application/octet-stream")
    return reply


def error(request: Request, code: int, words: str) -> Response:
    """One line about what is wrong."""
    return as_json(request, {"error": words}, code)


def page_files() -> dict[str, Any]:
    """Applications for the files of the page, by their routes: these and no others."""
    page = files("lrwatch.plugin") / "page"
    found = {}
    for folder, prefix in ((page, "/"), (page / "vendor", "/vendor/")):
        for file in folder.iterdir():
            kind = _TYPES.get("." + file.name.rpartition(".")[2])
            if kind is not None and file.is_file():
                found[prefix + file.name] = _file_app(file, kind)
    return found


def _file_app(file: Any, kind: str) -> Any:
    def answer(request: Request) -> Response:
        reply: Response = http_util.Respond(request, file.read_bytes(), kind)
        return reply

    return app(answer)
