"""A search within a loop that is not ours, in this process."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from lrwatch.loop import patches
from lrwatch.range_test.ear import Ear
from lrwatch.range_test.finding import LrFinding
from lrwatch.range_test.on_script import OnScript
from lrwatch.range_test.search import search
from lrwatch.range_test.settings import Settings
from lrwatch.range_test.stepper import Stepper
from tests.range_test.small import Small, data, small

SETTINGS = Settings(n_steps=60, trial_steps=30)
MSE = nn.MSELoss()


class EndedError(SystemExit):
    pass


@contextmanager
def searching(one: Small) -> Iterator[list[LrFinding]]:
    """Search in every step of the optimizer, and leave where there is an answer."""
    answers: list[LrFinding] = []

    def end(finding: LrFinding) -> None:
        answers.append(finding)
        raise EndedError

    ear = Ear(one.optimizer, lambda: chosen.skipped())
    chosen = OnScript(one.optimizer, ear, Stepper(search(SETTINGS, paired=False)), end)
    one.optimizer.register_step_pre_hook(chosen.before_step)
    one.optimizer.register_step_post_hook(chosen.after_step)
    patches.listen(ear)
    try:
        with pytest.raises(EndedError):
            yield answers
    finally:
        patches.unlisten(ear)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    x, y = data().tensors
    chosen = torch.randint(len(x), (32,))
    return x[chosen], y[chosen]


def test_the_first_weights_and_the_schedule_are_there_at_the_end() -> None:
    one = small("AdamW")
    first = [p.clone() for p in one.model.parameters()]
    rates = set()
    with searching(one) as answers:
        while True:
            x, y = batch()
            one.optimizer.zero_grad()
            MSE(one.model(x), y).backward()
            gradients = [p.grad for p in one.model.parameters()]
            one.optimizer.step()
            assert all(p.grad is g for p, g in zip(one.model.parameters(), gradients, strict=True))
            rates.add(one.optimizer.param_groups[0]["lr"])
    assert answers[0].lr is not None
    assert all(map(torch.equal, first, one.model.parameters()))
    assert len(one.optimizer.state) == 0
    assert rates == {0.1}


@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_curve_holds_the_losses_that_the_loop_had(accumulate: int) -> None:
    one, seen = small("SGD"), []
    with searching(one) as answers:
        while True:
            one.optimizer.zero_grad()
            losses = []
            for _ in range(accumulate):
                x, y = batch()
                losses.append(MSE(one.model(x), y) / accumulate)
                losses[-1].backward()
            seen.append(sum(loss.item() for loss in losses))
            one.optimizer.step()
    ramp = answers[0].ramp
    assert ramp.losses == pytest.approx(seen[30 : 30 + len(ramp.losses)])


def test_steps_that_a_scaler_leaves_out_are_no_part_of_the_curve() -> None:
    one, n_steps = small("SGD"), 0
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120, growth_interval=10**6)
    with searching(one) as answers:
        while True:
            x, y = batch()
            one.optimizer.zero_grad()
            scaler.scale(MSE(one.model(x), y)).backward()
            scaler.step(one.optimizer)
            scaler.update()
            n_steps += 1
            assert n_steps < 2000
    assert answers[0].lr is not None
    assert 1e-4 < answers[0].lr < 10


def test_a_loss_that_is_gone_under_a_scaler_ends_the_run_that_lost_it() -> None:
    one, n_steps = small("SGD"), 0
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    first = [p.clone() for p in one.model.parameters()]
    with searching(one) as answers:
        while True:
            x, y = batch()
            one.optimizer.zero_grad()
            loss = MSE(one.model(x), y)
            if one.optimizer.state or any(
                not torch.equal(a, b) for a, b in zip(first, one.model.parameters(), strict=True)
            ):
                loss = loss * (math.nan if n_steps % 40 == 39 else 1.0)
            scaler.scale(loss).backward()
            scaler.step(one.optimizer)
            scaler.update()
            n_steps += 1
            assert n_steps < 2000
    assert all(map(torch.equal, first, one.model.parameters()))
    assert len(answers) == 1


def test_a_rate_of_zero_at_the_start_of_a_warm_up_is_passed_over() -> None:
    one = small("SGD")
    warm_up = torch.optim.lr_scheduler.LambdaLR(one.optimizer, lambda i: min(1.0, i / 10))
    with searching(one) as answers:
        while True:
            x, y = batch()
            one.optimizer.zero_grad()
            MSE(one.model(x), y).backward()
            one.optimizer.step()
            warm_up.step()
    assert answers[0].lr is not None


def test_a_loop_whose_loss_is_never_seen_is_left_with_a_word() -> None:
    one = small("SGD")
    with searching(one) as answers:
        while True:
            for p in one.model.parameters():
                p.grad = torch.ones_like(p)
            one.optimizer.step()
    assert "no loss was seen in 20 steps" in answers[0].reason


class StepsAsItsParent(torch.optim.SGD):
    """Torch runs the hooks of a step() twice that calls its parent's, and takes any argument."""

    def step(self, loss: Any = None) -> Any:
        super().step()
        return loss


def test_a_step_inside_of_a_step_that_is_handed_the_loss_is_one_step() -> None:
    plain = small("SGD")
    one = plain._replace(optimizer=StepsAsItsParent(plain.model.parameters(), lr=0.1))
    seen = []
    with searching(one) as answers:
        while True:
            x, y = batch()
            one.optimizer.zero_grad()
            loss = MSE(one.model(x), y)
            loss.backward()
            seen.append(loss.item())
            assert one.optimizer.step(loss.detach()) is not None
    ramp = answers[0].ramp
    assert ramp.losses == pytest.approx(seen[30 : 30 + len(ramp.losses)])
