"""The sweep repeats itself to the bit, keeps its folder's format, and can be continued."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.benchmarks.sweep import longer, small_batches, swapped, tables
from tests.benchmarks.sweep.__main__ import (
    LONGER_FOLDER,
    SWAPPED_FOLDER,
    TABLES_FOLDER,
    main,
    sweep,
)
from tests.benchmarks.sweep.floors import FLOORS
from tests.benchmarks.sweep.held_out import HELD_OUT
from tests.benchmarks.sweep.optimizers import Schedule, factor
from tests.benchmarks.sweep.store import outcomes, rows_path
from tests.benchmarks.sweep.third import THIRD
from tests.benchmarks.sweep.training import STEPS_AFTER_NON_FINITE, train
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import MULTIPLIERS, WORKLOADS

BY_KEY = {w.key: w for w in WORKLOADS}
TINY = replace(BY_KEY["blobs_logreg/momentum"], n_steps=30)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_same_seed_and_rate_give_the_same_rows_and_losses() -> None:
    first, second = (train(TINY, seed=3, lr=0.03) for _ in range(2))
    assert np.array_equal(first.rows, second.rows)
    assert (first.initial, first.final) == (second.initial, second.final)


def test_another_seed_gives_other_rows_of_the_same_shape() -> None:
    first, second = (train(TINY, seed=seed, lr=0.03) for seed in (0, 1))
    assert first.rows.shape == second.rows.shape == (30, 3)
    assert not np.array_equal(first.rows[:, 0], second.rows[:, 0])


def test_all_rates_start_from_the_same_weights_and_the_same_batch() -> None:
    low, high = (train(TINY, seed=0, lr=lr) for lr in (1e-4, 1.0))
    assert low.initial == high.initial
    assert low.rows[0, :2].tolist() == high.rows[0, :2].tolist()


def test_a_run_stops_soon_after_it_became_non_finite() -> None:
    run = train(replace(BY_KEY["linear_regression/sgd"], n_steps=400), seed=0, lr=30.0)
    bad = np.flatnonzero(~np.isfinite(run.rows).all(1))
    assert 0 < bad[0] < 300
    assert len(run.rows) == bad[0] + STEPS_AFTER_NON_FINITE
    assert run.final == float("inf")


@pytest.mark.parametrize(
    "workload", WORKLOADS + tables.TABLES + HELD_OUT + FLOORS, ids=lambda w: w.key
)
def test_every_workload_trains_at_its_centre(workload: Workload) -> None:
    run = train(replace(workload, n_steps=3), seed=0, lr=workload.centre)
    assert run.rows.shape == (3, 3)
    assert np.isfinite(run.rows).all()
    assert np.isfinite([run.initial, run.final]).all()


def test_the_workloads_over_tables_are_further_ones() -> None:
    keys = {w.key for w in tables.TABLES}
    assert len(keys) == len(tables.TABLES) == 40
    assert keys.isdisjoint(BY_KEY)


def test_the_workloads_held_out_are_in_no_sweep_that_anything_is_fitted_to() -> None:
    keys = {w.key for w in HELD_OUT}
    assert len(keys) == len(HELD_OUT)
    assert keys.isdisjoint(BY_KEY)
    assert keys.isdisjoint(w.key for w in tables.TABLES)


def test_the_swapped_workloads_are_each_known_one_under_another_optimizer() -> None:
    known = {w.key: w for w in (*WORKLOADS, *tables.TABLES)}
    names = [w.name for w in swapped.SWAPPED]
    assert len(names) == len(set(names)) == 65
    assert set(names) == {w.name for w in known.values() if not w.surrogate}
    assert not {w.key for w in swapped.SWAPPED} & set(known)


def test_the_swapped_sweep_has_its_own_folder_and_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = tuple(replace(w, n_steps=2) for w in swapped.SWAPPED if w.name == "iris_mlp")
    monkeypatch.setattr(swapped, "SWAPPED", tiny)
    monkeypatch.setattr("sys.argv", ["sweep", "--swapped"])
    monkeypatch.setattr(torch, "set_flush_denormal", lambda on: on)
    monkeypatch.chdir(tmp_path)
    main()
    assert {(o.name, o.seed) for o in outcomes(SWAPPED_FOLDER)} == {(tiny[0].key, swapped.SEED)}


@pytest.mark.parametrize(("flags", "seeds"), [([], [0, 1]), (["--seeds", "2"], [2])])
def test_the_sweep_over_tables_has_its_own_folder_and_seeds(
    flags: list[str], seeds: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = [replace(w, n_steps=2) for w in tables.SECOND if w.name == "iris_mlp"]
    monkeypatch.setattr(tables, "SEEDS", ((tiny, (0, 1)),))
    monkeypatch.setattr("sys.argv", ["sweep", "--tables", *flags])
    monkeypatch.setattr(torch, "set_flush_denormal", lambda on: on)
    monkeypatch.chdir(tmp_path)
    main()
    runs = [(o.name, o.seed) for o in outcomes(TABLES_FOLDER)]
    assert runs == [("iris_mlp/momentum", s) for s in seeds for _ in MULTIPLIERS]


def test_the_longer_sweep_has_fewer_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longer, "LONGER", (TINY,))
    monkeypatch.setattr("sys.argv", ["sweep", "--longer"])
    monkeypatch.setattr(torch, "set_flush_denormal", lambda on: on)
    monkeypatch.chdir(tmp_path)
    main()
    runs = list(outcomes(LONGER_FOLDER))
    assert [o.lr for o in runs] == pytest.approx([TINY.centre * f for f in longer.FACTORS])
    assert {o.seed for o in runs} == {longer.SEED}


def test_its_workloads_are_known_ones_eight_times_as_long() -> None:
    plain = {w.key: w for w in (*WORKLOADS, *THIRD) if not w.surrogate}
    assert {w.key: w.n_steps for w in longer.LONGER} == {k: 8 * w.n_steps for k, w in plain.items()}
    assert [round(2 * math.log10(f), 9) for f in longer.FACTORS] == [-4, -3, -2, -1, 0, 1]


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("constant", {0: 1.0, 50: 1.0, 99: 1.0}),
        ("step_decay", {49: 1.0, 50: 0.1, 79: 0.1, 80: 0.01}),
        ("warmup_cosine", {0: 0.01, 4: 0.505, 8: 1.0, 54: 0.505}),
        ("one_cycle", {0: 0.04, 15: 0.52, 30: 1.0, 65: 0.50005}),
    ],
)
def test_schedule_multiplies_the_peak_rate(schedule: Schedule, shares: dict[int, float]) -> None:
    assert {k: factor(schedule, k, 100) for k in shares} == pytest.approx(shares)


def test_folder_holds_a_line_and_the_rows_of_every_rate(tmp_path: Path) -> None:
    sweep(tmp_path, [TINY], [0])
    lines = list(outcomes(tmp_path))
    assert [o.mult for o in lines] == [f"{m:.5g}" for m in MULTIPLIERS]
    assert [o.lr for o in lines] == pytest.approx([0.03 * m for m in MULTIPLIERS])
    for line in lines:
        with np.load(rows_path(tmp_path, line.name, 0, line.mult)) as kept:
            assert kept["rows"].shape == (line.n_steps, 3)
            assert kept["rows"].dtype == np.float64
            assert kept["rows"][0, 2] == line.lr


def test_a_second_sweep_trains_only_what_is_missing(tmp_path: Path) -> None:
    sweep(tmp_path, [TINY], [0])
    path = tmp_path / "outcomes.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    sweep(tmp_path, [TINY], [0])
    assert path.read_text().splitlines(keepends=True) == lines


def test_tiny_batches_are_one_to_four_samples_of_nets_that_can_learn_from_them() -> None:
    found = {w.key: w for w in small_batches.small_batches()}
    sizes = {key: len(next(w.build(0).batches)) for key, w in found.items()}  # type: ignore[attr-defined]
    assert set(sizes.values()) == {1, 2, 4}
    plain = {w.key: w for w in (*WORKLOADS, *THIRD)}
    assert found.keys() < plain.keys()
    assert not [key for key in found if "_bn" in key]
    assert all(w.centre < plain[key].centre for key, w in found.items())
    assert max(w.n_steps for w in found.values()) == small_batches.MOST_STEPS
