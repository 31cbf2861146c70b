"""Processor time and memory of this process, its threads and its children."""

import os
import threading
import time
from pathlib import Path

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def other_threads_s() -> float:
    """Processor time of all Python threads but this one, in seconds."""
    total = 0.0
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.ident is not None:
            total += time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return total


def all_threads_but_this_s() -> float:
    """As :func:`other_threads_s`, with threads that are no Python's or have ended."""
    return time.process_time() - time.thread_time()


def children_s() -> float:
    """Processor time of all living processes below this one, in seconds."""
    return sum(_spent_s(pid) for pid in _descendants())


def memory_mb() -> float:
    """Resident memory of this process and those below it, in MB."""
    return sum(_resident(pid) for pid in (os.getpid(), *_descendants())) / 1e6


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _spent_s(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) * _TICK_S if fields else 0.0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def _descendants() -> list[int]:
    parents = {int(p.name): _fields(int(p.name)) for p in Path("/proc").glob("[0-9]*")}
    found, level = [], [os.getpid()]
    while level:
        level = [pid for pid, f in parents.items() if f and int(f[1]) in level]
        found += level
    return found
