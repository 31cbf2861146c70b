"""The controller acts on real training: what is written is what is done, and nothing more."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrwatch.control import BackoffController, TrainingStoppedError, build_controller
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.settings import Backoff
from lrwatch.records import Action

torch.set_num_threads(1)
Spoil = Callable[[int, nn.Module], None]


class Training:
    """A small classifier of two rings, with a controller called as the loop calls it."""

    def __init__(
        self, lr: float, backoff: Any = True, kind: type[Any] = torch.optim.Adam, **more: Any
    ) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
        self.optimizer = kind(self.model.parameters(), lr=lr)
        self.actions: list[Action] = []
        self.seen_at_write: list[float] = []
        self.controller: BackoffController | None = None
        self.losses: list[float] = []
        if backoff is not None:
            made = build_controller(
                backoff,
                optimizer=self.optimizer,
                model=self.model,
                write_action=self._write,
                **more,
            )
            assert isinstance(made, BackoffController)
            self.controller = made

    def _write(self, action: Action) -> None:
        assert self.controller is not None
        self.actions.append(action)
        self.seen_at_write.append(self.controller.scale)

    def go(self, n_steps: int, spoil: Spoil | None = None) -> list[float]:
        for _ in range(n_steps):
            step = len(self.losses)
            x = torch.randn(32, 2)
            loss = nn.functional.cross_entropy(self.model(x), (x.norm(dim=1) > 1.2).long())
            self.optimizer.zero_grad()
            loss.backward()
            if spoil:
                spoil(step, self.model)
            self.losses.append(loss.item())
            self._step(step, loss)
        return self.losses

    def _step(self, step: int, loss: Tensor) -> None:
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients).item()
        if self.controller is None:
            self.optimizer.step()
            return
        if self.controller.before_step(self.optimizer, step, loss.item(), norm) is not False:
            self.optimizer.step()
        self.controller.after_step(self.optimizer, step)

    def kinds(self) -> list[str]:
        return [action.kind for action in self.actions if action.kind != "outcome"]

    def bits(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.model.parameters()]


def nan_at(*steps: int) -> Spoil:
    def spoil(step: int, model: nn.Module) -> None:
        for p in model.parameters():
            if step in steps and p.grad is not None:
                p.grad.fill_(float("nan"))

    return spoil


def test_healthy_run_is_bit_identical_to_one_without_back_off() -> None:
    bare = Training(0.01, None)
    losses = bare.go(150)
    watched = Training(0.01)
    assert watched.go(150) == losses
    assert all(torch.equal(a, b) for a, b in zip(bare.bits(), watched.bits(), strict=True))
    assert watched.actions == []


def test_rate_that_is_far_too_low_is_left_alone() -> None:
    training = Training(1e-5)
    training.go(150)
    assert training.actions == []


@pytest.mark.parametrize("lr", [3.0, 30.0])
def test_run_launched_far_too_hot_ends_as_good_as_a_healthy_one(lr: float) -> None:
    healthy = sum(Training(0.01, None).go(300)[-50:]) / 50
    ruined = sum(Training(lr, None).go(300)[-50:]) / 50
    training = Training(lr)
    rescued = sum(training.go(300)[-50:]) / 50
    assert ruined > 2 * healthy
    assert rescued < 1.5 * healthy
    assert "rewind" in training.kinds()


def test_non_finite_gradient_never_reaches_the_weights() -> None:
    training = Training(0.01)
    training.go(100, nan_at(60))
    assert training.kinds() == ["skip"]
    assert training.actions[0].step == 60
    assert all(p.isfinite().all() for p in training.model.parameters())
    assert all(s.isfinite().all() for v in training.optimizer.state.values() for s in v.values())


def test_skipped_update_is_followed_by_its_outcome() -> None:
    training = Training(0.01)
    training.go(100, nan_at(60))
    outcome = training.actions[-1]
    assert (outcome.kind, outcome.step, outcome.helped) == ("outcome", 61, True)


def test_gradients_that_stay_non_finite_stop_the_run_with_the_reason() -> None:
    training = Training(0.01, Backoff(hold=8))
    with pytest.raises(TrainingStoppedError, match="not finite, 9 times in a row"):
        training.go(200, nan_at(*range(60, 200)))
    assert training.actions[-1].kind == "stop"


def test_action_is_written_before_the_rate_changes() -> None:
    training = Training(3.0)
    training.go(100)
    changes = [
        (action, scale)
        for action, scale in zip(training.actions, training.seen_at_write, strict=True)
        if action.lr_after is not None
    ]
    assert changes
    for action, scale in changes:
        assert action.lr_before == pytest.approx(3.0 * scale)
        assert action.lr_after == pytest.approx(3.0 * (action.scale or 0.0))


def test_rewind_names_the_step_whose_weights_are_back() -> None:
    training = Training(3.0)
    start = training.bits()
    while "rewind" not in training.kinds():
        training.go(1)
    assert training.actions[-1].to_step == 0
    assert all(torch.equal(a, b) for a, b in zip(start, training.bits(), strict=True))
    assert not training.optimizer.state


def test_rate_of_the_schedule_is_never_changed() -> None:
    training = Training(3.0)
    scheduled = training.optimizer.param_groups[0]["lr"]
    training.go(100)
    assert training.controller is not None
    assert training.controller.scale < 1
    assert training.optimizer.param_groups[0]["lr"] is scheduled


def test_dry_run_writes_what_it_would_do_and_changes_nothing() -> None:
    losses = Training(3.0, None).go(100)
    dry = Training(3.0, Backoff(dry_run=True))
    assert dry.go(100) == losses
    assert dry.actions
    assert all(action.dry_run for action in dry.actions if action.kind != "outcome")


@pytest.mark.parametrize("bad", [[100], [100, 125]])
def test_dry_run_says_nothing_of_what_came_of_moves_that_were_not_made(bad: list[int]) -> None:
    dry = Training(0.01, Backoff(dry_run=True))
    assert dry.controller is not None
    for step in range(200):
        loss = math.nan if step in bad else 1.0 - 0.001 * step
        assert dry.controller.before_step(dry.optimizer, step, loss, 1.0)
        dry.controller.after_step(dry.optimizer, step)
    assert [(action.step, action.dry_run) for action in dry.actions] == [(n, True) for n in bad]


def test_step_without_a_loss_is_made_and_nothing_is_decided() -> None:
    training = Training(0.01)
    assert training.controller is not None
    assert training.controller.before_step(training.optimizer, 0, None, None)
    training.controller.after_step(training.optimizer, 0)
    training.go(20)
    assert training.controller.armed
    assert training.actions == []


def test_once_disarmed_no_step_has_to_be_judged_before_its_update() -> None:
    training = Training(0.01)
    assert training.controller is not None
    training.go(1)
    assert training.controller.calm is None
    training.controller.disarm()
    calm = training.controller.calm
    assert calm is not None
    assert calm[:2] == (math.inf, math.inf)


def test_rung_that_was_not_allowed_is_never_taken() -> None:
    training = Training(3.0, Backoff(rungs=("skip", "backoff")))
    training.go(120, nan_at(100))
    assert "rewind" not in training.kinds()
    assert training.controller is not None
    assert not training.controller._snapshots.steps


def test_memory_cap_that_is_too_small_leaves_the_rewind_out_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    training = Training(3.0, Backoff(memory_cap=100))
    training.go(100)
    assert "not rewind" in caplog.text
    assert "rewind" not in training.kinds()


def test_file_disarms_at_the_next_step(tmp_path: Path) -> None:
    flag = tmp_path / "disarm"
    training = Training(3.0, disarm_file=flag)
    training.go(100)
    flag.touch()
    training.go(50)
    disarmed = [action for action in training.actions if action.kind == "disarm"]
    assert [action.step for action in disarmed] == [100]
    assert training.actions[-1] is disarmed[0]
    assert training.controller is not None
    assert training.controller.scale == 1.0


def test_file_left_by_an_earlier_run_does_not_disarm(tmp_path: Path) -> None:
    flag = tmp_path / "disarm"
    flag.touch()
    training = Training(3.0, disarm_file=flag)
    training.go(50)
    assert "disarm" not in training.kinds()
    assert training.controller is not None
    assert training.controller.armed


def test_disarmed_run_stays_disarmed_when_it_is_resumed() -> None:
    first = Training(3.0)
    first.go(50)
    assert first.controller is not None
    first.controller.disarm()
    second = Training(3.0)
    assert second.controller is not None
    second.controller.load_state_dict(first.controller.state_dict())
    second.go(50)
    assert second.actions == []
    assert second.controller.scale == 1.0


def test_resumed_run_goes_on_at_the_scale_it_had() -> None:
    first = Training(3.0)
    first.go(100)
    assert first.controller is not None
    state = first.controller.state_dict()
    second = Training(3.0)
    assert second.controller is not None
    second.controller.load_state_dict(state)
    assert second.controller.scale == state["ladder"]["scale"] < 1
    assert second.controller.state_dict() == state


def test_no_hook_is_left_after_close() -> None:
    training = Training(3.0)
    training.go(50)
    assert training.controller is not None
    training.controller.close()
    assert not training.optimizer._optimizer_step_pre_hooks
    assert not training.optimizer._optimizer_step_post_hooks


@pytest.mark.parametrize("backoff", ["yes", 0.5, object()])
def test_anything_but_true_or_settings_is_refused(backoff: object) -> None:
    with pytest.raises(ValueError, match=r"must be True, False or a lrwatch\.Backoff"):
        Training(0.01, backoff)


class Undecided:
    """A ladder that tries the start at step 30 and gives it up at step 45."""

    def __init__(self) -> None:
        self.save: str | None = None
        self.scale, self.n_lost, self.is_on_trial = 1.0, 0, False

    def space_snapshots(self, n_steps: int) -> None:
        self.apart = n_steps

    def decide(self, seen: Seen) -> list[Move]:
        self.save = "start" if seen.step == 0 else None
        if seen.step == 30:
            return [Move(kind="rewind", reason="x", scale=0.3, load="start", save="incumbent")]
        if seen.step == 45:
            return [Move(kind="rewind", reason="no better", scale=1.0, load="incumbent")]
        return []


def test_trial_that_is_no_better_is_taken_back_with_weights_moments_and_generators() -> None:
    bare = Training(0.01, None)
    bare.go(30)
    torch.randn(32, 2)  # the batch of step 30, at which the trial begins
    generator = torch.get_rng_state()
    tried = Training(0.01)
    assert tried.controller is not None
    tried.controller._ladder = Undecided()  # type: ignore[assignment]  # a script in its place
    tried.go(46)
    assert tried.kinds() == ["rewind", "rewind"]
    assert all(torch.equal(a, b) for a, b in zip(bare.bits(), tried.bits(), strict=True))
    assert torch.equal(torch.get_rng_state(), generator)
