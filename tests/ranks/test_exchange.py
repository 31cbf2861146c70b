"""The exchange of rows over a store, both ends in this process and by a clock of its own."""

import math

import pytest
from torch._C._distributed_c10d import HashStore

from lrwatch.ranks import follower, leader
from lrwatch.ranks.exchange import MAX_ROWS, MERGED
from lrwatch.ranks.follower import Follower
from lrwatch.ranks.leader import Leader
from lrwatch.ranks.letter import Letter
from lrwatch.ranks.row import Row, merged


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Job:
    """Rank 0 and the others, who take their turns when a test says so."""

    def __init__(self, n_ranks: int = 2, *, acts: bool = False) -> None:
        self.store, self.clock = HashStore(), Clock()
        self.leader = Leader(
            self.store, n_ranks=n_ranks, timeout_s=30.0, acts=acts, clock=self.clock
        )
        self.others = [
            Follower(self.store, rank=rank, acts=acts, clock=self.clock)
            for rank in range(1, n_ranks)
        ]
        self.other = self.others[0]

    def tell(self, *losses: float) -> None:
        """One step, of which each rank tells its loss."""
        for end, loss in zip((self.leader, *self.others), losses, strict=True):
            end.add(Row(loss=loss))


def losses(found: list[tuple[int, Row]]) -> list[float | None]:
    return [row.loss for _, row in found]


def test_all_get_the_same_rows_in_the_same_order() -> None:
    job = Job(3)
    for step in range(3):
        job.tell(step, step + 1, step + 5)
    assert [other.turn() for other in job.others] == [[], []]
    found = job.leader.turn()
    assert [index for index, _ in found] == [0, 1, 2]
    assert losses(found) == [2.0, 3.0, 4.0]
    assert [other.turn() for other in job.others] == [found, found]
    assert all(end.settled() for end in (job.leader, *job.others))


def test_rows_are_merged_when_the_last_rank_has_told_them() -> None:
    job = Job(3)
    job.tell(1.0, 2.0, 3.0)
    job.others[0].turn()
    assert job.leader.turn() == []
    assert not job.leader.settled()
    job.others[1].turn()
    assert losses(job.leader.turn()) == [2.0]


def test_nothing_is_lost_by_a_reader_that_comes_late() -> None:
    job = Job()
    for step in range(10):
        job.tell(step, step)
        if step % 2 == 0:
            job.other._send(closing=False)
        job.leader.turn()
    assert losses(job.other.turn()) == [float(step) for step in range(9)]
    job.leader.turn()
    assert losses(job.other.turn()) == [9.0]


def test_what_lies_in_the_store_does_not_grow() -> None:
    job, sizes = Job(), []
    for step in range(300):
        job.tell(step % 7, step % 5)
        job.other.turn()
        job.leader.turn()
        sizes.append(sum(len(job.store.get(key)) for key in (MERGED, "rank1")))
    assert max(sizes[100:]) < 400
    assert job.store.num_keys() <= 3


def test_a_rank_that_is_late_is_left_out_until_it_has_caught_up() -> None:
    job = Job()
    for step in range(6):
        job.tell(step, 100.0)
    assert job.leader.turn() == []
    job.clock.now_s += leader.PATIENCE_S + 1
    assert losses(job.leader.turn()) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    job.other.turn()
    job.tell(6.0, 8.0)
    job.other.turn()
    assert losses(job.leader.turn()) == [7.0]
    job.tell(1.0, 3.0)
    assert job.leader.turn() == [], "it is waited for again"
    job.other.turn()
    assert losses(job.leader.turn()) == [2.0]


def test_few_steps_that_take_long_are_waited_for() -> None:
    job = Job()
    job.tell(1.0, 3.0)
    job.clock.now_s += 10 * leader.PATIENCE_S
    assert job.leader.turn() == []
    job.other.turn()
    assert losses(job.leader.turn()) == [2.0]


def test_memory_is_bounded_where_the_others_never_come() -> None:
    job = Job()
    for step in range(2 * MAX_ROWS):
        job.leader.add(Row(loss=step))
        job.leader.turn()
    assert len(job.leader._own) <= MAX_ROWS + 1


def test_a_rank_without_a_leader_judges_by_itself_in_the_end() -> None:
    job = Job()
    for _ in range(5):
        job.other.add(Row(loss=1.0))
    job.other.turn()
    assert job.other.parted is None
    job.clock.now_s += follower.PATIENCE_S + 1
    job.other.turn()
    assert job.other.parted == "rank 0 says nothing"


