"""lrwatch: says early what is wrong with a training run, and which way the learning rate is."""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Action": "lrwatch.records",
    "Alert": "lrwatch.records",
    "LrwatchError": "lrwatch.errors",
    "Step": "lrwatch.records",
    "Watch": "lrwatch.loop.watch",
    "Watcher": "lrwatch.watcher",
    "attach": "lrwatch.loop.attach",
}

__all__ = ["Action", "Alert", "LrwatchError", "Step", "Watch", "Watcher", "attach"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
