import threading
from pathlib import Path

import pytest

from lrwatch.records import Action, Alert
from lrwatch.sinks import ledger as ledger_module
from lrwatch.sinks import promptly as promptly_module
from lrwatch.sinks.history import read_ledger
from lrwatch.sinks.ledger import Ledger
from lrwatch.sinks.promptly import Promptly
from lrwatch.sinks.trouble import Trouble


def alert(step: int) -> Alert:
    return Alert(kind="stall", severity="info", step=step, onset=0, message="m")


class Disk:
    """Keeps what is written, and hangs until it is released."""

    def __init__(self) -> None:
        self.works = threading.Event()
        self.steps: list[int] = []

    def write(self, record: Alert | Action, time_s: float) -> None:
        self.works.wait(120)
        self.steps.append(record.step)


def test_a_record_is_written_when_put_returns() -> None:
    disk = Disk()
    disk.works.set()
    promptly = Promptly(disk.write, Trouble("x"))
    for step in range(50):
        promptly.put(alert(step))
        assert disk.steps[-1] == step
    promptly.close(120)


def test_a_disk_that_hangs_is_left_alone_and_has_all_in_order_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(promptly_module, "_BUDGET_S", 0.01)
    disk = Disk()
    promptly = Promptly(disk.write, Trouble("x"))
    for step in range(500):
        promptly.put(alert(step))
    assert disk.steps == []
    disk.works.set()
    promptly.close(120)
    assert disk.steps == list(range(500))


def test_records_are_waited_for_as_soon_as_a_write_is_quick_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk, second = Disk(), threading.Event()

    def write(record: Alert | Action, time_s: float) -> None:
        disk.write(record, time_s)
        if record.step == 2:
            second.set()
            while not promptly._jobs:  # until the next one waits behind this one
                threading.Event().wait(0.001)

    monkeypatch.setattr(promptly_module, "_BUDGET_S", 0.01)
    promptly = Promptly(write, Trouble("x"))
    for step in range(3):
        promptly.put(alert(step))
    monkeypatch.setattr(promptly_module, "_BUDGET_S", 120.0)
    disk.works.set()
    assert second.wait(120)
    promptly.put(alert(3))
    assert disk.steps == [0, 1, 2, 3]
    promptly.close(120)


def test_what_a_write_raises_is_raised_by_put_and_the_next_is_tried() -> None:
    steps: list[int] = []

    def write(record: Alert | Action, time_s: float) -> None:
        steps.append(record.step)
        if record.step == 1:
            raise OSError("full")

    promptly = Promptly(write, Trouble("x"))
    with pytest.raises(OSError, match="full"):
        promptly.put(alert(1))
    promptly.put(alert(2))
    promptly.close(120)
    assert steps == [1, 2]


def test_that_records_are_left_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promptly_module, "_BUDGET_S", 0.0)
    disk, told = Disk(), list[str]()
    promptly = Promptly(disk.write, Trouble("x", told.append))
    for step in range(10_100):
        promptly.put(alert(step))
    assert len(told) == 1
    assert "too many alerts wait, the oldest are left out" in told[0]
    disk.works.set()
    promptly.close(120)
    assert disk.steps[-10_000:] == list(range(100, 10_100))


def test_a_full_ledger_takes_actions_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_MAX_SIZE", 2000)
    ledger = Ledger(tmp_path / "alerts.jsonl")
    n_refused = 0
    for step in range(100):
        try:
            ledger.write(alert(step))
        except OSError:
            n_refused += 1
    with pytest.raises(OSError, match="has reached 16 MiB"):
        ledger.write(alert(100))
    ledger.write(Action(kind="stop", step=100, reason="r"))
    kept = list(read_ledger(tmp_path / "alerts.jsonl"))
    assert len(kept) == 101 - n_refused
    assert 0 < n_refused < 100
    assert kept[-1].step == 100
