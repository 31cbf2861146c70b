"""lrwatch: says early what is wrong with a training run, and which way the learning rate is."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what needs torch is imported when it is asked for, see __getattr__
    from lrwatch.control import TrainingStoppedError
    from lrwatch.errors import LrwatchError
    from lrwatch.loop.attach import attach
    from lrwatch.loop.watch import Watch
    from lrwatch.policy.settings import Backoff
    from lrwatch.range_test.advice import rescale_lr, warmup_steps
    from lrwatch.range_test.find import find_lr
    from lrwatch.range_test.finding import LrFinding
    from lrwatch.readers.reading import read
    from lrwatch.records import Action, Alert, Step
    from lrwatch.reviewing.review import review
    from lrwatch.watcher import Watcher

__all__ = [
    "Action",
    "Alert",
    "Backoff",
    "LrFinding",
    "LrwatchError",
    "Step",
    "TrainingStoppedError",
    "Watch",
    "Watcher",
    "attach",
    "find_lr",
    "read",
    "rescale_lr",
    "review",
    "warmup_steps",
]

_PUBLIC = {
    "Action": "lrwatch.records",
    "Alert": "lrwatch.records",
    "Backoff": "lrwatch.policy.settings",
    "LrFinding": "lrwatch.range_test.finding",
    "LrwatchError": "lrwatch.errors",
    "Step": "lrwatch.records",
    "TrainingStoppedError": "lrwatch.control",
    "Watch": "lrwatch.loop.watch",
    "Watcher": "lrwatch.watcher",
    "attach": "lrwatch.loop.attach",
    "find_lr": "lrwatch.range_test.find",
    "read": "lrwatch.readers.reading",
    "rescale_lr": "lrwatch.range_test.advice",
    "review": "lrwatch.reviewing.review",
    "warmup_steps": "lrwatch.range_test.advice",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
