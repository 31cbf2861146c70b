"""Two optimizers that train parts of one model: tied, they do the same at the same step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import lrwatch
from lrwatch.control.keeping import Keeping
from lrwatch.control.snapshot import Snapshots
from lrwatch.records import Action, Alert, Point
from tests.control.plateau import Plateau

torch.set_num_threads(1)


class Ledger:
    """A sink that calls back at every action."""

    def __init__(self, on_action: Callable[[Action], None] = lambda action: None) -> None:
        self.actions: list[Action] = []
        self._on_action = on_action

    def write_point(self, point: Point) -> None:
        pass

    def write_alert(self, alert: Alert) -> None:
        pass

    def write_action(self, action: Action) -> None:
        self.actions.append(action)
        self._on_action(action)

    def close(self) -> None:
        pass


class Pair:
    """A net whose layers are trained by an optimizer each, the second one's rate far too high."""

    def __init__(self, lrs: tuple[float, float]) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
        self.first = torch.optim.Adam(self.model[0].parameters(), lr=lrs[0])
        self.second = torch.optim.AdamW(self.model[2].parameters(), lr=lrs[1])
        self.ledgers = Ledger(), Ledger()

    def attach(self, backoff: Any = True, *, tied: bool = True) -> tuple[lrwatch.Watch, ...]:
        common: dict[str, Any] = {"run_dir": False, "stderr": False}
        first = lrwatch.attach(
            self.first, self.model, backoff=backoff, sinks=[self.ledgers[0]], **common
        )
        second = lrwatch.attach(
            self.second,
            backoff=first.backoff if tied else backoff,
            sinks=[self.ledgers[1]],
            **common,
        )
        return first, second

    def go(self, n_steps: int, *, bad_at: int = -1) -> float:
        losses = []
        for step in range(n_steps):
            x = torch.randn(32, 2)
            loss = nn.functional.cross_entropy(self.model(x), (x.norm(dim=1) > 1.2).long())
            losses.append(loss.item())
            for optimizer in (self.first, self.second):
                optimizer.zero_grad()
            (loss * torch.nan if step == bad_at else loss).backward()
            self.first.step()
            self.second.step()
        return sum(losses[-20:]) / 20

    def weights(self, index: int) -> list[torch.Tensor]:
        return [p.detach().clone() for p in self.model[index].parameters()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("lrs", [(3.0, 3.0), (0.01, 10.0), (30.0, 0.01)])
def test_tied_optimizers_are_rescued_together(lrs: tuple[float, float]) -> None:
    pair = Pair(lrs)
    first, second = pair.attach()
    loss = pair.go(300)
    assert loss < 0.45
    assert first.backoff.scale == second.backoff.scale
    assert pair.ledgers[0].actions
    assert not pair.ledgers[1].actions
    for watch in (first, second):
        watch.close()


def test_rewind_brings_the_first_weights_of_both_back() -> None:
    pair = Pair((0.01, 10.0))
    begun = pair.weights(2)
    pair.attach()
    for _ in range(40):
        pair.go(1)
        if any(action.kind == "rewind" for action in pair.ledgers[0].actions):
            break
    assert pair.ledgers[0].actions[-1].to_step == 0
    assert same(pair.weights(2), begun)


def test_update_that_is_skipped_is_skipped_by_both() -> None:
    pair = Pair((0.01, 0.01))
    pair.attach()
    pair.go(5)
    before = pair.weights(0), pair.weights(2)
    pair.go(1, bad_at=0)
    assert same(pair.weights(0), before[0])
    assert same(pair.weights(2), before[1])
    pair.go(1)
    assert not same(pair.weights(2), before[1])


def test_optimizers_that_are_not_tied_have_a_scale_each() -> None:
    pair = Pair((0.01, 10.0))
    first, second = pair.attach(tied=False)
    pair.go(100)
    assert second.backoff is not first.backoff
    assert pair.ledgers[1].actions


def test_disarming_one_disarms_both_and_rates_are_the_schedules() -> None:
    pair = Pair((3.0, 3.0))
    first, second = pair.attach()
    pair.go(60)
    second.disarm()
    assert (first.backoff.scale, second.backoff.scale) == (1.0, 1.0)
    assert [pair.first.param_groups[0]["lr"], pair.second.param_groups[0]["lr"]] == [3.0, 3.0]


def test_memory_of_both_is_given_back_together() -> None:
    pair = Pair((0.01, 0.01))
    own = Snapshots(pair.first)
    keeping = Keeping(own, None, n_slots=2, backoff=lrwatch.Backoff())
    tied = keeping.tie(pair.second)
    keeping.save("start", 0)
    assert min(own.n_bytes, tied.n_bytes) > 0
    keeping.clear()
    assert (own.n_bytes, tied.n_bytes) == (0, 0)


def test_closing_the_second_leaves_the_first_at_work() -> None:
    pair = Pair((3.0, 3.0))
    first, second = pair.attach()
    pair.go(2)
    second.close()
    pair.go(60)
    assert any(action.kind == "rewind" for action in pair.ledgers[0].actions)
    assert first.backoff.armed
    assert first.backoff.scale < 1.0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_trial_is_called_off_for_both_whichever_is_closed_first(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    run = Plateau(tmp_path)
    more = nn.Parameter(torch.zeros(4))
    second = torch.optim.SGD([more], lr=0.1)
    watches = run.watch, lrwatch.attach(second, run_dir=False, backoff=run.watch.backoff)
    more.grad = -torch.ones(4)
    while not run.ladder._course.contest:
        before = run.weight(), more.detach().clone()
        run.step()
        second.step()
    run.step()
    second.step()
    assert not same([more.detach()], [before[1]])
    for i in order:
        watches[i].close()
    assert same([run.weight(), more.detach()], list(before))


def test_tying_after_the_first_step_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    pair = Pair((0.01, 0.01))
    watch = lrwatch.attach(pair.first, run_dir=False, stderr=False, backoff=True)
    pair.go(1)
    with pytest.raises(ValueError, match="must be tied before the first step"):
        lrwatch.attach(pair.second, run_dir=False, stderr=False, backoff=watch.backoff)


def test_tied_optimizers_share_the_cap_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    pair = Pair((0.01, 0.01))
    small = lrwatch.Backoff(memory_cap=7000)
    watch = lrwatch.attach(pair.first, run_dir=False, stderr=False, backoff=small)
    with pytest.raises(ValueError, match="memory_cap of tied optimizers must be >= "):
        lrwatch.attach(pair.second, run_dir=False, stderr=False, backoff=watch.backoff)
