"""Where a log says its step twice, the column is read that counts on from loss to loss."""

import json
from pathlib import Path

import pytest

from lrwatch.errors import LrwatchError
from lrwatch.readers.columns import resolve
from lrwatch.readers.growing import GrowingLog
from lrwatch.readers.reading import read


@pytest.mark.parametrize(
    ("first", "second", "step"),
    [
        ("_step", "train/global_step", "train/global_step"),
        ("_step", "trainer/global_step", "trainer/global_step"),
        ("step", "_step", "step"),
        ("step", "train_step", "step"),
        ("iteration", "iter", "iter"),
        ("num_updates", "update", "update"),
        ("total_timesteps", "timesteps", "timesteps"),
        ("batch_idx", "batch", "batch"),
        ("current_epoch", "epoch", "epoch"),
    ],
)
def test_of_two_names_of_the_step_one_is_chosen(first: str, second: str, step: str) -> None:
    rows = [{first: float(i), second: float(i), "loss": 1.0} for i in range(4)]
    assert resolve(dict.fromkeys(rows[0], 4), {}).step == step
    assert resolve(dict.fromkeys(rows[0], 4), {}, rows).step == step


@pytest.mark.parametrize(
    "other",
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.5, 1.0, 1.5, 2.0, 2.5],
        [0.0, 1.0, 2.0, 0.0, 1.0],
        [0.0, 1.0, 1.0, 2.0, 3.0],
        [0.0, 1.0, 2.0, 3.0],
    ],
    ids=["stands still", "fractions", "falls", "repeats", "lacks a row"],
)
def test_the_step_counts_on_from_loss_to_loss(other: list[float]) -> None:
    rows: list[dict[str, float]] = [{"iteration": float(i), "loss": 1.0} for i in range(5)]
    for row, value in zip(rows, other, strict=False):
        row["iter"] = value
    assert resolve({"iter": 5, "iteration": 5, "loss": 5}, {}, rows).step == "iteration"


def test_one_step_that_is_not_finite_spoils_no_column() -> None:
    rows = [{"step": float(i), "epoch": float(i // 2), "loss": 1.0} for i in range(6)]
    rows[3]["step"] = float("inf")
    assert resolve(dict.fromkeys(rows[0], 6), {}, rows).step == "step"


def test_a_global_step_that_stands_still_yields_to_a_step() -> None:
    rows = [{"global_step": float(i // 8), "step": float(i), "loss": 1.0} for i in range(40)]
    assert resolve(dict.fromkeys(rows[0], 40), {}, rows).step == "step"


def test_a_step_that_never_stands_beside_the_loss_is_none() -> None:
    rows = [{"step": 1.0, "aux_loss": 1.0}, {"iter": 1.0, "loss": 1.0}] * 4
    assert resolve({"step": 4, "aux_loss": 4, "iter": 4, "loss": 4}, {}, rows).step == "iter"


@pytest.mark.parametrize(
    "names",
    [("train/global_step", "train/loss"), ("trainer/global_step", "train_loss")],
    ids=["Hugging Face", "Lightning"],
)
def test_a_history_of_wandb_goes_by_the_step_of_the_trainer(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    path = tmp_path / "history.jsonl"
    rows = [{"_step": i, names[0]: 10 * i, names[1]: 2.0} for i in range(6)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert [step.step for step in read(path)] == [0, 10, 20, 30, 40, 50]
    log = GrowingLog(path, {})
    assert [s.step for s in [*log.poll(), *log.settle()]] == [0, 10, 20, 30, 40, 50]
    log.close()


def test_a_step_that_is_on_no_line_of_the_loss_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    lines = (f"steps: {i} loss: 4.0\niteration {i}/ 99 | lm_loss: 2.0 |\n" for i in range(6))
    path.write_text("".join(lines))
    assert [(step.step, step.loss) for step in read(path)] == [(i, 2.0) for i in range(6)]


def test_a_step_that_is_asked_for_and_on_no_line_of_the_loss_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"tick": 1, "norm": 2}\n{"loss": 2, "step": 1}\n' * 5)
    words = "no line has both the step 'tick' and 'loss'"
    with pytest.raises(LrwatchError, match=f"log.jsonl: {words}"):
        read(path, step="tick")
    log = GrowingLog(path, {"step": "tick"})
    assert list(log.poll()) == []
    assert words in str(log.problem)
    log.close()


def test_where_no_step_can_be_a_number_of_a_step_the_losses_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n" + "1e30,2\n" * 3)
    assert [step.step for step in read(path)] == [0, 1, 2]


def test_a_line_of_fairseq_in_json_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    line = '| INFO | train_inner | {{"epoch": 1, "update": {}, "loss": "2.5", "num_updates": "{}"}}'
    path.write_text("".join(line.format(i / 1000, 100 * i) + "\n" for i in range(1, 5)))
    assert [(step.step, step.loss) for step in read(path)] == [(100 * i, 2.5) for i in range(1, 5)]
