"""Which run directory a watch writes to when it is told none."""

import logging
import os
import re
import sys
import time
from pathlib import Path

from lrwatch.loop.guard import log
from lrwatch.loop.places.place import Place
from lrwatch.loop.terminal import on_terminal
from lrwatch.ranks import job

RunDir = str | os.PathLike[str] | bool | None


def chosen(run_dir: RunDir, name: str | None, taken: set[Path], now_s: float) -> Place | None:
    """The run directory, or None where nothing is to be written.

    In this order: the one given; the one in ``LRWATCH_RUN_DIR``; ``runs/<UTC time>-<script>``, or
    the notebook's name there. ``False`` is none, and so is a rank above 0 of a job with several. A
    second watch in the same process gets a folder of its own in the given one, named ``name`` or by
    a number. A job that torchrun has restarted goes on in its directory.

    Args:
        run_dir: As given to ``attach``.
        name: As given to ``attach``.
        taken: Directories that other watches of this process write to now.
        now_s: Time, in seconds since the epoch.
    """
    if run_dir is False or job.rank():
        return None
    given = None if run_dir is None or run_dir is True else os.fspath(run_dir)
    given = _here(given or os.environ.get("LRWATCH_RUN_DIR"))
    began_s = job.began_s(now_s)
    base = Path(given or by_time(program(), began_s)).absolute()
    wished = path = base / as_folder(name) if name else base
    n = 2
    is_kept = given or job.is_restarted()
    while path in taken or not (is_kept or name or not path.exists()):
        path = base / f"optimizer-{n}" if given else wished.with_name(f"{wished.name}-{n}")
        n += 1
    return Place(path, None if is_kept else base if name else path)


def _here(given: str | None) -> str | None:
    """The directory, unless it is a URL: a path made of it names a folder ``s3:`` here."""
    if given is None or "://" not in given:
        return given
    words = f"run_dir {given} is no place on this machine: writing to a folder in runs/ instead"
    log(logging.WARNING, "%s", words)
    on_terminal(words)
    return None


def program() -> str:
    """The script of this process; in a notebook that, as Jupyter names it, not its kernel."""
    script = sys.argv[0] if sys.argv else ""
    if not script.endswith("kernel_launcher.py"):
        return script
    return os.environ.get("JPY_SESSION_NAME") or "notebook"


def by_time(script: str, now_s: float) -> str:
    """``runs/<UTC time>-<script>``."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    return f"runs/{stamp}-{as_folder(Path(script or 'python').stem)}"


def as_folder(name: str) -> str:
    """One safe path component: letters, digits, dot, dash, underscore; never leading dots."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).lstrip(".")[:80] or "run"
