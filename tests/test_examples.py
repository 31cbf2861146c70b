"""Every example runs as it stands, and says what its text promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAST_LINES = {
    "accumulation_and_amp": "verdict: healthy",
    "find_rate": "verdict: healthy",
    "plain_loop": "verdict: too_high",
    "resume": "after 400 steps: healthy",
    "without_torch": "verdict: too_high",
}


def test_every_example_is_run() -> None:
    assert {p.stem for p in (ROOT / "examples").glob("*.py")} == set(LAST_LINES)


@pytest.mark.parametrize("example", LAST_LINES)
def test_example_says_what_it_promises(example: str, tmp_path: Path) -> None:
    script = ROOT / "examples" / f"{example}.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        env={**os.environ, "LRWATCH_STRICT": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == LAST_LINES[example]
