"""Tables with a header: whose header changes, whose cells are written in other ways."""

from pathlib import Path

import pytest

from lrwatch.errors import LrwatchError
from lrwatch.readers.reading import Reading, read


def reading(path: Path, text: str) -> Reading:
    path.write_text(text)
    return read(path)


def test_the_range_of_a_smoothed_curve_is_no_curve(tmp_path: Path) -> None:
    names = '"Step","run-1 - train/loss","run-1 - train/loss__MIN","run-1 - train/loss__MAX"\n'
    rows = "".join(f'"{i}","{i}.5","1","9"\n' for i in range(4))
    found = reading(tmp_path / "wandb_export.csv", names + rows)
    assert [(step.step, step.loss) for step in found] == [(i, i + 0.5) for i in range(4)]


def test_a_run_that_goes_on_with_another_column_has_a_new_header(tmp_path: Path) -> None:
    old = "step,loss,lr\n" + "".join(f"{i},2.0,0.5\n" for i in range(4))
    new = "step,loss,grad_norm,lr\n" + "".join(f"{i},2.0,1.5,0.5\n" for i in range(4, 8))
    found = reading(tmp_path / "log.csv", old + new)
    steps = [(step.step, step.loss, step.grad_norm, step.lr) for step in found]
    assert steps[:4] == [(i, 2.0, None, 0.5) for i in range(4)]
    assert steps[4:] == [(i, 2.0, 1.5, 0.5) for i in range(4, 8)]
    assert found.n_damaged == 0


def test_a_new_header_of_as_many_columns_counts_too(tmp_path: Path) -> None:
    found = reading(tmp_path / "log.csv", "step,loss,acc\n0,2,9\n1,2,9\nstep,acc,loss\n2,9,2\n")
    assert [(step.step, step.loss) for step in found] == [(0, 2), (1, 2), (2, 2)]
    assert found.n_damaged == 0


def test_a_line_of_words_is_no_new_header(tmp_path: Path) -> None:
    text = "step,loss,lr\n0,2,0.5\nsaved, to disk\nn/a,n/a,n/a\n1,2,0.5\n"
    found = reading(tmp_path / "log.csv", text)
    assert [(step.step, step.loss, step.lr) for step in found] == [(0, 2, 0.5), (1, 2, 0.5)]
    assert found.n_damaged == 1


def test_a_table_of_markdown_is_read(tmp_path: Path) -> None:
    rows = "".join(f"| {i} | 2.0 |\n" for i in range(4))
    found = reading(tmp_path / "notes.txt", "| step | loss |\n|---|---|\n" + rows)
    assert [step.step for step in found] == [0, 1, 2, 3]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_comma_is_a_point_where_it_separates_no_cells(tmp_path: Path, delimiter: str) -> None:
    lines = ["step;loss;lr", "1;2,5;0,001", "2;-,25;1,5e-3", "1,000,000;1;0.5"]
    found = list(reading(tmp_path / "log", "\n".join([*lines, ""]).replace(";", delimiter)))
    assert [(step.step, step.loss, step.lr) for step in found] == [
        (1, 2.5, 0.001),
        (2, -0.25, 0.0015),
        (1_000_000, 1.0, 0.5),
    ]


def test_groups_of_thousands_in_quotes_are_one_number(tmp_path: Path) -> None:
    rows = "".join(f'"{i * 1000:,}",2.5\n' for i in range(4))
    found = reading(tmp_path / "log.csv", "step,loss\n" + rows)
    assert [step.step for step in found] == [0, 1000, 2000, 3000]


@pytest.mark.parametrize(
    "remarks", ["# run of today\n# seed 3\n", "# by Ann, on Monday\n", "# lr=0.1, momentum=0.9\n"]
)
def test_remarks_above_the_header_are_passed_over(tmp_path: Path, remarks: str) -> None:
    rows = "".join(f"{i},2.5,0.5\n" for i in range(4))
    found = reading(tmp_path / "log.csv", f"{remarks}step,loss,lr\n{rows}")
    assert [(step.step, step.loss, step.lr) for step in found] == [(i, 2.5, 0.5) for i in range(4)]
    assert found.n_damaged == 0


def test_a_header_that_looks_like_a_remark_is_one(tmp_path: Path) -> None:
    found = reading(tmp_path / "log.csv", "#step,loss\n1,2.5\n2,2.5\n")
    assert [step.step for step in found] == [1, 2]


def test_a_curve_downloaded_from_tensorboard_is_taken_for_the_loss(tmp_path: Path) -> None:
    rows = "".join(f"1700000000.5,{i * 10},2.5\n" for i in range(4))
    found = reading(tmp_path / "run.csv", f"Wall time,Step,Value\n{rows}")
    assert [(step.step, step.loss) for step in found] == [(i * 10, 2.5) for i in range(4)]
    assert found.format == "tensorboard-csv"
    assert "taken for the loss" in found.notes[0]


def test_of_the_rates_of_several_groups_the_first_counts(tmp_path: Path) -> None:
    text = '{"step": 1, "loss": 2.5, "lr": [0.5, 0.25], "shape": [3, 4]}\n'
    assert [step.lr for step in reading(tmp_path / "log.jsonl", text)] == [0.5]
    text = '{"step": 1, "loss": 2.5, "optim": {"lr": [0.5]}, "lrs": []}\n'
    assert [step.lr for step in reading(tmp_path / "log.jsonl", text)] == [0.5]


@pytest.mark.parametrize("row", ["{i},{i}.5\n", '"{i}","{i}.5"\n', "{i}\tnan\n"])
def test_a_table_without_names_is_told_to_be_one(tmp_path: Path, row: str) -> None:
    text = "".join(row.format(i=i) for i in range(30))
    with pytest.raises(LrwatchError, match="a table without names; expected a first line"):
        reading(tmp_path / "losses.csv", text)
