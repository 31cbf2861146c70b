"""In a notebook what a cell trained is judged, told and written as the cell ends."""

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from lrwatch import Watch, attach
from lrwatch.loop.places.run_dir import by_time, program
from tests.loop.training import Told, small_model, train


class Events:
    """What IPython has for it."""

    def __init__(self) -> None:
        self.called: list[Callable[[Any], None]] = []

    def register(self, event: str, function: Callable[[Any], None]) -> None:
        assert event == "post_run_cell"
        if function not in self.called:
            self.called.append(function)

    def unregister(self, event: str, function: Callable[[Any], None]) -> None:
        self.called.remove(function)

    def cell_ends(self) -> None:
        for function in list(self.called):
            function(SimpleNamespace(success=True))


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[Events]:
    events = Events()
    shell = SimpleNamespace(events=events, user_module=sys.modules["__main__"])
    monkeypatch.setitem(
        sys.modules,
        "IPython",
        SimpleNamespace(get_ipython=lambda: shell),
    )
    yield events
    assert events.called == []


def attached(told: Told) -> tuple[Watch, Callable[[int], None]]:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    watch = attach(optimizer, run_dir=False, stderr=False, sinks=[told])

    def fit(n_steps: int) -> None:
        train(model, optimizer, n_steps)

    return watch, fit


def test_a_cell_that_ends_has_all_its_steps_told(cells: Events) -> None:
    told = Told()
    watch, fit = attached(told)
    for n_steps in (20, 5):
        told.points.clear()
        fit(n_steps)
        cells.cell_ends()
        assert len(told.points) == n_steps
    watch.close()
    cells.cell_ends()


def test_the_alert_of_a_short_training_is_told_in_its_own_cell(cells: Events) -> None:
    told = Told()
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    watch = attach(optimizer, run_dir=False, stderr=False, sinks=[told])
    train(model, optimizer, 60)
    cells.cell_ends()
    kinds = {alert.kind for alert in told.alerts}
    watch.close()
    cells.cell_ends()
    assert kinds == {"overshoot", "divergence", "exploding_gradient"}


def test_with_the_last_watch_gone_nothing_listens_to_the_cells(cells: Events) -> None:
    first, _ = attached(Told())
    second, _ = attached(Told())
    assert len(cells.called) == 1
    first.close()
    cells.cell_ends()
    assert len(cells.called) == 1
    second.close()
    cells.cell_ends()
    assert cells.called == []


def test_a_training_in_another_thread_is_left_to_itself(cells: Events) -> None:
    told = Told()
    watch, fit = attached(told)
    training = threading.Thread(target=fit, args=(20,))
    training.start()
    training.join()
    told.points.clear()
    cells.cell_ends()
    assert told.points == []
    watch.close()
    cells.cell_ends()
    assert watch.n_steps == 20


def test_a_shell_without_events_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRWATCH_STRICT", raising=False)
    strange = SimpleNamespace(get_ipython=lambda: SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", strange)
    told = Told()
    watch, fit = attached(told)
    fit(3)
    watch.close()
    assert len(told.points) == 3


def test_a_script_that_is_run_again_goes_on_in_its_run_directory(
    cells: Events, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables = []  # of the earlier runs; %run puts them into the notebook once a run is over
    main = ModuleType("__main__")
    main.__file__ = "train.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    for _ in range(3):
        model = small_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        watch = attach(optimizer, run_dir=tmp_path / "run", stderr=False)
        train(model, optimizer, 5)
        variables.append((model, optimizer, watch))
        cells.cell_ends()
    assert [watch.closed for *_, watch in variables] == [True, True, False]
    watch.close()
    cells.cell_ends()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lrwatch"]


def test_two_models_that_a_script_attaches_in_one_run_are_both_watched(
    cells: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = ModuleType("__main__")
    main.__file__ = "train.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    watches = [attached(Told()) for _ in range(2)]
    for _, fit in watches:
        fit(3)
    assert [watch.n_steps for watch, _ in watches] == [3, 3]
    for watch, _ in watches:
        watch.close()
    cells.cell_ends()


def test_a_watch_that_is_shown_in_a_cell_has_judged_what_the_cell_trained() -> None:
    told = Told()
    watch, fit = attached(told)
    fit(20)
    shown: list[str] = []
    watch._repr_pretty_(SimpleNamespace(text=shown.append), False)
    assert len(told.points) == 20
    assert shown == [repr(watch)]
    watch.close()


@pytest.mark.parametrize(
    ("script", "session", "name"),
    [
        ("train.py", "/home/a/fine tune.ipynb", "train"),
        ("/lib/ipykernel_launcher.py", "/home/a/fine tune.ipynb", "fine_tune"),
        ("/lib/colab_kernel_launcher.py", None, "notebook"),
    ],
)
def test_the_run_of_a_notebook_has_its_name(
    monkeypatch: pytest.MonkeyPatch, script: str, session: str | None, name: str
) -> None:
    monkeypatch.setattr(sys, "argv", [script])
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if session is not None:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    assert by_time(program(), 0.0) == f"runs/19700101T000000Z-{name}"


IN_IPYTHON = """
from IPython.core.interactiveshell import InteractiveShell
from pathlib import Path
shell = InteractiveShell.instance()
for cell in (
    "import lrwatch; from tests.loop.training import small_model, train; import torch",
    "model = small_model(); optimizer = torch.optim.SGD(model.parameters(), lr=0.5)",
    "watch = lrwatch.attach(optimizer, run_dir='run'); train(model, optimizer, 60)",
):
    shell.run_cell(cell).raise_error()
print("the cell has ended")
"""


@pytest.mark.skipif(importlib.util.find_spec("IPython") is None, reason="IPython is not installed")
def test_in_ipython_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(Path.cwd())!r})\n{IN_IPYTHON}"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    before, _ = done.stdout.split("the cell has ended")
    assert "divergence" in before
