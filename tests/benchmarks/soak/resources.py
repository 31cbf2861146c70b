"""What this process holds: memory, descriptors, threads."""

import gc
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid: int) -> float:
    """Processor time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_mib(pid: int) -> float:
    """The most memory that a process has had; 0 when it has ended."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """Memory in bytes, open files, and threads."""

    rss: int
    n_files: int
    n_threads: int

    @classmethod
    def now(cls, pid: int | None = None) -> Self:
        """What a process holds at this moment; this one, after a collection, if none is named."""
        if pid is None:
            gc.collect()
        proc = Path("/proc") / str(pid or os.getpid())
        pages = int((proc / "statm").read_text().split()[1])
        n_threads = len(list((proc / "task").iterdir())) if pid else threading.active_count()
        return cls(pages * _PAGE, len(list((proc / "fd").iterdir())), n_threads)

    def grown(self, since: "Held") -> str:
        """How much more it is than at another moment."""
        mib = (self.rss - since.rss) / 2**20
        return (
            f"memory {mib:+.2f} MiB, files {self.n_files - since.n_files:+d}, "
            f"threads {self.n_threads - since.n_threads:+d}"
        )
