import math

from hypothesis import given
from hypothesis import strategies as st

from lrwatch.policy.spread import ROW, Stretch


def lowest_row(stretch: Stretch) -> float:
    width = max(1, ROW // stretch.length)
    rows = [stretch.means[i : i + width] for i in range(len(stretch.means) - width + 1)]
    return min((sum(row) / width for row in rows), default=math.inf)


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.booleans()), max_size=400))
def test_the_lowest_row_is_that_of_all_rows_whenever_it_is_asked_for(
    values: list[tuple[float, bool]],
) -> None:
    stretch = Stretch()
    for value, asked in values:
        stretch.add(value)
        if asked:
            assert stretch.lowest() == lowest_row(stretch)


def test_there_is_no_lowest_row_before_the_eighth_value() -> None:
    stretch = Stretch()
    for i in range(7):
        stretch.add(float(i))
        assert stretch.lowest() == math.inf
    stretch.add(7.0)
    assert stretch.lowest() == 3.5
