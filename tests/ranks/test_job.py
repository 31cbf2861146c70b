"""Which process of a job this one is, and when the job began."""

import math
import os
import time

import pytest
import torch
from torch import distributed
from torch._C._distributed_c10d import HashStore
from torch.testing._internal.distributed.fake_pg import FakeStore

from lrwatch.loop.places.run_dir import chosen
from lrwatch.ranks import job, together
from lrwatch.ranks.exchange import place
from lrwatch.ranks.follower import Follower
from lrwatch.ranks.leader import Leader
from lrwatch.ranks.letter import Letter
from lrwatch.ranks.row import Row
from lrwatch.ranks.together import Together


@pytest.fixture(autouse=True)
def no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "LRWATCH_RUN_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_a_process_group_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (job.rank(), job.n_ranks()) == (None, 1)
    monkeypatch.setenv("RANK", "3")
    assert (job.rank(), job.n_ranks()) == (3, 1)
    distributed.init_process_group("fake", store=FakeStore(), rank=1, world_size=2)
    assert (job.rank(), job.n_ranks()) == (1, 2)
    distributed.destroy_process_group()
    assert (job.rank(), job.n_ranks()) == (3, 1)


def test_a_job_of_torchrun_began_when_that_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    assert job.began_s(7.0) == 7.0
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "any")
    began_s = job.began_s(7.0)
    if os.path.exists("/proc/stat"):
        assert 0.0 < began_s < time.time()
        assert job.began_s(8.0) == began_s
    else:
        assert began_s == 7.0


def test_a_restarted_job_takes_a_directory_that_is_there(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    first = chosen(None, None, set(), 0.0)
    assert first is not None
    assert first.claim() == first.path
    again = chosen(None, None, set(), 0.0)
    assert again is not None
    assert again.path.name == f"{first.path.name}-2"
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    restarted = chosen(None, None, set(), 0.0)
    assert restarted is not None
    assert restarted.claim() == first.path


def test_one_process_is_alone_and_asks_nobody() -> None:
    together = Together(acts=True)
    together.open()
    together.add(Row(loss=1.0))
    assert (together.alone, together.agree(), together.close()) == (True, [], [])
    assert together.norms(3.0, 4.0, is_share=False) == [3.0, 4.0]
    together.ask_to_disarm()
    assert together.disarmed


def test_ranks_without_a_store_in_common_judge_apart() -> None:
    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    together = Together(acts=True)
    together.open()
    distributed.destroy_process_group()
    assert not together.alone
    assert together.parted == "torch.distributed has no store here"
    assert together.agree() == []
    assert not torch.tensor(together.norms(1.0, is_share=False)).isfinite().any()


def apart_at_the_norms(monkeypatch: pytest.MonkeyPatch, store: HashStore) -> Together:
    """Rank 1 of two, which agreed on a step, and then asked for norms that rank 0 did not."""
    monkeypatch.setattr(together, "TIMEOUT_S", 0.0)
    one = Together(acts=True)
    one.alone = False
    one._steps = Follower(store, rank=1, acts=True)
    one._norms = Follower(HashStore(), rank=1, acts=True)
    assert math.isnan(one.norms(1.0, is_share=False)[0])
    return one


def test_ranks_that_part_over_norms_part_altogether(monkeypatch: pytest.MonkeyPatch) -> None:
    store = HashStore()
    one = apart_at_the_norms(monkeypatch, store)
    leader = Leader(store, n_ranks=2, timeout_s=30.0, acts=True)
    leader.add(Row(loss=1.0))
    assert leader.turn() == []
    assert leader.parted == one.parted == "not all ranks came to the same step within 0 s"


def test_a_rank_that_has_parted_tells_no_more_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    store = HashStore()
    one = apart_at_the_norms(monkeypatch, store)
    for step in range(100):
        one.add(Row(loss=float(step)))
        assert one.agree() == []
    assert Letter.of(store.get(place(1))).rows == ()
