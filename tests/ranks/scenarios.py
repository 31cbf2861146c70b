"""What each rank of a job does, scenario by scenario: ``torchrun -m tests.ranks.scenarios``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

import lrwatch
from tests.loop.training import Told
from tests.ranks.trained import Found, loss_on, mean, net, seen, true_norm, weights

Scenario = Callable[[int, Path], Found]


def train(
    model: nn.Module,
    rank: int,
    *,
    lr: float,
    n_steps: int,
    folder: Path,
    poisoned: int = -1,
    clip: float | None = None,
    **settings: object,
) -> Found:
    """A plain loop under watch; on the last rank the data of one step may be poisoned."""
    told = Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    watch = lrwatch.attach(optimizer, model, run_dir=folder, sinks=[told], **settings)  # type: ignore[arg-type]
    logged, norms = [], []
    for step in range(n_steps):
        optimizer.zero_grad()
        loss = loss_on(model, step, rank)
        if step == poisoned and rank == distributed.get_world_size() - 1:
            loss = loss * float("nan")
        loss.backward()
        logged.append(mean(loss.item()))
        norms.append(true_norm(model))
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    watch.close()
    found = seen(told, watch)
    return {**found, "logged": logged, "true_norms": norms, "weights": weights(model)}


def ddp(rank: int, folder: Path) -> Found:
    model = DistributedDataParallel(net())
    return train(model, rank, lr=0.1, n_steps=30, folder=folder, norm_every=3)


def ddp_acts(rank: int, folder: Path) -> Found:
    model = DistributedDataParallel(net())
    return train(model, rank, lr=10.0, n_steps=90, folder=folder, poisoned=70, backoff=True)


SCENARIOS: dict[str, Scenario] = {f.__name__: f for f in (ddp, ddp_acts)}


def main(folder: Path, *names: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    found = {}
    for name in names:
        found[name] = SCENARIOS[name](rank, folder / name)
        distributed.barrier()
    (folder / f"rank{rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
