import random

import pytest

from lrwatch.stats.rises import N_BLOCKS, Rises


def after(values: list[float]) -> Rises:
    rises = Rises()
    for value in values:
        rises.add(value)
    return rises


def test_nothing_is_usual_before_the_first_rise() -> None:
    assert (Rises().highest, Rises().typical) == (0.0, 0.0)


def test_a_rise_counts_at_once() -> None:
    assert after([0.0] * 200 + [3.0]).highest == 3.0


@pytest.mark.parametrize("n", [10, 50, 500, 5000])
def test_highest_and_typical_are_those_of_the_younger_half(n: int) -> None:
    rises = after([9.0] * (n // 4) + [1.0, 2.0] * (3 * n // 8))
    assert rises.highest == 2.0
    assert 1.0 <= rises.typical <= 2.0


def test_one_high_rise_is_the_highest_and_not_typical() -> None:
    rises = after([1.0] * 900 + [50.0] + [1.0] * 99)
    assert (rises.highest, rises.typical) == (50.0, 1.0)


def test_the_highest_of_merged_blocks_is_kept() -> None:
    rng = random.Random(0)
    values = [rng.random() for _ in range(64 * 32)]
    assert after(values).highest == max(values[-32 * 32 :])


def test_memory_is_constant() -> None:
    assert len(after([1.0] * 100_000).tops) < N_BLOCKS
