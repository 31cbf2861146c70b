"""Four processes: gradients that are split, copied, or both."""

import pytest

from tests.ranks.job import Job, run_job

SEEN = ["ddp", "fsdp_in_copies", "fsdp_and_tensor_parallel"]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("four_ranks")
    names = (*SEEN, "fsdp_acts")
    found = run_job(folder, "tests.ranks.scenarios", *names, n_ranks=4, LRWATCH_STRICT="1")
    assert found.code == 0, found.output
    return found


@pytest.mark.parametrize("scenario", SEEN)
def test_all_see_the_mean_loss_and_the_whole_norm(job: Job, scenario: str) -> None:
    first, *others = (found[scenario] for found in job.found)
    taken = [i for i, norm in enumerate(first["norms"]) if norm is not None]
    assert len(taken) == 10
    assert first["losses"] == pytest.approx(first["logged"], rel=1e-12)
    expected = [first["true_norms"][i] for i in taken]
    assert [first["norms"][i] for i in taken] == pytest.approx(expected, rel=1e-5)
    for found in others:
        assert (found["losses"], found["norms"]) == (first["losses"], first["norms"])


def test_all_act_alike(job: Job) -> None:
    first, *others = (found["fsdp_acts"] for found in job.found)
    assert {"rewind", "skip"} <= {kind for kind, *_ in first["actions"]}
    assert ["skip", 70] in [action[:2] for action in first["actions"]]
    for found in others:
        assert (found["actions"], found["weights"]) == (first["actions"], first["weights"])
