"""Starts real jobs of several ranks, and gives back what each rank wrote down."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("LRWATCH", "PYTHON"))}


class Job(NamedTuple):
    """How a job ended, and what was found on each rank, by the name of the scenario."""

    code: int
    output: str
    found: list[dict[str, Any]]
    folder: Path


def run_job(
    folder: Path,
    module: str,
    *scenarios: str,
    n_ranks: int,
    options: tuple[str, ...] = (),
    **environ: str,
) -> Job:
    """``torchrun -m module folder scenarios...`` on this machine, with gloo."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", *options]
    done = subprocess.run(
        [*torchrun, f"--nproc-per-node={n_ranks}", "-m", module, str(folder), *scenarios],
        cwd=folder,
        env={**ENVIRONMENT, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    written = [folder / f"rank{rank}.json" for rank in range(n_ranks)]
    found = [json.loads(path.read_text()) for path in written if path.exists()]
    return Job(done.returncode, done.stdout + done.stderr, found, folder)
