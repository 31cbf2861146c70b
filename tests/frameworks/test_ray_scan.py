"""A scan on Ray says what a scan on this machine says, and one killed worker hides no other run."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from click.testing import CliRunner

from lrwatch.cli import main
from lrwatch.errors import LrwatchError
from lrwatch.reviewing.cluster import scan_on_ray
from lrwatch.reviewing.scan import scan

N_RUNS = 12


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", PYTHONPATH=str(Path(__file__).parents[2]))
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=80_000_000,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()
    del os.environ["PYTHONPATH"]


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    for i in range(N_RUNS):
        rows = "".join(f"{k},{(1 + i % 3) / (k + 1)}\n" for k in range(300))
        (tmp_path / f"{i:02}.csv").write_text("step,loss\n" + rows)
    (tmp_path / "05.csv").write_bytes(b"\x1f\x8b")
    return sorted(map(str, tmp_path.iterdir()))


def test_it_says_what_a_scan_on_this_machine_says(runs: list[str]) -> None:
    found = list(scan_on_ray(runs, {}, address="local"))
    assert found == list(scan(runs, {}, n_jobs=1))
    assert [summary.run for summary in found] == runs
    assert "gzip" in found[5].error


def test_the_command_takes_an_address_and_relative_paths(
    runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(runs[0]).parent)
    done = CliRunner().invoke(main, ["scan", "--json", "--ray", "local", "."])
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(run["run"], run["n_steps"]) for run in found][:2] == [("00.csv", 300), ("01.csv", 300)]
    assert (len(found), done.exit_code) == (N_RUNS - 1, 0)  # what begins as an archive is no log


def test_a_worker_that_dies_costs_its_run(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(run: str, asked: object) -> object:
        if run.endswith("03.csv"):
            os._exit(9)
        from lrwatch.reviewing.summary import summary_or_error

        return summary_or_error(run, {})

    monkeypatch.setattr("lrwatch.reviewing.cluster.summary_or_error", judged)
    found = list(scan_on_ray(runs, {}, address="local"))
    assert found[3].error == "the process that read it was killed (out of memory?)"
    assert [summary.n_steps for summary in found if summary.run not in (runs[3], runs[5])] == [
        300
    ] * 10


def test_what_is_no_address_is_named() -> None:
    with pytest.raises(LrwatchError, match=r"must be local, auto, host:port .*, got 'runs'"):
        scan_on_ray([], {}, address="runs")
