"""Every row of the matrix of faults is held: by figures at a small size here, by named tests."""

import warnings
from pathlib import Path

import pytest

from tests.benchmarks.proof.matrix import ROWS
from tests.benchmarks.proof.named_tests import expanded
from tests.benchmarks.proof.row import Measure

SMALL = [
    pytest.param(measure, id=f"{row.number} {row.fault}")
    for row in ROWS
    for measure in row.in_suite
]


@pytest.mark.parametrize("measure", SMALL)
def test_the_row_holds(measure: Measure) -> None:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)  # one core
        figure = measure()
    assert figure.holds, figure.text


def test_all_rows_are_there_once() -> None:
    assert [row.number for row in ROWS] == list(range(1, 43))


def test_each_row_is_measured_or_held_by_tests_that_exist() -> None:
    for row in ROWS:
        assert row.measures or row.nodes
        assert row.in_suite or row.nodes
        assert row.test_names() or not row.nodes


def test_a_test_that_is_gone_is_noticed() -> None:
    with pytest.raises(ValueError, match="no test that begins with 'test_gone'"):
        expanded((f"{Path(__file__).relative_to(Path(__file__).parents[2])}::test_gone",))
