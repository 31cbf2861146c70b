"""Tables with a header: whose header changes, whose cells are written in other ways."""

from pathlib import Path

import pytest

from lrwatch.readers.reading import Reading, read


def reading(path: Path, text: str) -> Reading:
    path.write_text(text)
    return read(path)


def test_the_range_of_a_smoothed_curve_is_no_curve(tmp_path: Path) -> None:
    names = '"Step","run-1 - train/loss","run-1 - train/loss__MIN","run-1 - train/loss__MAX"\n'
    rows = "".join(f'"{i}","{i}.5","1","9"\n' for i in range(4))
    found = reading(tmp_path / "wandb_export.csv", names + rows)
    assert [(step.step, step.loss) for step in found] == [(i, i + 0.5) for i in range(4)]
