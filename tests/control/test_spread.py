import math
import random

import pytest

from lrwatch.policy.spread import ROW, Stretch


def lowest_row(stretch: Stretch) -> float:
    width = max(1, ROW // stretch.length)
    rows = [stretch.means[i : i + width] for i in range(len(stretch.means) - width + 1)]
    return min((sum(row) / width for row in rows), default=math.inf)


@pytest.mark.parametrize("seed", range(8))
def test_the_lowest_row_is_that_of_all_rows_whenever_it_is_asked_for(seed: int) -> None:
    rng, stretch = random.Random(seed), Stretch()
    for _ in range(1000):
        stretch.add(rng.gauss(0.0, 1.0))
        if rng.random() < 0.3:
            assert stretch.lowest() == lowest_row(stretch)


def test_there_is_no_lowest_row_before_the_eighth_value() -> None:
    stretch = Stretch()
    for i in range(7):
        stretch.add(float(i))
        assert stretch.lowest() == math.inf
    stretch.add(7.0)
    assert stretch.lowest() == 3.5


@pytest.mark.parametrize("before", [1, 7, 16, 60])
def test_the_last_values_are_left_out_of_the_lowest_row_block_by_block(before: int) -> None:
    rng, stretch, values = random.Random(before), Stretch(), list[float]()
    for _ in range(400):
        values.append(rng.gauss(0.0, 1.0) - len(values) / 50)
        stretch.add(values[-1])
        n_blocks = max(len(values) - before, 0) // stretch.length
        width = max(1, ROW // stretch.length)
        rows = [stretch.means[i : i + width] for i in range(n_blocks - width + 1)]
        expected = min((sum(row) / width for row in rows), default=math.inf)
        assert stretch.lowest(before) == expected
