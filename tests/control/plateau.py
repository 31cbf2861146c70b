"""A training in which a trial from the first weights begins for sure."""

import math
import random
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import lrwatch
from lrwatch.policy.ladder import Ladder


class Plateau:
    """A run that stands on a plateau with its weights far away, until a trial begins."""

    def __init__(self, tmp_path: Path, **more: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Linear(4, 1, bias=False)
        self.wrapped = nn.Sequential(self.model)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        settings = {"model": self.model, "run_dir": tmp_path, "stderr": False, **more}
        self.watch = lrwatch.attach(self.optimizer, backoff=True, **settings)
        self.rng = random.Random(0)
        self.n = 0

    @property
    def ladder(self) -> Ladder:
        ladder: Ladder = self.watch.backoff._ladder
        return ladder

    def step(self) -> None:
        """The weights grow at each step; the loss is what it was after a short fall."""
        level = 1.0 + math.exp(-self.n / 5) + self.rng.gauss(0, 0.01)
        weight = self.model.weight
        loss = level + (weight - weight.detach()).sum() * -1.0
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.n += 1

    def until_a_trial(self) -> "Plateau":
        for _ in range(2000):
            self.step()
            if self.ladder._course.contest:
                self.step()
                return self
        raise AssertionError("no trial began")

    def weight(self) -> Tensor:
        return self.model.weight.detach().clone()
