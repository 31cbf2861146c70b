import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrwatch.stats.recent import SIZE, Recent

finite = st.floats(min_value=-1e9, max_value=1e9)


def recent_of(values: list[float]) -> Recent:
    recent = Recent()
    for value in values:
        recent.push(value)
    recent.refresh()
    return recent


def normal(n: int, seed: int = 0) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(3.0, 2.0) for _ in range(n)]


@given(st.lists(finite, min_size=1, max_size=80))
def test_the_median_is_that_of_numpy(values: list[float]) -> None:
    assert recent_of(values).median == pytest.approx(float(np.median(values[-SIZE:])))


@given(st.lists(finite, min_size=2, max_size=80))
def test_the_noise_is_the_smaller_of_quartiles_and_changes(values: list[float]) -> None:
    kept = np.asarray(values[-SIZE:])
    n = len(kept)
    low, high = np.sort(kept)[[n // 4, n - 1 - n // 4]]
    changes = np.sort(np.abs(np.diff(kept)))
    by_quartiles = 0.7413 * (high - low)
    by_changes = 1.4826 / math.sqrt(2) * changes[len(changes) // 2]
    off = np.abs(kept - np.median(kept))
    among_ties = off[off > 0].mean() if (off > 0).any() else 0.0
    expected = min(by_quartiles, by_changes) or among_ties
    assert recent_of(values).noise == pytest.approx(float(expected), abs=1e-6)


def test_quartiles_of_a_full_window_are_close_to_those_of_numpy() -> None:
    values = normal(SIZE)
    q1, q3 = np.percentile(values, [25, 75])
    ordered = sorted(values)
    assert ordered[SIZE // 4 - 1] <= q1 <= ordered[SIZE // 4]
    assert ordered[-1 - SIZE // 4] <= q3 <= ordered[-SIZE // 4]


def test_the_noise_of_normal_values_is_near_their_standard_deviation() -> None:
    noises = [recent_of(normal(SIZE, seed)).noise for seed in range(400)]
    assert np.mean(noises) == pytest.approx(2.0, rel=0.15)


def test_where_most_values_are_the_same_the_others_are_the_noise() -> None:
    margins = [0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.1] * 4
    assert recent_of(margins).noise == pytest.approx(0.2)
    rounded = [0.69, 0.69, 0.69, 0.70] * 8
    assert recent_of(rounded).noise == pytest.approx(0.01)
    assert recent_of([4.0] * SIZE).noise == 0.0


def test_a_trend_does_not_count_as_noise() -> None:
    values = [x + 10.0 * i for i, x in enumerate(normal(SIZE))]
    assert recent_of(values).noise < 0.3 * np.std(values)


def test_an_alternation_is_no_more_noise_than_its_quartiles() -> None:
    values = [5.0 + (-1) ** i for i in range(SIZE)]
    assert recent_of(values).noise == pytest.approx(0.7413 * 2.0)


def test_a_few_outliers_move_neither_median_nor_noise_far() -> None:
    values = normal(SIZE)
    calm = recent_of(values)
    values[5], values[17], values[30] = 1e9, 1e9, -1e9
    wild = recent_of(values)
    assert wild.median == pytest.approx(calm.median, abs=1.0)
    assert wild.noise < 2.5 * calm.noise


def test_the_oldest_value_falls_out() -> None:
    recent = recent_of([1e6] * 3 + [float(i) for i in range(SIZE)])
    assert recent.values == [float(i) for i in range(SIZE)]
    assert len(recent) == SIZE


def test_nothing_is_known_before_the_first_refresh() -> None:
    recent = Recent()
    recent.push(1.0)
    assert math.isnan(recent.median)
    assert recent.noise == 0.0


def test_the_level_stands_until_it_is_taken_anew() -> None:
    recent = recent_of([1.0, 2.0, 3.0])
    recent.push(100.0)
    assert (recent.median, recent.noise) == (2.0, recent_of([1.0, 2.0, 3.0]).noise)


def test_one_value_and_equal_values_have_no_noise() -> None:
    assert recent_of([4.0]).noise == 0.0
    assert recent_of([4.0] * 40).noise == 0.0
