"""Scripts in processes of their own, under watch and not."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("LRWATCH", "PYTHON"))}


class Ended(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run(*command: str, cwd: Path, stdin: str = "", **environ: str) -> Ended:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        input=stdin,
        env={**ENVIRONMENT, "OMP_NUM_THREADS": "1", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def watched(*command: str, cwd: Path, stdin: str = "", **environ: str) -> Ended:
    return run("-m", "lrwatch", "run", *command, cwd=cwd, stdin=stdin, **environ)


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
