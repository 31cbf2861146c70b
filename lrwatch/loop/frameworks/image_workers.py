"""Watching goes along to the workers of Ultralytics, to which older versions hand no callbacks."""

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrwatch.loop.guard import Guard
from lrwatch.loop.places.outlets import notice

_TRAINS = re.compile(r"^( *)(?:results = )?trainer\.train\(\)$", re.MULTILINE)


def go_along(attaching: Callable[[Any], str | None]) -> None:
    """Have the file that the workers run attach to their trainer, from now on.

    Ultralytics, up to a version between 8.4.120 and 8.4.150, has them make a trainer of their own
    without the callbacks of ours. Where that file is not as known, a line says that they are not
    watched.

    Args:
        attaching: Gives the code that attaches to ``trainer``; None for one that is not watched.
    """
    module: Any = sys.modules.get("ultralytics.utils.dist")
    original = getattr(module, "generate_ddp_file", None)
    if original is None or hasattr(original, "__wrapped__"):
        return

    @functools.wraps(original)
    def generate_ddp_file(trainer: Any) -> str:
        path: str = original(trainer)
        try:
            if (code := attaching(trainer)) is not None:
                _add(Path(path), code)
        except Exception as error:
            Guard("watching the workers of Ultralytics").failed(error)
        return path

    module.generate_ddp_file = generate_ddp_file


def _add(path: Path, code: str) -> None:
    text = path.read_text(encoding="utf-8")
    if "callbacks" in text:
        return
    added, n = _TRAINS.subn(lambda found: f"{found[1]}{code}\n{found[0]}", text)
    path.write_text(added, encoding="utf-8")
    if not n:
        notice(
            "this Ultralytics hands no callbacks to the workers of several devices: the training "
            "is not watched; start it with `lrwatch run`, or update Ultralytics"
        )
