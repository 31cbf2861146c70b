"""Every example runs as it stands, and says what its text promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAST_LINES = {
    "accumulation_and_amp": "verdict: healthy",
    "ddp": "loss of all ranks: below 0.8",
    "find_rate": "verdict: healthy",
    "old_logs": "verdicts: 1 healthy, 1 too_high, 1 too_low",
    "plain_loop": "verdict: too_high",
    "resume": "after 400 steps: healthy",
    "without_torch": "verdict: too_high",
}
# As its text says; warnings of torchrun itself are no errors.
LAUNCHED = {"ddp": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]}


# Gloo's own threads abort a process now and then while Python ends, with lrwatch and without: a
# rank ends before that. It has its output on the way by then, and failed if that lacks a line.
RANK_ENDS = """
import atexit, os, sys
def end():
    sys.stdout.flush()
    os._exit(0)
if "RANK" in os.environ:
    atexit.register(end)
"""


def test_every_example_is_run() -> None:
    assert {p.stem for p in (ROOT / "examples").glob("*.py")} == set(LAST_LINES)


@pytest.mark.parametrize("example", LAST_LINES)
def test_example_says_what_it_promises(example: str, tmp_path: Path) -> None:
    script = ROOT / "examples" / f"{example}.py"
    (tmp_path / "sitecustomize.py").write_text(RANK_ENDS)
    done = subprocess.run(
        [sys.executable, *LAUNCHED.get(example, ["-W", "error"]), str(script)],
        cwd=tmp_path,
        env={
            **os.environ,
            "LRWATCH_STRICT": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == LAST_LINES[example]
