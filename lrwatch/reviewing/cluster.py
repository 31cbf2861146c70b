"""Scanning on Ray: the same work as :mod:`lrwatch.reviewing.scan`, where a cluster does it."""

import logging
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lrwatch.errors import LrwatchError
from lrwatch.readers.remote import is_remote
from lrwatch.reviewing.summary import Summary, summary_or_error

_ADDRESS = re.compile(r"local|auto|ray://.+|[A-Za-z0-9_.\-\[\]:]+:\d+")
_A_CPU = 4
_KILLED = "the process that read it was killed (out of memory?)"


def scan_on_ray(
    runs: Sequence[str], asked: Mapping[str, str | None], *, address: str
) -> Iterator[Summary]:
    """Judge the runs on a cluster, and tell them in their order.

    The runs must be where every machine of the cluster finds them, under the same path or at a
    URL, and lrwatch must be installed there. A cluster that is in use already by this program is
    left as it is.

    Args:
        runs: Their paths or URLs.
        asked: Names of columns that the user gave, by quantity.
        address: ``local`` to use the processors of this machine, ``auto`` for the cluster that
            it belongs to, else ``host:port`` or ``ray://host:port``.

    Raises:
        LrwatchError: If Ray is not installed, the address is none, or nothing answers there.
    """
    if not _ADDRESS.fullmatch(address):
        words = "--ray must be local, auto, host:port or ray://host:port"
        raise LrwatchError(f"{words}, got {address!r}")
    return _judged(_connected(address), list(runs), dict(asked))


def _connected(address: str) -> Any:
    try:
        import ray
    except ImportError as error:
        words = "--ray needs Ray: pip install 'lrwatch[ray]'"
        raise LrwatchError(words) from error
    if ray.is_initialized():
        return ray
    # Ray sends figures about its use away unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise LrwatchError(f"no Ray cluster at {address}: {error}") from error
    return ray


def _judged(ray: Any, runs: list[str], asked: dict[str, str | None]) -> Iterator[Summary]:
    """Keep the processors busy, and no more runs waiting than that takes."""
    n_cpus = int(ray.cluster_resources().get("CPU", 1))
    task = ray.remote(num_cpus=1, max_retries=1)(summary_or_error)
    waiting: deque[tuple[str, Any]] = deque()
    left = iter(runs)
    for run in left:
        waiting.append((run, task.remote(_findable(run), asked)))
        if len(waiting) >= _A_CPU * n_cpus:
            yield _got(ray, *waiting.popleft())
    while waiting:
        yield _got(ray, *waiting.popleft())


def _got(ray: Any, run: str, summary: Any) -> Summary:
    try:
        found: Summary = ray.get(summary)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
        return Summary(run=run, error=_KILLED)
    except ray.exceptions.RayError as error:
        words = str(error).strip().splitlines()
        return Summary(run=run, error=words[-1] if words else type(error).__name__)
    return replace(found, run=run)


def _findable(run: str) -> str:
    """The run as other processes find it, whatever folder they are in."""
    return run if is_remote(run) else os.path.abspath(run)
