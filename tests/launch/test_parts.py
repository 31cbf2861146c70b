"""The parts of ``lrwatch run``, each in this process."""

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from lrwatch.launch import place
from lrwatch.launch.closing_line import Summary, Trained, closing_line
from lrwatch.launch.command import command_line
from lrwatch.launch.on_import import when_imported
from lrwatch.launch.plan import Plan
from lrwatch.loop.watch import Watch

BEFORE = ("RANK", "WORLD_SIZE", "TORCHELASTIC_RESTART_COUNT")


@pytest.fixture(autouse=True)
def no_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BEFORE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    finders = list(sys.meta_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("waited_for", "other"):
        sys.modules.pop(name, None)
    assert sys.meta_path == finders


def test_a_module_is_handed_over_once_its_own_code_has_run(importable: Path) -> None:
    (importable / "waited_for.py").write_text("x = 1")
    (importable / "other.py").write_text("")
    seen: list[ModuleType] = []
    when_imported("waited_for", seen.append)
    import_module("other")
    assert seen == []
    module = import_module("waited_for")
    assert seen == [module]
    assert module.x == 1
    assert "exec_module" not in vars(module.__loader__)


def test_a_module_that_is_there_is_handed_over_at_once() -> None:
    seen: list[ModuleType] = []
    when_imported("os", seen.append)
    assert seen == [os]


def test_a_module_that_fails_or_is_not_found_fails_as_before(importable: Path) -> None:
    (importable / "waited_for.py").write_text("1 / 0")
    seen: list[ModuleType] = []
    when_imported("waited_for", seen.append)
    with pytest.raises(ZeroDivisionError):
        import_module("waited_for")
    when_imported("no_such_module", seen.append)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        import_module("no_such_module")
    assert seen == []


def test_a_plan_arrives_as_it_was_sent_and_the_users_path_stays() -> None:
    plan = Plan(run_dir="/runs/ä b", is_chosen=True, backoff=True, quiet=True, pid=7, total_steps=9)
    sent = plan.environment({"PYTHONPATH": f"/a{os.pathsep}/b", "HOME": "/h"})
    assert Plan.of(sent) == plan
    startup, *rest = sent["PYTHONPATH"].split(os.pathsep)
    assert (rest, sent["HOME"]) == (["/a", "/b"], "/h")
    assert (Path(startup) / "sitecustomize.py").exists()
    assert plan.environment(sent) == sent
    assert plan.environment({})["PYTHONPATH"] == startup


def test_two_runs_of_the_same_second_get_two_directories(tmp_path: Path) -> None:
    plan = Plan(run_dir=str(tmp_path / "runs" / "now"), pid=os.getpid())
    assert [place.claimed(plan).name for _ in range(3)] == ["now", "now-2", "now-3"]


def test_a_chosen_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    plan = Plan(run_dir=str(tmp_path), is_chosen=True, pid=os.getpid())
    assert place.claimed(plan) == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_restarted_job_goes_on_in_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(run_dir=str(tmp_path / "run"))
    monkeypatch.setenv("RANK", "0")
    first = place.claimed(plan)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert place.claimed(plan) == first


def test_a_process_that_the_script_started_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/tune.py"])
    plan = Plan(run_dir=str(tmp_path), is_chosen=True, pid=os.getpid() + 1)
    assert place.claimed(plan) == tmp_path / f"tune-{os.getpid()}"


def test_a_directory_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wanted = tmp_path / "file" / "run"
    assert place.claimed(Plan(run_dir=str(wanted), pid=os.getpid())) == wanted


def test_a_file_comes_before_a_program_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command_line("sh", ["-c"], is_module=False)[0].endswith("/sh")
    (tmp_path / "sh").mkdir()
    assert command_line("sh", ["-c"], is_module=False)[0].endswith("/sh")
    (tmp_path / "sh" / "__main__.py").write_text("")
    assert command_line("sh", ["-c"], is_module=False)[-2:] == ["sh", "-c"]
    assert command_line("sh", ["-c"], is_module=False)[0] == sys.executable


def test_of_many_the_last_line_names_wrong_rates_and_then_long_runs(tmp_path: Path) -> None:
    found = [Summary(f"opt{i}", "healthy", 5, 0) for i in range(300)]
    found[7], found[9] = Summary("outer", "undecided", 60, 0), Summary("fold", "too_high", 5, 2)
    line = closing_line(found, tmp_path)
    assert line.startswith("fold too_high (5 steps, 2 alerts), outer undecided (60 steps), opt0 ")
    assert ", and 296 more; " in line


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (1, "undecided (0 steps)"),
        (2, "opt0 undecided (0 steps), opt1 undecided (0 steps)"),
        (6, ", ".join(f"opt{i} undecided (0 steps)" for i in range(4)) + ", and 2 more"),
    ],
)
def test_the_last_line_names_few_optimizers_and_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, told: str
) -> None:
    found = [Trained(f"opt{i}", Watch()).summary() for i in range(n)]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    assert closing_line(found, tmp_path / "run") == f"{told}; the run is in run"
    assert closing_line(found, Path("/no/x")) == f"{told}; nothing could be written to /no/x"
