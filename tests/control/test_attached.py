"""Back-off through attach(): the loop, the watcher, the log and the controller together."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import lrwatch

torch.set_num_threads(1)


class Loop:
    """A classifier of two rings under a cosine schedule."""

    def __init__(self, lr: float) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 1000)
        self.step = 0

    def go(self, n_steps: int, *, bad_at: int = -1) -> list[float]:
        losses = []
        for _ in range(n_steps):
            x = torch.randn(32, 2)
            loss = nn.functional.cross_entropy(self.model(x), (x.norm(dim=1) > 1.2).long())
            if self.step == bad_at:
                loss = loss * torch.nan
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.step += 1
            losses.append(loss.item())
        return losses


def ledger(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_hot_run_is_rescued_by_one_argument(tmp_path: Path) -> None:
    bare = Loop(10.0).go(300)
    loop = Loop(10.0)
    with lrwatch.attach(loop.optimizer, loop.model, run_dir=tmp_path, backoff=True, stderr=False):
        losses = loop.go(300)
    assert sum(losses[-50:]) < 0.5 * sum(bare[-50:])
    rewinds = [line for line in ledger(tmp_path) if line.get("kind") == "rewind"]
    assert rewinds
    assert all(line["lr_after"] < line["lr_before"] for line in rewinds)


def test_schedule_is_what_it_would_have_been(tmp_path: Path) -> None:
    bare, loop = Loop(10.0), Loop(10.0)
    bare.go(100)
    with lrwatch.attach(loop.optimizer, loop.model, run_dir=False, backoff=True, stderr=False):
        loop.go(100)
    assert loop.schedule.state_dict() == bare.schedule.state_dict()
    assert loop.optimizer.param_groups[0]["lr"] == bare.optimizer.param_groups[0]["lr"]


def test_nan_batch_is_skipped_before_the_weights_change(tmp_path: Path) -> None:
    loop = Loop(0.01)
    with lrwatch.attach(loop.optimizer, loop.model, run_dir=tmp_path, backoff=True, stderr=False):
        losses = loop.go(80, bad_at=50)
    assert sum(x != x for x in losses) == 1
    assert all(p.isfinite().all() for p in loop.model.parameters())
    kinds = [line["kind"] for line in ledger(tmp_path) if "lr_before" in line]
    assert kinds == ["skip", "outcome"]


def test_disarmed_watch_leaves_the_rate_to_the_schedule() -> None:
    loop = Loop(10.0)
    watch = lrwatch.attach(loop.optimizer, loop.model, run_dir=False, backoff=True, stderr=False)
    loop.go(60)
    watch.disarm()
    before = [p.detach().clone() for p in loop.model.parameters()]
    loop.go(1)
    moved = max(
        float((p.detach() - q).abs().max())
        for p, q in zip(loop.model.parameters(), before, strict=True)
    )
    watch.close()
    assert moved > 1.0


def test_disarm_file_works_from_another_process(tmp_path: Path) -> None:
    loop = Loop(10.0)
    with lrwatch.attach(loop.optimizer, loop.model, run_dir=tmp_path, backoff=True, stderr=False):
        loop.go(60)
        (tmp_path / "lrwatch" / "disarm").touch()
        loop.go(5)
    disarms = [line for line in ledger(tmp_path) if line.get("kind") == "disarm"]
    assert [line["step"] for line in disarms] == [60]


def test_disabled_by_the_environment_nothing_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_DISABLED", "1")
    bare = Loop(10.0).go(40)
    loop = Loop(10.0)
    with lrwatch.attach(loop.optimizer, loop.model, backoff=True):
        assert loop.go(40) == bare


def test_two_optimizers_have_each_their_own_scale() -> None:
    hot, healthy = Loop(10.0), Loop(0.01)
    first = lrwatch.attach(hot.optimizer, run_dir=False, backoff=True, stderr=False)
    second = lrwatch.attach(healthy.optimizer, run_dir=False, backoff=True, stderr=False)
    hot.go(60)
    healthy.go(60)
    scales = [w.state_dict()["controller"]["ladder"]["scale"] for w in (first, second)]
    first.close()
    second.close()
    assert scales[0] < 1
    assert scales[1] == 1


def test_closure_is_scaled_too() -> None:
    loop = Loop(10.0)
    with lrwatch.attach(loop.optimizer, loop.model, run_dir=False, backoff=True, stderr=False):
        for _ in range(80):
            x = torch.randn(32, 2)

            def closure(x: torch.Tensor = x) -> float:
                loop.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(loop.model(x), (x.norm(dim=1) > 1.2).long())
                loss.backward()
                return loss.item()

            loop.optimizer.step(closure)
        loss = closure()
    assert loss < 1.0
    assert loop.optimizer.param_groups[0]["lr"] == 10.0


def test_after_a_rewind_the_run_is_judged_as_it_was_before_the_trouble(tmp_path: Path) -> None:
    loop = Loop(0.03)
    with lrwatch.attach(loop.optimizer, loop.model, run_dir=tmp_path, backoff=True, stderr=False):
        loop.go(150)
        with torch.no_grad():
            for param in loop.model.parameters():
                param.mul_(-4.0)
        loop.go(60)
    lines = ledger(tmp_path)
    rewound = next(line["step"] for line in lines if line.get("kind") == "rewind")
    states = [(line["step"] < rewound, line["state"]) for line in lines if line["type"] == "alert"]
    assert {state for is_before, state in states if is_before} == {"opened"}
    assert {state for is_before, state in states if not is_before} <= {"raised", "closed"}
    assert states[-1] == (False, "closed")


def test_run_that_no_rate_can_rescue_is_stopped_with_the_reason(tmp_path: Path) -> None:
    loop = Loop(10.0)
    for param in loop.model.parameters():
        param.register_hook(torch.neg)
    with (
        lrwatch.attach(loop.optimizer, loop.model, run_dir=tmp_path, backoff=True, stderr=False),
        pytest.raises(lrwatch.TrainingStoppedError, match="above the first") as stopped,
    ):
        loop.go(2000)
    last = ledger(tmp_path)[-1]
    assert (last["kind"], last["step"]) == ("stop", loop.step)
    assert last["reason"] == stopped.value.action.reason
    assert loop.step < 1000


@pytest.mark.parametrize("step", [5, 60])
def test_batch_with_a_nan_leaves_none_in_running_statistics(step: int) -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(8)
    model = nn.Sequential(nn.Linear(2, 8), norm, nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with lrwatch.attach(optimizer, model, run_dir=False, backoff=True, stderr=False):
        for i in range(80):
            x = torch.randn(32, 2)
            target = (x.norm(dim=1) > 1.2).long()
            loss = nn.functional.cross_entropy(model(x * torch.nan if i == step else x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert norm.running_mean is not None
    assert bool(norm.running_mean.isfinite().all())
    assert bool(model.eval()(torch.randn(4, 2)).isfinite().all())
