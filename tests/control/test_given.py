"""Weights that a loop loads in mid-run, to go on with them, stay."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import lrwatch
from lrwatch.control.exchanged import Exchanged
from lrwatch.control.given import Given

N, SAVED, LOADED = 420, 20, 300


class Training:
    """Learns quickly, so that weights of step 20 do far worse than those of step 300."""

    def __init__(self, **more: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
        self.teacher = torch.randn(16, 4)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=3e-3)
        self.watch = lrwatch.attach(self.optimizer, self.model, run_dir=False, stderr=False, **more)

    def train(self, n_steps: int) -> None:
        for _ in range(n_steps):
            x = torch.randn(32, 16)
            loss = nn.functional.cross_entropy(self.model(x), (x @ self.teacher).argmax(1))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def weights(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.model.parameters()]


def trained(*, loads: bool, **more: Any) -> list[Tensor]:
    run = Training(**more)
    run.train(SAVED)
    saved = copy.deepcopy((run.model.state_dict(), run.optimizer.state_dict()))
    run.train(LOADED - SAVED)
    if loads:
        run.model.load_state_dict(saved[0])
        run.optimizer.load_state_dict(saved[1])
    run.train(N - LOADED)
    run.watch.close()
    return run.weights()


@pytest.mark.parametrize("loads", [True, False])
def test_a_checkpoint_that_is_loaded_in_mid_run_is_gone_on_with(loads: bool) -> None:
    without, with_backoff = trained(loads=loads), trained(loads=loads, backoff=True)
    assert all(torch.equal(a, b) for a, b in zip(without, with_backoff, strict=True))


def test_what_is_loaded_is_what_a_later_fault_goes_back_to() -> None:
    run = Training(backoff=True)
    run.train(200)
    given = [p * 1.01 for p in run.weights()]
    names = list(run.model.state_dict())
    run.model.load_state_dict(dict(zip(names, given, strict=True)))
    run.train(18)  # by then it was asked again
    (kept,) = run.watch.backoff._ladder._course.shelf.kept
    assert kept.step >= 200
    run.train(22)
    with torch.no_grad():
        for p in run.model.parameters():
            p.mul_(100.0).add_(torch.randn_like(p))
    run.train(120)
    far = [(a - b).norm() / b.norm() for a, b in zip(run.weights(), given, strict=True)]
    assert max(far) < 1.0


def test_weights_that_are_loaded_before_the_first_step_are_the_first_weights() -> None:
    run = Training(backoff=True)
    run.model.load_state_dict({k: v * 2 for k, v in run.model.state_dict().items()})
    run.train(3)
    assert run.watch.backoff._ladder._course.can_restart


class LookedAt:
    """Weights that are loaded, and are looked at."""

    def __init__(self) -> None:
        self.weight = nn.Parameter(torch.ones(3))
        self.optimizer = torch.optim.SGD([self.weight], lr=0.1)
        self.given = Given(Exchanged(self.optimizer))

    def load(self, value: float) -> None:
        self.given.before_loading()
        self.weight.data.fill_(value)
        self.given.loaded()


def test_an_average_that_is_loaded_for_a_score_and_out_again_is_not_given() -> None:
    run = LookedAt()
    run.load(2.0)
    run.load(1.0)
    assert not run.given.take()
    run.load(2.0)
    assert run.given.take()
    assert not run.given.take(), "it is told once"
    run.load(2.0)
    assert not run.given.take(), "the same weights"


def test_a_load_that_failed_half_way_is_compared_with_the_next() -> None:
    run = LookedAt()
    run.given.before_loading()
    run.load(2.0)
    assert run.given.take()
