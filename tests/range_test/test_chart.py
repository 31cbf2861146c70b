"""What a finding looks like: in a terminal, as a picture, as JSON."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrwatch.errors import LrwatchError
from lrwatch.range_test.chart import chart, table
from lrwatch.range_test.finding import LrFinding, none_found
from lrwatch.range_test.picture import save_picture
from tests.range_test.streams import found, quadratic

FINDING = found(quadratic(0.02, noise=0.05))


def test_the_curve_falls_to_the_suggestion_and_leaves_beyond() -> None:
    lines = chart(FINDING, width=60, height=10).splitlines()
    assert len(lines) == 12
    assert lines[-1].split() == ["1e-06", f"{FINDING.ramp.lrs[-1]:.2g}", "rate"]
    columns = [line.find("|", 11) for line in lines[:10] if line.find("|", 11) > 0]
    assert len(set(columns)) == 1
    assert "^" in lines[0]
    assert lines[9].split("|", 1)[1].strip(" |*") == ""
    assert lines[0].index("^") > columns[0]


def test_without_a_curve_there_is_no_chart() -> None:
    assert chart(none_found("nothing")) == ""
    assert table(none_found("nothing")) == ""


def test_a_flat_curve_is_a_line() -> None:
    rows = chart(found(lambda run: [1.0] * len(run.lrs)), height=5).splitlines()[:5]
    assert [("*" in row) for row in rows].count(True) == 1


def test_trials_stand_in_the_order_of_their_rates_with_what_they_gained() -> None:
    lines = table(FINDING).splitlines()[1:]
    rates = [float(line.split()[0]) for line in lines]
    assert rates == sorted(rates)
    assert max(line.count("#") for line in lines) == 24


def test_a_trial_that_broke_off_is_said_to_have_left() -> None:
    hot = found(quadratic(0.02, noise=0.05))
    trials = (*hot.trials, type(hot.trials[0])(lr=9.0, gain=float("-inf"), error=1.0, n_steps=3))
    told = LrFinding(lr=None, low=None, high=None, reason="", ramp=hot.ramp, trials=trials)
    assert table(told).splitlines()[-1].split() == ["9", "left"]


@pytest.mark.parametrize("finding", [FINDING, none_found("nothing"), found(quadratic(1e-8))])
def test_a_picture_is_drawn_of_any_finding(finding: LrFinding, tmp_path: Path) -> None:
    save_picture(finding, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_kind_of_picture_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(LrwatchError, match=r"curve\.xyz"):
        save_picture(FINDING, tmp_path / "curve.xyz")


@pytest.mark.parametrize("finding", [FINDING, none_found("nothing"), found(quadratic(1e-8))])
def test_a_finding_survives_json(finding: LrFinding) -> None:
    sent = json.dumps(finding.to_dict(), allow_nan=False)
    back = LrFinding.from_dict(json.loads(sent))
    assert json.dumps(back.to_dict()) == sent


def test_a_finding_is_told_in_a_line() -> None:
    assert str(FINDING).startswith(f"rate {FINDING.lr:.2g}, range {FINDING.low:.2g} to ")
    assert str(none_found("nothing")) == "no rate can be suggested: nothing"


def test_a_notebook_shows_a_finding_in_words_and_as_a_picture() -> None:
    shown: list[str] = []
    FINDING._repr_pretty_(SimpleNamespace(text=shown.append), False)
    assert shown == ["\n".join([str(FINDING), *FINDING.advice, *FINDING.notes])]
    assert FINDING.plot()._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
