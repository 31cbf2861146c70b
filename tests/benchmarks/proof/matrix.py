"""The matrix: every fault, what is measured at full size, and at the size of the test suite."""

from tests.benchmarks.proof import rows_of_files, rows_of_runs

ROWS = sorted((*rows_of_runs.ROWS, *rows_of_files.ROWS), key=lambda row: row.number)
