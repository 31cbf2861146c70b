"""What SECURITY.md calls upon is there."""

import re
from pathlib import Path

import pytest

from tests.benchmarks.proof.matrix import ROWS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[\w/.]+)`", PAGE))))
def test_a_test_that_it_names_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_a_row_that_it_names_is_there() -> None:
    named = re.findall(r"rows? (\d+)(?: (?:to|and) (\d+))?", PAGE)
    assert {int(n) for pair in named for n in pair if n} <= {row.number for row in ROWS}
    assert named
