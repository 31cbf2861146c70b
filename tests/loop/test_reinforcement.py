"""What imports environments to act in is reinforcement learning."""

import sys
from types import ModuleType

import pytest
import torch

from lrwatch import attach
from lrwatch.loop.loss import reinforcement
from tests.loop.training import Told, loss_of, small_model


def trained(surrogate: bool | None) -> Told:
    """Twice a run at a rate far too low."""
    told = Told()
    for _ in range(2):
        model = small_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-7)
        with attach(optimizer, run_dir=False, stderr=False, surrogate=surrogate, sinks=[told]):
            for i in range(400):
                optimizer.zero_grad()
                loss_of(model, i).backward()
                optimizer.step()
    return told


@pytest.mark.parametrize("name", reinforcement.LIBRARIES)
def test_its_losses_are_not_judged_unless_somebody_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("lrwatch.loop.attach.warn", lines.append)
    monkeypatch.setattr(reinforcement, "_said", False)
    assert {alert.kind for alert in trained(None).alerts} == {"lr_too_low"}
    assert lines == []
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    assert trained(None).alerts == []
    (line,) = lines
    assert line.startswith(f"{name} is imported, so the losses are taken for those of ")
    assert {alert.kind for alert in trained(False).alerts} == {"lr_too_low"}


def test_nothing_is_said_where_somebody_said_what_the_losses_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("lrwatch.loop.attach.warn", lines.append)
    monkeypatch.setattr(reinforcement, "_said", False)
    monkeypatch.setitem(sys.modules, "gymnasium", ModuleType("gymnasium"))
    assert trained(True).alerts == []
    assert lines == []