def test_a_rank_that_ends_is_not_waited_for() -> None:
    job = Job()
    job.tell(1.0, 3.0)
    job.other.turn(closing=True)
    job.leader.add(Row(loss=5.0))
    assert losses(job.leader.turn()) == [2.0, 5.0]
    assert losses(job.other.turn()) == [2.0, 5.0]


def test_a_rank_that_ends_is_told_all_that_it_shared_in() -> None:
    job = Job()
    for step in range(200):
        job.tell(step, step)
    job.other.turn(closing=True)
    job.leader.turn()
    job.leader.add(Row(loss=200.0))
    job.leader.turn()
    assert losses(job.other.turn(closing=True)) == [float(step) for step in range(201)]


def test_what_is_kept_for_a_rank_that_has_ended_is_dropped_in_the_end() -> None:
    job = Job()
    for step in range(200):
        job.tell(step, step)
    job.other.turn(closing=True)
    for _ in range(200):
        job.leader.turn()
        job.leader.add(Row(loss=1.0))
    assert len(job.store.get(MERGED)) < 400


def test_rank_0_tells_the_rest_when_it_ends() -> None:
    job = Job()
    for _ in range(2):
        job.tell(1.0, 3.0)
    job.other.turn()
    job.leader.add(Row(loss=7.0))
    assert losses(job.leader.turn(closing=True)) == [2.0, 2.0, 7.0]
    assert losses(job.other.turn()) == [2.0, 2.0, 7.0]


def test_a_late_rank_that_comes_with_more_than_it_missed_is_heard_from_there_on() -> None:
    job = Job()
    for _ in range(5):
        job.leader.add(Row(loss=1.0))
    job.clock.now_s += leader.PATIENCE_S + 1.0
    assert losses(job.leader.turn()) == [1.0] * 5
    for step in range(7):
        job.other.add(Row(loss=float(step)))
    job.other.turn()
    for _ in range(2):
        job.leader.add(Row(loss=1.0))
    assert losses(job.leader.turn()) == [3.0, 3.5]


@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize("has_heard", [True, False])
def test_a_rank_that_goes_on_where_rank_0_has_ended_judges_by_itself(
    has_heard: bool, acts: bool
) -> None:
    job = Job(acts=acts)
    job.tell(1.0, 3.0)
    job.other.turn()
    job.leader.turn(closing=True)
    if has_heard:
        assert len(job.other.turn()) == 1
        assert job.other.parted is None
    job.other.add(Row(loss=3.0))
    assert len(job.other.turn()) == (0 if has_heard else 1)
    assert job.other.parted == "rank 0 has ended"


@pytest.mark.parametrize("acts", [True, False])
def test_a_rank_whose_word_rank_0_has_not_heard_yet_sees_that_only_one_of_them_acts(
    acts: bool,
) -> None:
    job = Job(acts=acts)
    job.leader.part("late")
    job.leader.parted = None
    job.leader.turn(closing=True)
    other = Follower(job.store, rank=1, acts=not acts, clock=job.clock)
    assert other.turn() == []
    words = "back-off is on at rank 0 only" if acts else "back-off is off at rank 0"
    assert other.parted == words


@pytest.mark.parametrize("closing", [True, False])
def test_where_ranks_act_nothing_is_merged_without_a_rank(closing: bool) -> None:
    job = Job(acts=True)
    for _ in range(5):
        job.leader.add(Row(loss=1.0))
    job.clock.now_s += 1000.0
    assert job.leader.turn(closing=closing) == []


@pytest.mark.parametrize("acts", [True, False])
def test_ranks_that_act_part_from_those_that_do_not(acts: bool) -> None:
    job = Job()
    other = Follower(job.store, rank=1, acts=acts, clock=job.clock)
    first = Leader(job.store, n_ranks=2, timeout_s=30.0, acts=not acts, clock=job.clock)
    for end in (first, other):
        end.add(Row(loss=1.0))
    other.turn()
    assert first.turn() == []
    assert other.turn() == []
    how = "on" if acts else "off"
    assert first.parted == other.parted == f"back-off is {how} at rank 1, unlike at rank 0"


def test_all_part_when_rank_0_can_wait_no_more() -> None:
    job = Job(3, acts=True)
    job.tell(1.0, 2.0, 3.0)
    job.others[0].turn()
    job.leader.part("late")
    assert [other.turn() for other in job.others] == [[], []]
    assert [end.parted for end in (job.leader, *job.others)] == ["late"] * 3


