"""scan, check and tags: whole output, exit codes, and hostile names that stay words."""

import csv
import io
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrwatch.cli import main
from lrwatch.records import Alert
from lrwatch.sinks.ledger import Ledger

CSV = "step,loss\n0,1.5\n1,1.25\n"
DIVERGED = Alert(
    kind="divergence",
    severity="critical",
    step=120,
    onset=100,
    message="loss 9.5 is above 1.2",
    advice="lower the rate to 1e-4",
    verdict="too_high",
)
SHOUTING = Alert(kind="stall", severity="warning", step=1, onset=0, message="::error::\x1b[31m\n%,")


def lrwatch(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def watched(run: Path, *alerts: Alert) -> Path:
    ledger = Ledger(run / "lrwatch" / "alerts.jsonl")
    ledger.open_segment()
    for alert in alerts:
        ledger.write(alert)
    return run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    watched(tmp_path / "runs/a", DIVERGED)
    (tmp_path / "runs/b.csv").write_text(CSV)
    (tmp_path / "runs/gan.csv").write_text("step,loss_G,loss_D\n0,1,2\n1,1,2\n")
    return Path("runs")


def test_scan_shows_every_run_with_what_was_found_and_what_to_try(runs: Path) -> None:
    done = lrwatch("scan", runs)
    assert done.stdout == (
        "verdict     worst      onset        steps  format        run\n"
        "undecided   -              -            2  csv           runs/b.csv\n"
        "unreadable  -              -            -  -             runs/gan.csv\n"
        "            2 columns may be the loss: 'loss_G', 'loss_D'; say which with --loss\n"
        "too_high    CRIT         100            -  lrwatch       runs/a\n"
        "            divergence: loss 9.5 is above 1.2\n"
        "            try: lower the rate to 1e-4\n"
    )
    assert done.stderr.splitlines() == [
        "3 runs: 1 undecided, 1 unreadable, 1 too_high",
        "undecided: 1 with fewer than the 200 steps that a verdict takes",
    ]
    assert done.exit_code == 0


def test_scan_takes_the_columns_that_are_said(runs: Path) -> None:
    done = lrwatch("scan", "--loss", "loss_G+loss_D", runs / "gan.csv")
    assert done.stdout.splitlines()[1].split() == [
        "undecided",
        "-",
        "-",
        "2",
        "csv",
        "runs/gan.csv",
    ]


def test_scan_in_several_processes_says_the_same(runs: Path) -> None:
    assert lrwatch("scan", "-j", 2, runs).stdout == lrwatch("scan", "-j", 1, runs).stdout


def test_scan_as_json_is_one_object_a_line(runs: Path) -> None:
    found = [json.loads(line) for line in lrwatch("scan", "--json", runs).stdout.splitlines()]
    assert [(run["run"], run["verdict"]) for run in found] == [
        ("runs/b.csv", "undecided"),
        ("runs/gan.csv", None),
        ("runs/a", "too_high"),
    ]
    assert found[2]["worst"]["advice"] == DIVERGED.advice
    assert (found[2]["onset"], found[2]["n_alerts"], found[2]["v"]) == (100, 1, 1)


def test_scan_as_csv_can_be_read_back_and_holds_no_formula(tmp_path: Path) -> None:
    watched(tmp_path / "a", replace(DIVERGED, message="=1+1", advice='@x, "y"'))
    (found,) = csv.DictReader(io.StringIO(lrwatch("scan", "--csv", tmp_path).stdout))
    assert found == {
        "run": str(tmp_path / "a"),
        "format": "lrwatch",
        "verdict": "too_high",
        "steps": "0",
        "onset": "100",
        "kind": "divergence",
        "severity": "critical",
        "message": "'=1+1",
        "advice": '\'@x, "y"',
    }


def test_scan_of_nothing_says_so(tmp_path: Path) -> None:
    done = lrwatch("scan", tmp_path)
    assert (done.stdout, done.stderr, done.exit_code) == ("", "no runs\n", 3)


@pytest.mark.parametrize("command", ["scan", "check", "tags"])
def test_a_path_that_is_missing_is_one_line_and_code_3(tmp_path: Path, command: str) -> None:
    done = lrwatch(command, tmp_path / "missing")
    assert done.exit_code == 3
    assert done.stderr.startswith(f"Error: {tmp_path / 'missing'}: ")
    assert done.stderr.count("\n") == 1 + (command == "scan")


def test_a_path_that_is_missing_does_not_hide_the_others(runs: Path) -> None:
    done = lrwatch("scan", "missing", runs / "b.csv")
    assert done.stdout.splitlines()[1].endswith("runs/b.csv")
    assert done.stderr.startswith("Error: missing: no such file or folder\n")
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("alerts", "fail_on", "code"),
    [
        ([], "warning", 0),
        ([SHOUTING], "critical", 0),
        ([SHOUTING], "warning", 10),
        ([SHOUTING, DIVERGED], "warning", 20),
        ([DIVERGED], "critical", 20),
    ],
)
def test_check_ends_with_the_code_of_the_worst_alert(
    tmp_path: Path, alerts: list[Alert], fail_on: str, code: int
) -> None:
    run = watched(tmp_path, *alerts)
    assert lrwatch("check", "--fail-on", fail_on, run).exit_code == code


