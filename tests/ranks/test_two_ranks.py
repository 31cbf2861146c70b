"""Two processes that torchrun starts: they see the same, and do the same; one of them writes."""

import math
from typing import Any

import pytest

from tests.ranks.job import Job, run_job

TOGETHER = ["ddp", "fsdp", "fsdp1", "fsdp_clipped", "tensor_parallel", "fsdp_without_sync"]
ACTING = ["ddp_acts", "fsdp_acts", "disarmed", "one_is_resumed", "one_is_asked"]
APART = [
    "one_forks",
    "two_losses",
    "one_ends_early",
    "one_lags_behind",
    "one_never_steps",
    "one_acts",
]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    names = (*TOGETHER, *ACTING, *APART)
    folder = tmp_path_factory.mktemp("two_ranks")
    found = run_job(folder, "tests.ranks.scenarios", *names, n_ranks=2, LRWATCH_STRICT="1")
    assert found.code == 0, found.output
    return found


def both(job: Job, scenario: str) -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = (found[scenario] for found in job.found)
    return first, second


@pytest.mark.parametrize("scenario", TOGETHER)
def test_the_loss_is_the_mean_over_the_ranks_on_each_of_them(job: Job, scenario: str) -> None:
    first, second = both(job, scenario)
    assert first["losses"] == pytest.approx(first["logged"], rel=1e-12)
    assert second["losses"] == first["losses"]
    assert second["verdict"] == first["verdict"]


@pytest.mark.parametrize("scenario", TOGETHER[:-1])
def test_the_norm_is_that_of_all_gradients_before_clipping(job: Job, scenario: str) -> None:
    first, second = both(job, scenario)
    taken = [i for i, norm in enumerate(first["norms"]) if norm is not None]
    assert len(taken) >= 10
    expected = [first["true_norms"][i] for i in taken]
    assert [first["norms"][i] for i in taken] == pytest.approx(expected, rel=1e-5)
    assert second["norms"] == first["norms"]


@pytest.mark.parametrize("scenario", ["ddp", "fsdp", "ddp_acts"])
def test_one_rank_writes(job: Job, scenario: str) -> None:
    written = sorted(path.name for path in (job.folder / scenario / "lrwatch").iterdir())
    assert [name.split(".")[0] for name in written] == ["alerts", "events", "verdict"]


@pytest.mark.parametrize("scenario", ["ddp_acts", "fsdp_acts"])
def test_all_act_alike_at_the_same_step(job: Job, scenario: str) -> None:
    first, second = both(job, scenario)
    assert "rewind" in {kind for kind, *_ in first["actions"]}
    assert second["actions"] == first["actions"]
    assert second["alerts"] == first["alerts"]
    assert second["weights"] == first["weights"]
    assert first["logged"][-1] < first["logged"][0]


@pytest.mark.parametrize("scenario", ["ddp_acts", "fsdp_acts"])
def test_a_nan_of_one_rank_keeps_all_from_that_very_update(job: Job, scenario: str) -> None:
    for found in both(job, scenario):
        assert ["skip", 70] in [action[:2] for action in found["actions"]]
        assert all(map(math.isfinite, found["weights"]))


def test_a_handler_that_saves_the_watch_takes_no_step_from_the_ranks(job: Job) -> None:
    for found, calm in zip(both(job, "one_is_asked"), both(job, "ddp_acts"), strict=True):
        assert found["actions"] == calm["actions"]
        assert found["weights"] == calm["weights"]


def test_shards_and_copies_are_backed_off_alike(job: Job) -> None:
    sharded, copied = both(job, "fsdp_acts")[0], both(job, "ddp_acts")[0]
    assert sharded["actions"] == copied["actions"]
    assert sharded["weights"] == pytest.approx(copied["weights"], rel=1e-3, abs=1e-5)


def test_all_let_go_where_one_is_asked_to(job: Job) -> None:
    first, second = both(job, "disarmed")
    assert first["actions"][-1] == second["actions"][-1] == ["disarm", 20, 1.0, None]
    assert first["reasons"][-1] == "asked for on another rank"
    assert second["reasons"][-1] == "asked for by the user"
    assert first["weights"] == second["weights"]


def test_losses_that_go_backward_before_several_steps_go_to_their_own(job: Job) -> None:
    for found in both(job, "two_losses"):
        assert found["losses"] == found["logged"]


def test_a_rank_that_has_ended_is_waited_for_no_more(job: Job) -> None:
    first, second = both(job, "one_ends_early")
    assert first["losses"][20:] == first["logged"][20:]
    shared = [(a + b) / 2 for a, b in zip(first["logged"], second["logged"], strict=False)]
    assert first["losses"][:20] == shared


def test_no_rank_waits_for_one_that_lags_behind(job: Job) -> None:
    first, second = both(job, "one_lags_behind")
    shared = [(a + b) / 2 for a, b in zip(first["logged"], second["logged"], strict=True)]
    assert first["losses"] == second["losses"] == shared


@pytest.mark.parametrize("scenario", ["one_never_steps", "one_acts"])
def test_a_rank_that_is_alone_in_acting_stops_acting(job: Job, scenario: str) -> None:
    first, _ = both(job, scenario)
    assert first["actions"] == [["disarm", 0, 1.0, None]]
    assert first["reasons"][0].startswith("the ranks have parted, the scale stays 1: ")
    assert first["losses"] == first["logged"]


def test_ranks_that_were_given_other_states_go_on_alike(job: Job) -> None:
    first, second = both(job, "one_is_resumed")
    assert [action[0] for action in first["actions"]] == ["disarm"]
    assert first["actions"][0][2] == second["actions"][0][2] == 0.25
    assert "they were given other settings or states" in first["reasons"][0]
    assert first["weights"] == second["weights"]


def test_a_forked_child_of_a_rank_leaves_the_store_to_its_parent(job: Job) -> None:
    first, second = both(job, "one_forks")
    assert second["codes"] == [0, 0]
    assert second["losses"] == first["losses"]
    assert len(first["losses"]) == 20
