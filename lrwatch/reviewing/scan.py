"""Scanning: every run below some folders, judged on all cores, told in the order found."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext

from lrwatch.errors import LrwatchError
from lrwatch.readers.remote import is_remote, runs_at
from lrwatch.reviewing.summary import Summary, summary_or_error

_PRELOADED = ["lrwatch.reviewing.summary", "lrwatch.readers.events.event_steps"]
_WORTH_A_PROCESS = 4 << 20
_KILLED = "the process that read it was killed (out of memory?)"


def runs_below(paths: Sequence[str | os.PathLike[str]]) -> tuple[list[str], list[str]]:
    """Every run at or below the paths, each once; and what is wrong with any of the paths."""
    found, problems = dict[str, None](), list[str]()
    for path in paths:
        try:
            found.update(dict.fromkeys(runs_at(path)))
        except LrwatchError as error:
            problems.append(str(error))
    return list(found), problems


def scan(
    runs: Sequence[str], asked: Mapping[str, str | None], *, n_jobs: int | None = None
) -> Iterator[Summary]:
    """Judge the runs, in their order.

    Args:
        runs: Their paths.
        asked: Names of columns that the user gave, by quantity.
        n_jobs: Number of processes; by default one for each core where there is enough to do.
    """
    n_workers = min(n_jobs or _worthwhile(runs), len(runs))
    if n_workers <= 1:
        yield from (summary_or_error(run, asked) for run in runs)
        return
    n_done = 0
    try:
        for summary in _in_pool(runs, asked, n_workers):
            n_done += 1
            yield summary
    except BrokenProcessPool:
        # Which of the runs did it is not known: the rest goes one by one.
        for run in runs[n_done:]:
            yield _alone(run, asked)
    except (ImportError, OSError):
        # No semaphores or no more processes here, as in some containers.
        yield from (summary_or_error(run, asked) for run in runs[n_done:])


def _in_pool(
    runs: Sequence[str], asked: Mapping[str, str | None], n_workers: int
) -> Iterator[Summary]:
    with ProcessPoolExecutor(n_workers, _context(), initializer=_leave_interrupts) as pool:
        size = max(1, min(4, len(runs) // (8 * n_workers)))
        yield from pool.map(partial(summary_or_error, asked=dict(asked)), runs, chunksize=size)


def _alone(run: str, asked: Mapping[str, str | None]) -> Summary:
    try:
        return next(_in_pool([run], asked, 1))
    except BrokenProcessPool:
        return Summary(run=run, error=_KILLED)


def _leave_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the one that has the others ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _context() -> BaseContext:
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _worthwhile(runs: Sequence[str]) -> int:
    """A process takes half a second to start: one for every few megabytes, up to all cores.

    Runs that have to be fetched first are worth one each.
    """
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(n_cores or 1, 1 + sum(map(_size, runs)) // _WORTH_A_PROCESS)


def _size(run: str) -> int:
    if is_remote(run):
        return _WORTH_A_PROCESS
    try:
        with os.scandir(run) as entries:
            return sum(e.stat(follow_symlinks=False).st_size for e in entries if e.is_file())
    except NotADirectoryError:
        return os.stat(run).st_size
    except OSError:
        return 0