def test_check_fails_for_a_log_that_lrwatch_did_not_write(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    losses = [1 / (1 + i) if i < 500 else math.nan for i in range(600)]
    path.write_text("step,loss\n" + "".join(f"{i},{loss}\n" for i, loss in enumerate(losses)))
    done = lrwatch("check", "--fail-on", "warning", path)
    assert done.exit_code in (10, 20)
    assert "non_finite from step 500" in done.stdout


def test_check_shows_the_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    watched(tmp_path / "run", SHOUTING, DIVERGED)
    assert lrwatch("check", "run").stdout == (
        "run: too_high (lrwatch, 0 steps)\n"
        "  WARN  stall from step 0: ::error::[31m %,\n"
        "  CRIT  divergence from step 100: loss 9.5 is above 1.2; try: lower the rate to 1e-4\n"
    )


def test_a_recovery_is_no_alert_of_its_own(tmp_path: Path) -> None:
    over = replace(DIVERGED, state="closed", severity="info", message="it came back")
    run = watched(tmp_path, DIVERGED, over)
    assert "came back" not in lrwatch("check", run).stdout
    assert json.loads(lrwatch("scan", "--json", run).stdout)["n_alerts"] == 1


def test_check_tells_of_a_trouble_that_grew_once(tmp_path: Path) -> None:
    raised = replace(DIVERGED, state="raised", step=130)
    other = replace(DIVERGED, onset=300, step=310)
    opened = replace(DIVERGED, severity="warning")
    done = lrwatch("check", watched(tmp_path / "run", opened, raised, other))
    assert [line.split()[:5] for line in done.stdout.splitlines() if "divergence" in line] == [
        ["CRIT", "divergence", "from", "step", "100:"],
        ["CRIT", "divergence", "from", "step", "300:"],
    ]


def test_check_speaks_to_github_and_an_alert_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    watched(tmp_path / "run", SHOUTING, DIVERGED)
    assert lrwatch("check", "--format", "github", "run").stdout == (
        "::notice title=lrwatch::run: too_high\n"
        "::warning title=lrwatch%3A stall::run: stall from step 0: ::error::[31m %25,\n"
        "::error title=lrwatch%3A divergence::run: divergence from step 100: loss 9.5 is above 1.2;"
        " try: lower the rate to 1e-4\n"
    )


def test_check_adds_a_table_to_the_summary_of_a_job_that_no_alert_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = replace(SHOUTING, message="<img src=x>|[a](b)`c`", advice="\x1b\n# title")
    watched(tmp_path / "run", hostile)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert lrwatch("check", "--step-summary", "run").exit_code == 0
    assert (tmp_path / "summary.md").read_text() == (
        "### lrwatch: run: undecided\n\n"
        "| level | what | from step | seen | to try |\n|---|---|---:|---|---|\n"
        "| warning | stall | 0 | &lt;img src=x&gt;&#124;&#91;a&#93;&#40;b&#41;&#96;c&#96; "
        "|  &#35; title |\n\n"
    )


def test_check_asked_for_a_summary_without_a_job_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert lrwatch("check", "--step-summary", watched(tmp_path, SHOUTING)).exit_code == 0


def test_check_as_json_is_one_object(tmp_path: Path) -> None:
    run = watched(tmp_path, DIVERGED)
    found = json.loads(lrwatch("check", "--format", "json", run).stdout)
    assert (found["verdict"], found["format"], found["n_steps"]) == ("too_high", "lrwatch", 0)
    assert [alert["kind"] for alert in found["alerts"]] == ["divergence"]


def test_check_of_a_tie_is_wrong_usage(runs: Path) -> None:
    done = lrwatch("check", runs / "gan.csv")
    assert done.exit_code == 2
    assert "2 columns may be the loss" in done.stderr


def test_tags_shows_what_each_column_is_taken_for(runs: Path) -> None:
    (runs / "log.csv").write_text("step,train_loss,val_loss,lr\n0,1,2,3\n")
    assert lrwatch("tags", runs / "log.csv").stdout == (
        "runs/log.csv: csv\n"
        "  step       step\n"
        "  loss       train_loss\n"
        "  grad_norm  -\n"
        "  lr         lr\n"
        "             val_loss\n"
    )


def test_tags_shows_a_tie_and_takes_an_answer(runs: Path) -> None:
    line = "  loss       ? 2 columns may be the loss: 'loss_G', 'loss_D'; say which with --loss"
    assert line in lrwatch("tags", runs / "gan.csv").stdout.splitlines()
    answered = lrwatch("tags", "--loss", "loss_D", runs / "gan.csv")
    assert "  loss       loss_D" in answered.stdout.splitlines()


def test_tags_tells_what_is_known_about_the_format(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    path.write_text('{"log_history": [{"loss": 1.0, "step": 1}]}')
    assert "note: every loss is the mean over logging_steps steps" in lrwatch("tags", path).stdout


def test_tags_knows_what_a_format_always_means(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,train_loss\n0,1,2\n1,1,2\n")
    assert "  loss       loss" in lrwatch("tags", path).stdout.splitlines()


def test_tags_prints_the_table_of_names() -> None:
    done = lrwatch("tags", "--rules")
    assert "  loss       lm_loss(_1)?|lm_loss_training" in done.stdout.splitlines()
    assert done.exit_code == 0


def test_hostile_names_of_runs_and_columns_cannot_steer_the_terminal(tmp_path: Path) -> None:
    escape = "\x1b]0;owned\x07\x9b2J\u202e"
    path = tmp_path / f"a{escape}\n::error::.csv"
    path.write_text(f"step,loss{escape}_G,loss{escape}_D\n0,1,2\n1,1,2\n")
    for command in ("scan", "check", "tags"):
        done = lrwatch(command, path)
        shown = (done.stdout + done.stderr).replace("\n", "")
        assert "owned" in shown
        assert shown.isprintable()


def test_scan_on_ray_says_what_to_install_where_it_is_missing(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = lrwatch("scan", "--ray", "local", runs)
    assert done.exit_code == 1
    assert done.stderr == "Error: --ray needs Ray: pip install 'lrwatch[ray]'\n"


def test_scan_on_ray_needs_an_address(runs: Path) -> None:
    done = lrwatch("scan", "--ray", "elsewhere", runs)
    assert done.exit_code == 1
    assert "--ray must be local, auto, host:port or ray://host:port, got 'elsewhere'" in done.stderr
    assert lrwatch("scan", "--ray", "local", "-j", 2, runs).exit_code == 2
