"""Adversaries are told from optimizers that train parts of one model."""

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.optim import SGD, Adam, Optimizer

from lrwatch import Watch, attach
from lrwatch.loop.loss.rivals import N_TURNS, Rival
from tests.loop.training import Told, loss_of, small_model

N = 60


def net(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, 16), nn.LeakyReLU(0.2), nn.Linear(16, n_out))


class Gan:
    """Two nets that train against one another, in one of the ways in which people write that."""

    def __init__(self, **watched: Any) -> None:
        torch.manual_seed(0)
        self.g, self.d = net(4, 2), net(2, 1)
        self.told = Told(), Told()
        self.optimizers = Adam(self.g.parameters(), 1e-3), Adam(self.d.parameters(), 1e-3)
        self.watches = [
            attach(opt, run_dir=False, stderr=False, name=name, sinks=[told], **watched)
            for opt, name, told in zip(self.optimizers, "gd", self.told, strict=True)
        ]

    def train(self, n_steps: int = N, *, freeze: bool = False, toggle: bool = False) -> None:
        of_g, of_d = self.optimizers
        for _ in range(n_steps):
            if freeze or toggle:
                self.d.requires_grad_(True)
            if toggle:
                self.g.requires_grad_(False)
            fake, real = self.g(torch.randn(32, 4)), torch.randn(32, 2) + 1
            of_d.zero_grad()
            bce(self.d(real), torch.ones(32, 1)).backward()
            bce(self.d(fake.detach()), torch.zeros(32, 1)).backward()
            of_d.step()
            if freeze or toggle:
                self.d.requires_grad_(False)
            if toggle:
                self.g.requires_grad_(True)
                fake = self.g(torch.randn(32, 4))
            of_g.zero_grad()
            bce(self.d(fake), torch.ones(32, 1)).backward()
            of_g.step()

    def close(self) -> list[bool]:
        for watch in self.watches:
            watch.close()
        return [leaves_loss_out(watch) for watch in self.watches]


def leaves_loss_out(watch: Watch) -> bool:
    state = watch.state_dict()
    return "lr_too_high" not in state["watcher"]["detectors"]


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("lrwatch.loop.attach.warn", lines.append)
    return lines


@pytest.mark.parametrize("way", [{}, {"freeze": True}, {"toggle": True}], ids=str)
def test_the_losses_of_a_gan_are_left_out_after_eight_turns(
    way: dict[str, bool], said: list[str]
) -> None:
    gan = Gan()
    gan.train(8, **way)
    assert [leaves_loss_out(watch) for watch in gan.watches] == [False, False]
    gan.train(4, **way)
    assert gan.close() == [True, True]
    assert sorted(line.split(":")[0] for line in said) == ["d", "g"]
    assert all("adversaries" in line for line in said)


@pytest.mark.parametrize("way", [{}, {"freeze": True}, {"toggle": True}], ids=str)
def test_no_rate_of_a_gan_is_accused_by_its_losses(way: dict[str, bool]) -> None:
    gan = Gan()
    gan.train(300, **way)
    gan.close()
    assert [told.alerts for told in gan.told] == [[], []]
    assert [watch.verdict for watch in gan.watches] == ["undecided", "undecided"]


def test_a_gan_with_backoff_ends_at_the_weights_that_it_has_without() -> None:
    weights = []
    for backoff in (False, True):
        gan = Gan(backoff=backoff)
        gan.train(200)
        gan.close()
        weights.append([p.detach().clone() for net in (gan.g, gan.d) for p in net.parameters()])
        assert [told.actions for told in gan.told] == [[], []]
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


def test_who_says_that_the_losses_mean_something_has_them_judged() -> None:
    gan = Gan(surrogate=False)
    gan.train()
    assert gan.close() == [False, False]


def test_what_was_found_is_known_after_a_resume() -> None:
    gan = Gan()
    gan.train()
    states = [watch.state_dict() for watch in gan.watches]
    gan.close()
    resumed = Gan(backoff=True)
    for watch, state in zip(resumed.watches, states, strict=True):
        watch.load_state_dict(state)
    assert resumed.close() == [True, True]


