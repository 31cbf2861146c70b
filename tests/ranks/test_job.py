"""Which process of a job this one is, and when the job began."""

import os
import time

import pytest
import torch
from torch import distributed
from torch.testing._internal.distributed.fake_pg import FakeStore

from lrwatch.loop.run_dir import chosen
from lrwatch.ranks import job
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
