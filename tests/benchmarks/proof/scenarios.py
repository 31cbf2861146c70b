"""Short trainings that go through nearly every part of lrwatch, with alerts on their way."""

import io
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import nn

from lrwatch import Backoff, Watch, attach

N_STEPS = 14
_BAD_STEP = 9

Tick = Callable[[], None]


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a training left behind."""

    weights: list[torch.Tensor]
    n_steps: int

    def same_as(self, other: "Ended") -> bool:
        """Whether the weights are the same bits after as many steps."""
        pairs = zip(self.weights, other.weights, strict=True)
        return self.n_steps == other.n_steps and all(torch.equal(a, b) for a, b in pairs)


@contextmanager
def _run_dir() -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix="lrwatch-proof-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plain(watched: bool, tick: Tick = _nothing, run: Path | None = None, **settings: Any) -> Ended:
    """A plain loop with clipping, an alert, and all of the watch's methods."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(1e-2))
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    watch = (
        attach(optimizer, model, run_dir=run or False, norm_every=1, **settings)
        if watched
        else Watch()
    )
    with watch:
        for i in range(N_STEPS):
            tick()
            optimizer.zero_grad()
            loss = model(torch.full((2, 3), 0.1 * i)).square().mean()
            loss.backward()
            watch.observe(math.nan if i == _BAD_STEP else loss)
            if i % 2:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        tick()
        watch.flush()
        watch.state_dict()
        tick()
        _ = watch.alerts, watch.verdict
        tick()
    return _ended(model, N_STEPS)


def scaled(watched: bool, tick: Tick = _nothing, run: Path | None = None) -> Ended:
    """Mixed precision: a scaler that skips a step, several groups, several roots."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    groups: list[dict[str, Any]] = [{"params": [p], "lr": 0.01} for p in model.parameters()]
    optimizer = torch.optim.SGD(groups, lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    with attach(optimizer, run_dir=run or False, stderr=False) if watched else Watch():
        for i in range(N_STEPS):
            tick()
            optimizer.zero_grad()
            out = model(torch.full((2, 3), 0.1 * i)).square()
            losses = [out[0].sum(), out[1].sum() * (math.inf if i == _BAD_STEP else 1.0)]
            torch.autograd.backward(scaler.scale(losses))
            scaler.step(optimizer)
            scaler.update()
    return _ended(model, N_STEPS)


def closure(watched: bool, tick: Tick = _nothing, run: Path | None = None) -> Ended:
    """An optimizer that evaluates its loss several times a step."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)

    def evaluated() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = (model(torch.eye(3)) - 1.0).square().mean()
        loss.backward()
        return loss

    with attach(optimizer, run_dir=run or False, stderr=False) if watched else Watch():
        for _ in range(N_STEPS):
            tick()
            optimizer.step(evaluated)
    return _ended(model, N_STEPS)


def backed_off(watched: bool, tick: Tick = _nothing, run: Path | None = None) -> Ended:
    """The back-off, which only says what it would do."""
    return plain(watched, tick, run, backoff=Backoff(dry_run=True))


def acting(watched: bool, tick: Tick = _nothing, run: Path | None = None) -> Ended:
    """The back-off, which skips, rewinds and lowers the rate; the weights are another matter."""
    return plain(watched, tick, run, backoff=True)


SCENARIOS: dict[str, Callable[..., Ended]] = {
    "plain": plain,
    "mixed precision": scaled,
    "closure": closure,
    "back-off, dry": backed_off,
    "back-off": acting,
}


def played(name: str, *, watched: bool = True, tick: Tick = _nothing) -> Ended:
    """One of the scenarios, in a run directory of its own and with stderr out of the way."""
    with _run_dir() as folder, redirect_stderr(io.StringIO()), mock.patch.dict("os.environ"):
        return SCENARIOS[name](watched, tick, folder / "run")


def _ended(model: nn.Module, n_steps: int) -> Ended:
    return Ended([p.detach().clone() for p in model.parameters()], n_steps)
