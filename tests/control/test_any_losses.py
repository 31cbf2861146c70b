"""Whatever the losses are, the policy stays within its bounds."""

import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrwatch.policy.settings import Backoff
from tests.control.feeding import Run, descent

EXTREMES = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300, -1e300, 1e6, -1e6, 50.0])
PIECE = st.one_of(
    st.builds(lambda seed, n: descent(seed, n), st.integers(0, 9), st.integers(1, 120)),
    st.lists(EXTREMES | st.floats(-1e3, 1e3), min_size=1, max_size=40),
    st.builds(lambda x, n: [x * 1.5**i for i in range(n)], st.floats(0.1, 10), st.integers(1, 60)),
)
BOUNDS = Backoff(budget=12, floor=1e-3, settle=True)
CHANGES = {"backoff", "rewind", "ramp"}


@settings(max_examples=40, deadline=None)
@given(st.lists(PIECE, min_size=1, max_size=6), st.floats(0.0, 10.0))
@example([[1.7e308] * 30, descent(0, 40)], 5.0)
@example([[1.5**i for i in range(28)], [math.nan, math.nan]], 1.0)
@example([descent(0, 300), [5.0 * 1.5**i for i in range(40)]] * 6, 1.0)
def test_any_run_is_acted_on_within_the_bounds(pieces: list[list[float]], moved: float) -> None:
    run = Run(BOUNDS, moved=moved)
    for loss in (loss for piece in pieces for loss in piece):
        run.feed([loss], [abs(loss)])
        assert BOUNDS.floor <= run.ladder.scale <= 1.0
    kinds = run.kinds()
    assert sum(kind in CHANGES for kind in kinds) <= BOUNDS.budget
    assert set(kinds) <= CHANGES | {"skip", "stop"}
