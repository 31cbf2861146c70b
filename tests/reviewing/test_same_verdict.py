"""One training, seen live and from the event file, table and text log that it wrote, is one."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

import lrwatch
from lrwatch.live.judged import JudgedLog
from lrwatch.readers.reading import read
from lrwatch.records import Alert
from lrwatch.reviewing.judging import judge

N_STEPS = 700
torch.set_num_threads(1)


def steady(step: int) -> float:
    return 0.05


def hot_from_400(step: int) -> float:
    return 0.05 if step < 400 else 6.0


def far_too_high(step: int) -> float:
    return 4.0


def train(folder: Path, rate: Callable[[int], float]) -> lrwatch.Watch:
    """A regression with three logs of its own, each by the hand of its user."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    watch = lrwatch.attach(optimizer, run_dir=False, stderr=False, norm_every=1)
    with (
        watch,
        SummaryWriter(str(folder / "events")) as writer,
        (folder / "log.csv").open("w") as table,
        (folder / "train.log").open("w") as text,
    ):
        table.write("step,loss,grad_norm,lr\n")
        for step in range(N_STEPS):
            optimizer.param_groups[0]["lr"] = lr = rate(step)
            x = torch.randn(16, 8)
            loss = (model(x) - x[:, :2].sum(1, keepdim=True)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])  # type: ignore[misc]
            optimizer.step()
            values = {"loss": loss.item(), "grad_norm": norm.item(), "lr": lr}
            for name, value in values.items():
                writer.add_scalar(name, value, step)
            table.write(f"{step},{values['loss']},{values['grad_norm']},{lr}\n")
            text.write(
                f"step {step} | " + " | ".join(f"{n}: {x:.9g}" for n, x in values.items()) + "\n"
            )
    return watch


def told(alerts: Sequence[Alert]) -> list[tuple[object, ...]]:
    return [(a.kind, a.state, a.severity, a.step, a.onset, a.verdict, a.trouble) for a in alerts]


@pytest.mark.parametrize("rate", [steady, hot_from_400, far_too_high])
def test_alerts_and_verdict_are_the_same_from_every_side(
    tmp_path: Path, rate: Callable[[int], float]
) -> None:
    watch = train(tmp_path, rate)
    for name in ("events", "log.csv", "train.log"):
        judged = judge(read(tmp_path / name))
        assert judged.n_steps == N_STEPS
        assert (judged.verdict, told(judged.alerts)) == (watch.verdict, told(watch.alerts))
        log = JudgedLog(tmp_path / name, {})
        entries = [*log.poll(time.time()), *log.settle()]
        log.close()
        followed = [entry.record for entry in entries if isinstance(entry.record, Alert)]
        assert (log.verdict, told(followed)) == (watch.verdict, told(watch.alerts))
    assert watch.alerts or rate is steady
