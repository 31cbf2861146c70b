"""Which process of a job this one is, and the key-value store that all of its processes share."""

import os
import re
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from lrwatch.errors import let_pass

_TIMEOUT = timedelta(seconds=30)

_n_opened: Counter[str] = Counter()


class Store(Protocol):
    """The part of ``torch.distributed.Store`` that is used."""

    def set(self, key: str, value: str, /) -> None:
        """Put a value there; a message that is not answered."""

    def check(self, keys: list[str], /) -> bool:
        """Whether all of the keys are there; never waits for them."""

    def multi_get(self, keys: list[str], /) -> list[bytes]:
        """The values of keys that are there."""

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        """Put a value there if the present one is as expected; give back what is there then."""


def rank() -> int | None:
    """The rank of this process in a job of several; None where it is in none."""
    group = _c10d()
    if group is not None:
        found: int = group.get_rank()
        return found
    given = os.environ.get("RANK", "")
    return int(given) if given.isdigit() else None


def n_ranks() -> int:
    """How many processes train together; 1 before torch.distributed is initialised."""
    group = _c10d()
    return 1 if group is None else int(group.get_world_size())


def is_restarted() -> bool:
    """Whether torchrun has started this process in the place of one that failed."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") not in ("", "0")


def began_s(now_s: float) -> float:
    """When the run began: under torchrun, which may restart it, when that did; else now.

    Both in seconds since the epoch. Linux tells when a process was started; elsewhere it is now.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return now_s
    try:
        told = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()
        booted = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.MULTILINE)
        ticks_per_s = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError) as error:
        let_pass(error)
        return now_s
    return now_s if booted is None else int(booted[1]) + int(told[19]) / ticks_per_s


def store_of(name: str) -> Store | None:
    """The job's own store, under a prefix that is the same on every rank; None without one.

    It is what the processes found each other by, so that they are known to reach it, whatever the
    backend. Every optimizer has a prefix of its own: its name, and a count of those of that name,
    which all ranks open in the same order. The connection is another one than torch's own.
    """
    group = _c10d()
    if group is None or group.get_backend() in ("fake", "mpi"):
        return None
    # There is no public name for it; torch's own elastic checkpoints and torchft ask for it so.
    base: Any = group._get_default_store()
    if base is None:
        return None
    n, _n_opened[name] = _n_opened[name], _n_opened[name] + 1
    own = base
    if hasattr(base, "clone"):
        own = base.clone()
        own.set_timeout(_TIMEOUT)
    # A job that torchrun has restarted may find the store as it was left.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    found: Store = group.PrefixStore(f"lrwatch/{attempt}/{name}/{n}", own)
    return found


def _c10d() -> Any:
    """``torch.distributed`` with a process group, else None; nothing is imported for it."""
    found = sys.modules.get("torch.distributed.distributed_c10d")
    return found if found is not None and found.is_initialized() else None
