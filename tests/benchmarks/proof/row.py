"""One row of the matrix of faults."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.proof.named_tests import expanded, ran

Measure = Callable[[], Figure]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        number: Its number in the matrix.
        fault: What happens.
        measures: What is measured at full size.
        in_suite: The same, small; empty where the tests that ``nodes`` name will do.
        nodes: Tests of the suite that hold the row.
        left_out: What of the row is not tried, and why.
    """

    number: int
    fault: str
    measures: tuple[Measure, ...] = ()
    in_suite: tuple[Measure, ...] = ()
    nodes: tuple[str, ...] = ()
    left_out: str = ""

    def figures(self) -> list[Figure]:
        """Measure all of it."""
        return [measure() for measure in self.measures] + self.tests()

    def tests(self) -> list[Figure]:
        """Run its tests."""
        return [ran(*self.nodes)()] if self.nodes else []

    def test_names(self) -> list[str]:
        """The full names of its tests."""
        return expanded(self.nodes)