def test_rank_0_parts_too_where_another_could_wait_no_more() -> None:
    job = Job(3, acts=True)
    job.tell(1.0, 2.0, 3.0)
    for other in job.others:
        other.turn()
    assert job.others[0].part("rank 0 is late") == []
    assert job.leader.turn() == []
    job.others[1].turn()
    assert {end.parted for end in (job.leader, *job.others)} == {"rank 0 is late"}


def test_nobody_parts_if_rank_0_has_spoken_meanwhile() -> None:
    job = Job(acts=True)
    job.tell(1.0, 3.0)
    job.other.turn()
    found = job.leader.turn()
    assert job.other.part("rank 0 is late") == found
    assert job.other.parted is None


def test_rank_0_that_was_silent_for_long_asks_before_it_speaks() -> None:
    job = Job(acts=True)
    job.tell(1.0, 3.0)
    job.other.turn()
    assert len(job.leader.turn()) == 1
    job.tell(1.0, 3.0)
    job.other.turn()
    job.clock.now_s += 31.0
    job.other.part("rank 0 is late")
    assert job.leader.turn() == []
    assert job.leader.parted == "rank 0 is late"


def test_all_part_where_one_could_not_act() -> None:
    job = Job(3, acts=True)
    job.tell(1.0, 2.0, 3.0)
    job.others[0].leave("out of memory")
    job.others[1].turn()
    assert job.leader.turn() == []
    job.others[1].turn()
    assert job.leader.parted == job.others[1].parted == "out of memory"


def test_where_ranks_act_one_that_ends_early_is_missed_at_once() -> None:
    job = Job(acts=True)
    job.other.turn(closing=True)
    job.leader.add(Row(loss=1.0))
    assert job.leader.turn() == []
    assert job.leader.parted == "rank 1 has ended"


def test_a_letter_keeps_what_json_has_no_word_for() -> None:
    rows = (Row(loss=math.inf, grad_norm=-math.inf), Row(loss=0.1 + 0.2, skipped=True))
    letter = Letter(first=3, rows=rows, n_known=2, acts=True, closed=True, parted="why")
    assert Letter.of(letter.text()) == letter
    nan = Letter.of(Letter(rows=(Row(loss=math.nan),)).text()).rows[0].loss
    assert nan is not None
    assert math.isnan(nan)


@pytest.mark.parametrize(
    ("rows", "norm"),
    [
        ([(3.0, False), (3.0, False)], 3.0),
        ([(3.0, False), (4.0, False)], 5.0),
        ([(3.0, True), (3.0, True)], 18.0**0.5),
        ([(3.0, True), (None, False)], None),
        ([(3.0, False), (None, False)], 3.0),
        ([(None, False), (None, False)], None),
        ([(3.0, False), (math.inf, False)], math.inf),
        ([(0.0, False), (0.0, False)], 0.0),
    ],
)
def test_norms_are_shares_copies_or_parts(
    rows: list[tuple[float | None, bool]], norm: float | None
) -> None:
    told = [Row(grad_norm=value, is_share=is_share) for value, is_share in rows]
    assert merged(told).grad_norm == (norm if norm is None else pytest.approx(norm))


def test_a_share_of_a_rank_that_is_missing_makes_no_norm() -> None:
    assert merged([Row(grad_norm=3.0, is_share=True)], n_missing=1).grad_norm is None
    assert merged([Row(grad_norm=3.0)], n_missing=1).grad_norm == 3.0


def test_what_one_rank_sees_is_seen_by_all() -> None:
    found = merged([Row(loss=1.0), Row(loss=math.nan, skipped=True), Row(disarm=True)])
    assert found.loss is not None
    assert math.isnan(found.loss)
    assert (found.skipped, found.disarm) == (True, True)
    assert merged([Row(), Row(loss=2.0), Row(loss=4.0)]).loss == 3.0


def test_the_lowest_scale_is_that_of_all_and_a_difference_is_told() -> None:
    alike = merged([Row(lr_scale=0.3), Row(lr_scale=0.3)])
    assert (alike.lr_scale, alike.unlike) == (0.3, False)
    apart = merged([Row(lr_scale=0.3), Row(), Row(lr_scale=0.5)])
    assert (apart.lr_scale, apart.unlike) == (0.3, True)
