"""Losses for the policy alone, and a run that feeds them to it; no torch."""

import math
import random
import re
from collections.abc import Iterable
from typing import Any

from lrwatch.policy.ladder import Ladder
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.settings import Backoff

ASKS, ASKED = "do better on these batches", "are looked at"


def descent(seed: int, n_steps: int) -> list[float]:
    """A noisy fall by a power law."""
    rng = random.Random(seed)
    return [2 + 8 * (i + 10) ** -0.5 + rng.gauss(0, 0.1) for i in range(n_steps)]


class Run:
    """Feeds losses and norms to a ladder; ``moved`` is how far the weights are said to be.

    ``n_looks`` is how often that was asked. Older weights that are looked at before a run goes back
    to them have the loss of their step on the batches in between, unless ``changed`` says that the
    data are others now, or the weights were lost before, at ``lost_at``; ``questions`` are the
    steps of that, which is not among the moves but in ``asking_moves``.
    """

    def __init__(self, settings: Backoff | None = None, *, moved: float = 0.5, **more: Any) -> None:
        self.ladder = Ladder(settings or Backoff(), **more)
        self.moved = moved
        self.n_looks = 0
        self.step = 0
        self.moves: list[tuple[int, Move]] = []
        self.saved: list[int] = []
        self.questions: list[int] = []
        self.asking_moves: list[Move] = []
        self.changed, self.lost_at = False, math.inf
        self._losses: list[float] = []

    def feed(
        self, losses: Iterable[float], norms: Iterable[float] | None = None, rate: float = 0.1
    ) -> list[tuple[int, Move]]:
        """All moves so far."""
        taken = list(losses)
        for loss, norm in zip(taken, norms or [1.0] * len(taken), strict=True):
            moves = self._tell(loss, norm, rate)
            while older := re.search(rf"do the weights of step (\d+) {ASKS}", _said(moves)):
                self.questions.append(self.step - 1)
                lost = self.changed or int(older[1]) >= self.lost_at
                before = loss if lost else self._losses[int(older[1])]
                moves = self._tell(before, norm, rate)
                while ASKED in _said(moves):
                    moves = self._tell(before, norm, rate)
        return self.moves

    def _tell(self, loss: float, norm: float, rate: float) -> list[Move]:
        seen = Seen(step=self.step, loss=loss, grad_norm=norm, rate=rate, moved=self._look)
        moves = self.ladder.decide(seen)
        self._losses.append(loss)
        if not any(ASKS in m.reason or ASKED in m.reason for m in moves):
            self.moves += [(self.step, move) for move in moves]
        self.asking_moves += [move for move in moves if ASKS in move.reason]
        self.saved += [self.step] if self.ladder.save else []
        self.step += 1
        return moves

    def _look(self) -> float:
        self.n_looks += 1
        return self.moved

    def kinds(self) -> list[str]:
        """What was done, outcomes left out."""
        return [move.kind for _, move in self.moves if move.kind != "outcome"]


def _said(moves: list[Move]) -> str:
    return moves[-1].reason if moves else ""
