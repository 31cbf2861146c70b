"""A snapshot brings the run back, and with its surroundings the run continues bit for bit."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, RMSprop

from lrwatch.control.snapshot import Snapshots

torch.set_num_threads(1)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda ps: SGD(ps, lr=0.1),
    "momentum": lambda ps: SGD(ps, lr=0.1, momentum=0.9),
    "adamw": lambda ps: AdamW(ps, lr=0.01),
    "adamw-fused": lambda ps: AdamW(ps, lr=0.01, fused=True),
    "adam-tensor-rate": lambda ps: Adam(ps, lr=torch.tensor(0.01), amsgrad=True),
    "rmsprop": lambda ps: RMSprop(ps, lr=0.01, centered=True),
    "lbfgs": lambda ps: torch.optim.LBFGS(ps, lr=0.1, max_iter=2),
}


class Run:
    def __init__(self, kind: str) -> None:
        self.model = net()
        self.optimizer = OPTIMIZERS[kind](self.model.parameters())
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.9)

    def go(self, n_steps: int) -> list[float]:
        losses = []
        for _ in range(n_steps):
            x = torch.randn(16, 4) * random.random()

            def closure(x: Tensor = x) -> float:
                self.optimizer.zero_grad()
                loss: Tensor = self.model(x).square().mean()
                loss.backward()
                return loss.item()

            loss = self.optimizer.step(closure)
            assert loss is not None
            losses.append(loss)
            self.schedule.step()
        return losses

    def bits(self) -> list[Tensor]:
        state = [v for s in self.optimizer.state.values() for v in s.values()]
        return [
            *(t.clone() for t in self.model.state_dict().values()),
            *(v.clone() for v in state if isinstance(v, Tensor)),
        ]


def same(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("n_before", [0, 3])
def test_exact_restore_continues_bit_identically(kind: str, n_before: int) -> None:
    run = Run(kind)
    snapshots = Snapshots(run.optimizer, run.model, others=(run.schedule,))
    random.seed(1)
    run.go(n_before)
    snapshots.save("here", n_before, exact=True)
    losses, end = run.go(6), run.bits()
    assert snapshots.load("here", exact=True) == n_before
    assert run.go(6) == losses
    assert same(run.bits(), end)


def test_second_restore_of_the_same_slot_is_as_good_as_the_first() -> None:
    run = Run("adamw")
    snapshots = Snapshots(run.optimizer, run.model, others=(run.schedule,))
    snapshots.save("here", 0, exact=True)
    losses = [run.go(4)]
    for _ in range(2):
        snapshots.load("here", exact=True)
        losses.append(run.go(4))
    assert losses[0] == losses[1] == losses[2]


def test_rewind_leaves_schedule_and_random_generators_alone() -> None:
    run = Run("adamw")
    snapshots = Snapshots(run.optimizer, run.model)
    snapshots.save("start", 0)
    run.go(5)
    rate, generator = run.optimizer.param_groups[0]["lr"], torch.get_rng_state()
    snapshots.load("start")
    assert run.optimizer.param_groups[0]["lr"] == rate
    assert torch.equal(torch.get_rng_state(), generator)


def test_start_slot_forgets_moments_that_were_not_there_yet() -> None:
    run = Run("adamw")
    snapshots = Snapshots(run.optimizer, run.model)
    snapshots.save("start", 0)
    run.go(3)
    snapshots.load("start")
    assert not run.optimizer.state


def test_saving_again_allocates_nothing_new() -> None:
    run = Run("adamw")
    snapshots = Snapshots(run.optimizer, run.model)
    run.go(1)
    snapshots.save("good", 1)
    slot = snapshots._slots["good"]

    def places() -> list[int]:
        every = [*slot._kept.values(), *slot._buffers.values()]
        moments = [value for kept in every for value in (kept.state or {}).values()]
        return [t.data_ptr() for t in [*(kept.weight for kept in every), *moments]]

    held = places()
    run.go(1)
    snapshots.save("good", 2)
    assert places() == held
    assert snapshots.steps == {"good": 2}


def test_saved_memory_is_not_shared_with_the_run() -> None:
    run = Run("momentum")
    snapshots = Snapshots(run.optimizer, run.model)
    run.go(2)
    before = run.bits()
    snapshots.save("good", 2)
    run.go(3)
    snapshots.load("good")
    assert same(run.bits(), before)
    run.go(3)
    snapshots.load("good")
    assert same(run.bits(), before)


def test_group_added_after_the_snapshot_keeps_its_weights() -> None:
    run = Run("adamw")
    snapshots = Snapshots(run.optimizer, run.model)
    snapshots.save("start", 0)
    mean = run.model[1].running_mean
    assert isinstance(mean, Tensor)
    late = nn.Parameter(torch.ones(2))
    run.optimizer.add_param_group({"params": [late]})
    run.go(1)
    snapshots.load("start")
    assert late.tolist() == [1.0, 1.0]
    assert mean.tolist() == [0.0] * 8


def test_without_the_model_its_buffers_stay() -> None:
    run = Run("sgd")
    snapshots = Snapshots(run.optimizer)
    snapshots.save("start", 0)
    run.go(2)
    mean = run.model[1].running_mean
    assert isinstance(mean, Tensor)
    moved = mean.clone()
    snapshots.load("start")
    assert torch.equal(mean, moved)


@pytest.mark.parametrize(
    ("max_bytes", "n_slots", "said"),
    [
        (10**9, 3, None),
        (900, 2, "2 instead of 3 snapshots are kept"),
        (300, 0, "no snapshots, so back-off can skip, lower the rate and stop, not rewind"),
    ],
)
def test_cap_says_how_many_slots_fit(max_bytes: int, n_slots: int, said: str | None) -> None:
    weight = nn.Parameter(torch.zeros(32))
    optimizer = Adam([weight])
    snapshots = Snapshots(optimizer, max_bytes=max_bytes)
    assert min(snapshots.n_slots, 3) == n_slots
    shortage = snapshots.shortage(3)
    assert shortage is None if said is None else said in str(shortage)


def test_estimate_before_the_first_step_is_what_the_slot_takes_after() -> None:
    for kind in ("momentum", "adamw"):
        run = Run(kind)
        snapshots = Snapshots(run.optimizer, run.model)
        estimate = snapshots.slot_bytes
        run.go(1)
        snapshots.save("good", 1)
        assert snapshots.n_bytes == pytest.approx(estimate, rel=0.05)


def test_a_history_is_counted_and_its_full_length_is_allowed_for() -> None:
    weight = nn.Parameter(torch.linspace(-1, 1, 1000))
    optimizer = torch.optim.LBFGS([weight], lr=0.1, max_iter=8, history_size=5)
    snapshots = Snapshots(optimizer, max_bytes=60_000)
    estimate = snapshots.slot_bytes
    assert snapshots.n_slots == 1

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (weight**4 + torch.arange(1000) * weight**2).sum()
        loss.backward()
        return loss

    for i in range(4):
        optimizer.step(closure)
        snapshots.save("here", i)
        assert snapshots.slot_bytes == pytest.approx(estimate, rel=0.02)
    assert len(optimizer.state[weight]["old_dirs"]) == 5
    assert snapshots.n_bytes == pytest.approx(estimate, rel=0.02)


def test_displacement_is_relative_to_the_weights_then() -> None:
    weight = nn.Parameter(torch.full((4,), 2.0))
    optimizer = SGD([weight], lr=0.1)
    snapshots = Snapshots(optimizer)
    snapshots.save("start", 0)
    with torch.no_grad():
        weight.add_(1.0)
    assert snapshots.displacement("start") == 0.5


def test_unknown_slot_and_missing_surroundings_are_named() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))])
    snapshots = Snapshots(optimizer)
    with pytest.raises(ValueError, match="no snapshot named 'x'"):
        snapshots.load("x")
    snapshots.save("x", 0)
    with pytest.raises(ValueError, match="saved without exact=True"):
        snapshots.load("x", exact=True)


def test_gradient_scaler_comes_back_with_its_scale_and_its_count() -> None:
    run = Run("sgd")
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)

    def go() -> tuple[list[float], list[Tensor]]:
        scales = []
        for _ in range(5):
            run.optimizer.zero_grad()
            scaler.scale(run.model(torch.randn(16, 4)).square().mean()).backward()
            scaler.step(run.optimizer)
            scaler.update()
            scales.append(scaler.get_scale())
        return scales, run.bits()

    go()
    snapshots = Snapshots(run.optimizer, run.model, others=(scaler, run.schedule))
    snapshots.save("here", 5, exact=True)
    scales, end = go()
    snapshots.load("here", exact=True)
    again, same_end = go()
    assert scales == again
    assert scales[0] < scales[-1]
    assert same(end, same_end)
