"""``make proof``: the matrix of faults, measured row by row."""

import argparse
import io
import sys
import time
import warnings
from contextlib import redirect_stderr

import torch

from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.proof.matrix import ROWS
from tests.benchmarks.proof.row import Row


def main() -> int:
    """Measure the rows that are asked for, a line for each; 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", help="numbers of rows, with commas between [default: all]")
    parser.add_argument("--quick", action="store_true", help="at the size of the test suite")
    chosen = parser.parse_args()
    numbers = {int(n) for n in chosen.rows.split(",")} if chosen.rows else None
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", DeprecationWarning)
    n_held = n = 0
    for row in ROWS:
        if numbers is None or row.number in numbers:
            n, n_held = n + 1, n_held + _shown(row, quick=chosen.quick)
    print(f"{n_held} of {n} rows hold")
    return 0 if n_held == n else 1


def _shown(row: Row, *, quick: bool) -> bool:
    start_s = time.monotonic()
    try:
        small = row.in_suite if quick else ()
        with redirect_stderr(io.StringIO()):  # the alerts of the runs that are tried
            figures = [measure() for measure in small] or row.figures()
    except Exception as error:
        figures = [Figure(f"could not be measured: {error!r}", False)]
    holds = all(figure.holds for figure in figures)
    words = "; ".join(figure.text for figure in figures)
    note = f" (left out: {row.left_out})" if row.left_out else ""
    head = f"{row.number:>2} {'holds' if holds else 'FAILS'}  {row.fault}"
    print(f"{head}: {words}{note} [{time.monotonic() - start_s:.0f} s]")
    sys.stdout.flush()
    return holds


if __name__ == "__main__":
    sys.exit(main())
