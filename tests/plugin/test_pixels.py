"""What is drawn of a long run: few rows, and every spike among them."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrwatch.plugin.pixels import Series
from lrwatch.reviewing.drawn import COLUMNS, Curves


def curves(losses: list[float], steps: list[int] | None = None) -> Curves:
    values = np.array(losses, float)
    columns = {name: np.full(len(values), math.nan) for name in COLUMNS}
    columns["loss"] = values
    step = np.arange(len(values)) if steps is None else np.array(steps, np.int64)
    return Curves(step, columns, ~np.isfinite(values))


def extremes(found: Curves, rows: Any, first: int, last: int, n: int) -> dict[int, list[float]]:
    """Lowest and highest loss of each pixel, by brute force."""
    ends: dict[int, list[float]] = {}
    for step, loss in zip(found.step[rows].tolist(), found.columns["loss"][rows], strict=True):
        if first <= step <= last:
            pixel = math.floor((step - first) * (n / (last - first)))
            low, high = ends.get(pixel, [loss, loss])
            ends[pixel] = [min(low, loss), max(high, loss)]
    return ends


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_pixel_keeps_its_lowest_and_highest_loss(data: st.DataObject) -> None:
    n_rows = data.draw(st.integers(300, 5000))
    seed = data.draw(st.integers(0, 99))
    rng = np.random.default_rng(seed)
    gaps = rng.integers(0, 5, n_rows)
    found = curves(rng.normal(size=n_rows).tolist(), np.cumsum(gaps).tolist())
    first = data.draw(st.integers(0, int(found.step[-1]) // 2))
    last = data.draw(st.integers(first + 50, int(found.step[-1]) + 50))
    n = data.draw(st.integers(5, 60))
    chosen = Series(found, ("loss",)).chosen(first, last, n)
    every = extremes(found, slice(None), first, last, n)
    assert extremes(found, chosen, first, last, n) == every


def test_rows_are_few_real_and_in_order() -> None:
    found = curves(np.random.default_rng(0).normal(size=200_000).tolist())
    chosen = Series(found, ("loss",)).chosen(0, 199_999, 1000)
    assert 2000 <= len(chosen) <= 4000
    assert (np.diff(chosen) > 0).all()


@pytest.mark.parametrize("spike", [64.0, -64.0, math.nan, math.inf, -math.inf])
def test_no_single_loss_out_of_the_ordinary_is_lost(spike: float) -> None:
    for place in (0, 1, 63, 64, 50_001, 99_999):
        losses = [1.0] * 100_000
        losses[place] = spike
        chosen = Series(curves(losses), ("loss",)).chosen(0, 99_999, 300)
        assert place in chosen


def test_an_infinite_loss_does_not_hide_a_high_one_beside_it() -> None:
    losses = [1.0] * 10_000
    losses[5000], losses[5001] = math.inf, 77.0
    chosen = Series(curves(losses), ("loss",)).chosen(0, 9_999, 20)
    assert {5000, 5001} <= set(chosen.tolist())


def test_where_rows_are_few_all_of_them_are_drawn_and_one_beyond_each_edge() -> None:
    found = curves([float(i) for i in range(100)])
    assert Series(found, ("loss",)).chosen(10, 20, 100).tolist() == list(range(9, 22))


def test_lines_go_on_beyond_the_edges_of_the_view_also_where_rows_are_many() -> None:
    chosen = Series(curves([1.0] * 10_000), ("loss",)).chosen(5000, 8999, 20)
    assert {4999, 9000} <= set(chosen.tolist())


def test_a_column_that_is_missing_leaves_nothing_to_draw() -> None:
    found = curves([1.0, 2.0])
    assert Series(found, ("norm",)).chosen(0, 1, 100).tolist() == []
    assert Series(curves([]), ("loss",)).chosen(0, 1, 100).tolist() == []


def test_all_rows_at_one_step_and_huge_steps_are_no_trouble() -> None:
    same = curves([1.0, 3.0, 2.0] * 1000, [7] * 3000)
    assert 1 in Series(same, ("loss",)).chosen(7, 7, 10)
    far = 2**62
    found = curves([1.0] * 3000, [far + i for i in range(3000)])
    assert len(Series(found, ("loss",)).chosen(far, far + 2999, 10)) > 0
