"""What a controller may do between the judgement of a step and its update."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

import lrwatch.control
from lrwatch import LrwatchError, attach
from lrwatch.policy.calm import Calm
from lrwatch.records import Action, Alert
from tests.loop.training import Told, batch, loss_of, small_model


class Script:
    """A controller that does what the test says, and notes how it was called."""

    def __init__(self, *, skip: Callable[[int], bool] = lambda step: False) -> None:
        self.skip = skip
        self.scale = 1.0
        self.calm: Calm | None = None
        self.calls: list[tuple[Any, ...]] = []
        self.alerts: list[Alert] = []
        self.write_action: Callable[[Action], None] = lambda action: None
        self.error: BaseException | None = None

    def build(self, backoff: Any, **kwargs: Any) -> "Script":
        self.calls.append(("build", backoff))
        self.write_action = kwargs["write_action"]
        return self

    def passed(self, step: int, loss: float, grad_norm: float | None, rate: float) -> None:
        self.calls.append(("passed", step, loss, grad_norm, rate))

    def lend(self, optimizer: Optimizer) -> None:
        self.calls.append(("lend",))

    def before_step(
        self, optimizer: Optimizer, step: int, loss: float | None, grad_norm: float | None
    ) -> bool | None:
        self.calls.append(("before", step, loss, grad_norm))
        if self.error is not None:
            raise self.error
        return False if self.skip(step) else None

    def after_step(self, optimizer: Optimizer, step: int) -> None:
        self.calls.append(("after", step))

    def on_alerts(self, alerts: Sequence[Alert]) -> None:
        self.calls.append(("alerts", [alert.kind for alert in alerts]))

    def state_dict(self) -> dict[str, Any]:
        return {"scale": self.scale}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.scale = state["scale"]

    def close(self) -> None:
        self.calls.append(("close",))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script()
    monkeypatch.setattr(lrwatch.control, "build_controller", made.build, raising=False)
    return made


def new(kind: type[Optimizer] = torch.optim.SGD, **kwargs: Any) -> tuple[nn.Module, Optimizer]:
    model = small_model()
    return model, kind(model.parameters(), **kwargs)


def one_step(model: nn.Module, optimizer: Optimizer, i: int) -> float:
    optimizer.zero_grad()
    loss = loss_of(model, i)
    loss.backward()
    optimizer.step()
    return loss.item()


def weights(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_every_step_is_judged_before_its_update(script: Script) -> None:
    model, optimizer = new(lr=0.01)
    with attach(optimizer, model, run_dir=False, backoff=True):
        losses = [one_step(model, optimizer, i) for i in range(3)]
    befores = [call for call in script.calls if call[0] == "before"]
    assert [call[0] for call in script.calls] == ["build", *["before", "after"] * 3, "close"]
    assert [call[2] for call in befores] == losses
    assert all(call[3] > 0 for call in befores)
    assert script.calls[0] == ("build", True)


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
        (torch.optim.AdamW, {"lr": 0.1}),
        (torch.optim.AdamW, {"lr": 0.1, "fused": True}),
        (torch.optim.Adam, {"lr": 0.1, "foreach": True}),
        (torch.optim.RMSprop, {"lr": 0.1}),
        (torch.optim.Adafactor, {"lr": 0.1}),
    ],
)
def test_a_skipped_update_changes_nothing_and_gives_the_gradients_back(
    script: Script, kind: type[Optimizer], kwargs: dict[str, Any]
) -> None:
    model, optimizer = new(kind, **kwargs)
    script.skip = lambda step: step == 2
    with attach(optimizer, model, run_dir=False, backoff=True):
        for i in range(5):
            before, moments = weights(model), str(optimizer.state_dict()["state"])
            one_step(model, optimizer, i)
            unchanged = same(before, weights(model))
            assert unchanged == (i == 2)
            assert (moments == str(optimizer.state_dict()["state"])) == (i == 2)
            assert all(p.grad is not None for p in model.parameters())


def test_a_nan_gradient_that_is_skipped_leaves_no_trace(script: Script) -> None:
    model, optimizer = new(torch.optim.Adam, lr=0.1)
    script.skip = lambda step: step == 1
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):
        for i in range(3):
            optimizer.zero_grad()
            (loss_of(model, i) * (float("nan") if i == 1 else 1.0)).backward()
            optimizer.step()
    assert all(p.isfinite().all() for p in model.parameters())


def test_an_update_with_a_closure_can_be_skipped(script: Script) -> None:
    model, optimizer = new(lr=0.1)
    script.skip = lambda step: step == 1

    def closure() -> float:
        optimizer.zero_grad()
        loss = loss_of(model, 0)
        loss.backward()
        return loss.item()

    changed = []
    with attach(optimizer, model, run_dir=False, backoff=True):
        for _ in range(3):
            before = weights(model)
            optimizer.step(closure)
            changed.append(not same(before, weights(model)))
    assert changed == [True, False, True]


def test_alerts_come_before_the_decision_on_the_same_step(script: Script) -> None:
    model, optimizer = new(lr=0.01)
    told = Told()
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True, sinks=[told]) as watch:
        for i in range(6):
            optimizer.zero_grad()
            (loss_of(model, i) * (float("nan") if i >= 3 else 1.0)).backward()
            optimizer.step()
    names = [call[0] for call in script.calls]
    first = names.index("alerts")
    assert names[first + 1] == "before"
    assert script.calls[first + 1][1] == watch.alerts[0].step
    assert told.alerts == watch.alerts


def test_actions_reach_the_sinks(script: Script) -> None:
    model, optimizer = new(lr=0.01)
    told = Told()
    action = Action(kind="backoff", step=0, reason="test", scale=0.5)
    with attach(optimizer, model, run_dir=False, backoff=True, sinks=[told]):
        script.write_action(action)
        assert told.actions == [action]


def test_the_scale_is_told_with_every_point(script: Script) -> None:
    model, optimizer = new(lr=0.01)
    told = Told()
    with attach(optimizer, model, run_dir=False, backoff=True, sinks=[told]):
        one_step(model, optimizer, 0)
        script.scale = 0.25
        one_step(model, optimizer, 1)
    assert [point.lr_scale for point in told.points] == [1.0, 0.25]
    assert [point.lrs for point in told.points] == [(0.01,), (0.01,)]
    assert [step.lr for step in told.steps] == [0.01, 0.0025]


def test_a_controller_that_stops_the_run_is_heard(script: Script) -> None:
    model, optimizer = new(lr=0.01)
    script.error = LrwatchError("the run was stopped")
    with (
        pytest.raises(LrwatchError, match="stopped"),
        attach(optimizer, model, run_dir=False, backoff=True),
    ):
        one_step(model, optimizer, 0)


def test_a_controller_that_breaks_is_left_out(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    model, optimizer = new(lr=0.01)
    script.error = RuntimeError("bug")
    with attach(optimizer, model, run_dir=False, backoff=True):
        for i in range(6):
            one_step(model, optimizer, i)
    assert [call[1] for call in script.calls if call[0] == "before"] == [0, 1, 2]
    assert caplog.records[-1].getMessage() == "the back-off failed 3 times and is now left out"
    assert [p.isfinite().all() for p in model.parameters()]


def test_a_step_skipped_by_the_scaler_reaches_no_controller(script: Script) -> None:
    for fused in (False, True):
        script.calls.clear()
        model, optimizer = new(torch.optim.Adam, lr=0.01, fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
        with attach(optimizer, model, run_dir=False, backoff=True):
            for i in range(4):
                optimizer.zero_grad()
                x, y = batch(i)
                loss = ((model(x) - y) ** 2).mean() * (float("inf") if i == 1 else 1.0)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
        assert [call[1] for call in script.calls if call[0] == "before"] == [0, 2, 3]


@pytest.mark.parametrize("name", ["calm", "passed", "lend", "on_alerts", "after_step", "close"])
def test_a_controller_may_break_wherever_it_is_called(
    script: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    def breaks(*_: Any) -> Any:
        raise RuntimeError("bug")

    if name in ("passed", "lend"):
        script.calm, script.scale = Calm(math.inf, math.inf, 64), 0.5
    if name == "calm":
        monkeypatch.setattr(Script, name, property(breaks, lambda *_: None), raising=False)
    else:
        monkeypatch.setattr(script, name, breaks)
    model, optimizer = new(lr=0.01)
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True) as watch:
        for i in range(8):
            optimizer.zero_grad()
            (loss_of(model, i) * (float("nan") if i == 7 else 1.0)).backward()
            optimizer.step()
        assert watch.n_steps == 8
    assert caplog.records[0].getMessage() == "the back-off failed, training goes on"


def test_a_calm_controller_is_told_of_no_step_without_a_loss(script: Script) -> None:
    script.calm = Calm(math.inf, math.inf, 64)
    model, optimizer = new(lr=0.01)
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):
        for i in range(4):
            one_step(model, optimizer, i)
        optimizer.step()
    passed = [call[1] for call in script.calls if call[0] == "passed"]
    assert passed
    assert 4 not in passed