def test_alerts_on_losses_end_where_these_are_left_out() -> None:
    gan = Gan()
    told = gan.told[0]
    for i in range(64):  # of a loss that is observed, and rises
        gan.watches[0].observe(1.0 + (i > 40) * 9.0 + 0.01 * (i % 3))
        gan.optimizers[0].step()
    gan.watches[0].flush()
    assert {alert.state for alert in told.alerts} & {"opened"}
    gan.train()
    gan.close()
    last = {alert.kind: alert.state for alert in told.alerts}
    assert last
    assert set(last.values()) == {"closed"}


def train_one_loss(optimizers: list[Optimizer], loss: Callable[[int], Tensor]) -> None:
    """All step on the same loss, as Muon beside AdamW."""
    for i in range(N):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss(i).backward()
        for optimizer in optimizers:
            optimizer.step()


def train_in_turns(optimizers: list[Optimizer], loss: Callable[[int], Tensor]) -> None:
    """One after the other steps on a loss that reaches all, as coordinate descent does."""
    for i, optimizer in zip(range(N), itertools.cycle(optimizers), strict=False):
        for other in optimizers:
            other.zero_grad()
        loss(i).backward()
        optimizer.step()


def train_in_phases(optimizers: list[Optimizer], loss: Callable[[int], Tensor]) -> None:
    """Together at first; then the one, then the other, and again, with frozen weights."""
    train_one_loss(optimizers, loss)
    for trained in optimizers * 10:
        for optimizer in optimizers:
            for param in optimizer.param_groups[0]["params"]:
                param.requires_grad_(optimizer is trained)
        for i in range(40):
            trained.zero_grad()
            loss(i).backward()
            trained.step()


def train_with_looks(optimizers: list[Optimizer], loss: Callable[[int], Tensor]) -> None:
    """Each step follows a backward() that nobody steps on, as in SAM or to look at gradients."""
    for i in range(N):
        for _ in range(2):
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss(i).backward()
        for optimizer in optimizers:
            optimizer.step()


@pytest.mark.parametrize(
    "train", [train_one_loss, train_in_turns, train_in_phases, train_with_looks]
)
def test_optimizers_of_one_model_are_no_rivals(
    train: Callable[[list[Optimizer], Callable[[int], Tensor]], None], said: list[str]
) -> None:
    model = small_model()
    optimizers: list[Optimizer] = [SGD(model[0].parameters(), 0.01), Adam(model[2].parameters())]
    with ExitStack() as stack:
        watches = [
            stack.enter_context(attach(optimizer, run_dir=False, stderr=False))
            for optimizer in optimizers
        ]
        train(optimizers, lambda i: loss_of(model, i))
        assert [leaves_loss_out(watch) for watch in watches] == [False, False]
    assert said == []


def test_an_actor_and_its_critic_are_rivals() -> None:
    torch.manual_seed(0)
    actor, critic = net(3, 1), net(4, 1)
    optimizers = Adam(actor.parameters()), Adam(critic.parameters())
    watches = [attach(opt, run_dir=False, stderr=False) for opt in optimizers]
    for _ in range(N):
        seen = torch.randn(32, 3)
        action = actor(seen)
        value = critic(torch.cat([seen, action.detach()], 1))
        optimizers[1].zero_grad()
        (value - seen.sum(1, keepdim=True)).square().mean().backward()
        optimizers[1].step()
        optimizers[0].zero_grad()
        (-critic(torch.cat([seen, action], 1)).mean()).backward()
        optimizers[0].step()
    for watch in watches:
        watch.close()
    assert [leaves_loss_out(watch) for watch in watches] == [True, True]


def test_a_step_on_a_shared_loss_begins_the_count_anew() -> None:
    rival = Rival()
    for _ in range(2):
        for _ in range(N_TURNS - 1):
            rival.reached(shared=True)
            rival.thrown_away()
            rival.reached(shared=False)
            rival.stepped()
        assert not rival.takes_turns
        rival.reached(shared=True)
        rival.stepped()
