"""A run that was cut and resumed is judged as one that was not."""

import json
from typing import Any

import pytest
import torch
from torch import nn

from lrwatch import Watch, attach
from tests.loop.training import Told, loss_of, small_model

N = 300
CUT = 130


def new() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = small_model()
    return model, torch.optim.Adam(model.parameters(), lr=0.01)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    for i in range(first, last):
        optimizer.zero_grad()
        trouble = 100.0 if 200 <= i < 230 else float("nan") if i == 250 else 1.0
        (loss_of(model, i) * trouble).backward()
        for param in model.parameters():
            assert param.grad is not None
            param.grad.nan_to_num_()
        optimizer.step()


def watched(told: Told, optimizer: torch.optim.Optimizer) -> Watch:
    return attach(optimizer, run_dir=False, stderr=False, norm_every=3, sinks=[told])


def test_a_resumed_run_has_the_same_steps_alerts_and_verdict() -> None:
    whole, before, after = Told(), Told(), Told()
    model, optimizer = new()
    with watched(whole, optimizer) as uncut:
        train(model, optimizer, 0, N)

    model, optimizer = new()
    with watched(before, optimizer) as watch:
        train(model, optimizer, 0, CUT)
        saved = json.dumps(watch.state_dict(), allow_nan=False)
    with watched(after, optimizer) as resumed:
        resumed.load_state_dict(json.loads(saved))
        train(model, optimizer, CUT, N)

    assert [step.step for step in after.steps] == list(range(CUT, N))
    assert before.norms + after.norms == whole.norms
    assert before.alerts + after.alerts == whole.alerts
    assert whole.alerts != []
    assert resumed.verdict == uncut.verdict


@pytest.mark.parametrize("state", [{}, {"v": 2}, {"v": None}])
def test_what_is_no_state_is_named(state: dict[str, int]) -> None:
    _, optimizer = new()
    with (
        attach(optimizer, run_dir=False) as watch,
        pytest.raises(ValueError, match="state of a watch must have v = 1"),
    ):
        watch.load_state_dict(state)


def test_a_checkpoint_without_a_watch_is_named() -> None:
    _, optimizer = new()
    state: dict[str, Any] = {}
    with (
        attach(optimizer, run_dir=False) as watch,
        pytest.raises(ValueError, match="state of a watch must be a mapping, got NoneType"),
    ):
        watch.load_state_dict(state.get("watch"))  # type: ignore[arg-type]  # as in a script
