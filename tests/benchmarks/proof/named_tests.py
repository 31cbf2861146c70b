"""Rows that tests of the suite hold: the tests are run, and counted."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.proof.figure import Figure

ROOT = Path(__file__).parents[3]
_COUNT = re.compile(r"(\d+) (passed|failed|error)")


def ran(*nodes: str) -> Callable[[], Figure]:
    """What runs these tests: a file, or ``file::beginning of a name``."""

    def measure() -> Figure:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *expanded(nodes)],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        counts = {word: int(n) for n, word in _COUNT.findall(done.stdout)}
        n_passed, n = counts.get("passed", 0), sum(counts.values())
        return Figure(f"tests passed: {n_passed} of {n}", done.returncode == 0 and n_passed == n)

    return measure


def expanded(nodes: tuple[str, ...]) -> list[str]:
    """The full names of tests; one that no test begins with is an error."""
    found = []
    for node in nodes:
        path, _, start = node.partition("::")
        names = re.findall(r"^def (test_\w+)", (ROOT / path).read_text(), re.MULTILINE)
        chosen = [name for name in names if name.startswith(start)]
        if not chosen:
            raise ValueError(f"{path} has no test that begins with {start!r}")
        found += [f"{path}::{name}" for name in chosen] if start else [path]
    return found
