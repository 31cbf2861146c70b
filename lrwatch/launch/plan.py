"""What ``lrwatch run`` was asked for, on its way to the processes that train."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from lrwatch.launch.variable import VARIABLE

_STARTUP = str(Path(__file__).with_name("startup"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one ``lrwatch run`` was asked for.

    Attributes:
        run_dir: Absolute path of the run directory.
        is_chosen: Whether the user named it; else no process writes to one that exists.
        backoff: Whether to act on alerts.
        quiet: Whether to print nothing.
        total_steps: Steps that each optimizer will take, >= 1, where the user said so.
        surrogate: Whether the losses say nothing about progress; None: to be found out.
        pid: The process that runs the script itself; 0: the first that carries the plan out.
        find: What a search for a rate is told; None where the run is only watched.
    """

    run_dir: str
    is_chosen: bool = False
    backoff: bool = False
    quiet: bool = False
    total_steps: int | None = None
    surrogate: bool | None = None
    pid: int = 0
    find: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The plan that a process was started with."""
        return cls(**json.loads(environ[VARIABLE]))

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment in which every Python that starts carries the plan out."""
        before = environ.get("PYTHONPATH", "").split(os.pathsep)
        paths = [_STARTUP, *(path for path in before if path not in ("", _STARTUP))]
        return {**environ, VARIABLE: json.dumps(asdict(self)), "PYTHONPATH": os.pathsep.join(paths)}
