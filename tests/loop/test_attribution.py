"""Whose loss a backward() is, beside another route: the parameters that the graph reaches."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrwatch import attach
from tests.loop.training import Told

N_MODELS = 3


def leaves(root: Tensor) -> set[Tensor]:
    """The tensors into which a backward() on this root puts gradients."""
    found, seen, waiting = set(), set(), [root.grad_fn]
    while waiting:
        node: Any = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(node.variable)
        waiting += [following for following, _ in node.next_functions]
    return found


class Players:
    """Small models, each with an optimizer, whose losses reach whom they will."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.chance = random.Random(seed)
        self.models = [nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)) for _ in range(N_MODELS)]
        self.optimizers = [torch.optim.SGD(m.parameters(), lr=1e-3) for m in self.models]
        self.told = [Told() for _ in self.models]
        self.watches = [
            attach(optimizer, run_dir=False, stderr=False, sinks=[told])
            for optimizer, told in zip(self.optimizers, self.told, strict=True)
        ]
        self.due = [0.0] * N_MODELS
        self.expected: list[list[float]] = [[] for _ in self.models]

    def go_backward(self) -> None:
        """Through one to three of the models, and in them through the whole or the first layer."""
        x = torch.randn(4, 3)
        for i in self.chance.sample(range(N_MODELS), self.chance.randint(1, N_MODELS)):
            x = self.models[i][0](x) if self.chance.random() < 0.3 else self.models[i](x)
        loss = x.square().mean()
        reached = leaves(loss)
        loss.backward()
        for i, model in enumerate(self.models):
            if not reached.isdisjoint(model.parameters()):
                self.due[i] += loss.item()

    def step(self, i: int) -> None:
        if self.due[i] == 0.0:
            return
        self.optimizers[i].step()
        self.optimizers[i].zero_grad()
        self.expected[i].append(self.due[i])
        self.due[i] = 0.0


@pytest.mark.parametrize("seed", range(8))
def test_it_is_that_of_every_optimizer_whose_parameters_the_graph_reaches(seed: int) -> None:
    players = Players(seed)
    for _ in range(60):
        for _ in range(players.chance.randint(1, 4)):
            players.go_backward()
        for i in players.chance.sample(range(N_MODELS), N_MODELS):
            if players.chance.random() < 0.7:
                players.step(i)
    for watch, told, expected in zip(players.watches, players.told, players.expected, strict=True):
        watch.close()
        assert told.losses == pytest.approx(expected, rel=1e-5)


def test_a_generators_loss_that_goes_through_a_frozen_discriminator_is_its_own() -> None:
    players = Players(0)
    generator, discriminator, _ = players.models
    for _ in range(30):
        fake = generator(torch.randn(4, 3))
        losses = [discriminator(fake.detach()).square().mean()]
        discriminator.requires_grad_(False)
        losses.append((discriminator(fake) - 1).square().mean())
        discriminator.requires_grad_(True)
        for loss in losses:
            loss.backward()
        for i, loss in ((0, losses[1]), (1, losses[0])):
            players.due[i] = loss.item()
            players.step(i)
    for i in range(2):
        players.watches[i].close()
        assert players.told[i].losses == pytest.approx(players.expected[i], rel=1e-6)


def test_only_the_inputs_that_were_named_are_reached() -> None:
    players = Players(0)
    generator, discriminator, _ = players.models
    for _ in range(30):
        fake = generator(torch.randn(4, 3))
        losses = [discriminator(fake.detach()).square().mean()]
        losses.append((discriminator(fake) - 1).square().mean())
        losses[0].backward()
        losses[1].backward(inputs=list(generator.parameters()))
        for i, loss in ((0, losses[1]), (1, losses[0])):
            players.due[i] = loss.item()
            players.step(i)
    for i in range(2):
        players.watches[i].close()
        assert players.told[i].losses == pytest.approx(players.expected[i], rel=1e-6)


@pytest.mark.parametrize("n_before", [3, 4, 5, 30])
@pytest.mark.parametrize("is_frozen", [True, False])
def test_who_is_reached_only_once_another_was_trained_has_its_own(
    n_before: int, is_frozen: bool
) -> None:
    players = Players(0)
    players.models[1].requires_grad_(not is_frozen)
    for _ in range(n_before):
        players.models[0](torch.randn(4, 3)).square().mean().backward()
        players.optimizers[0].step()
        players.optimizers[0].zero_grad()
    players.models[1].requires_grad_(True)
    for _ in range(20):
        losses = [model(torch.randn(4, 3)).square().mean() for model in players.models[:2]]
        for loss in losses:
            loss.backward()
        for i in range(2):
            players.due[i] = losses[i].item()
            players.step(i)
    players.watches[1].close()
    assert players.told[1].losses == pytest.approx(players.expected[1], rel=1e-6)


@pytest.mark.parametrize("n_parts", [1, 4, 30])
def test_parts_of_a_loss_that_reach_the_embeddings_alone_are_not_counted(n_parts: int) -> None:
    players = Players(0)
    model = players.models[0]
    for _ in range(10):
        inputs = torch.randn(4, 3)
        embedded = model(inputs).detach().requires_grad_()
        parts = [(embedded - i).square().mean() / n_parts for i in range(n_parts)]
        for part in parts:
            part.backward()
        loss = torch.stack(parts).sum().detach().requires_grad_()

        def go_on(grad: Tensor, x: Tensor = inputs, cached: Tensor | None = embedded.grad) -> None:
            assert cached is not None
            with torch.enable_grad():
                (model(x) * cached * grad).sum().backward()

        loss.register_hook(go_on)
        loss.backward()
        players.due[0] = loss.item()
        players.step(0)
    players.watches[0].close()
    assert players.told[0].losses == pytest.approx(players.expected[0], rel=1e-6)
