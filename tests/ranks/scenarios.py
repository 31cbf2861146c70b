"""What each rank of a job does, scenario by scenario: ``torchrun -m tests.ranks.scenarios``."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    parallelize_module,
)
from torch.nn.parallel import DistributedDataParallel

import lrwatch
from lrwatch.loop.attach import _watches
from lrwatch.loop.judgement.shared_steps import SharedSteps
from lrwatch.ranks import leader, together
from tests.loop.training import Told
from tests.ranks.trained import (
    Found,
    leave,
    loss_on,
    mean,
    net,
    norm_of_parts,
    seen,
    true_norm,
    weights,
)

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
    norm: Callable[[nn.Module], float] = true_norm,
    **settings: Any,
) -> Found:
    """A plain loop under watch; the last rank's data of one step may be poisoned."""
    told = Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    watch = lrwatch.attach(optimizer, model, run_dir=folder, sinks=[told], **settings)
    logged, norms = [], []
    for step in range(n_steps):
        optimizer.zero_grad()
        loss = loss_on(model, step, rank)
        if step == poisoned and rank == distributed.get_world_size() - 1:
            loss = loss * float("nan")
        loss.backward()
        logged.append(mean(loss.item()))
        norms.append(norm(model))
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    watch.close()
    found = seen(told, watch)
    return {**found, "logged": logged, "true_norms": norms, "weights": weights(model)}


def sharded(model: nn.Sequential, **how: Any) -> nn.Module:
    """FSDP2, a part by itself and the rest as a whole."""
    fully_shard(model[0], **how)
    fully_shard(model, **how)
    return model


def ddp(rank: int, folder: Path) -> Found:
    model = DistributedDataParallel(net())
    return train(model, rank, lr=0.1, n_steps=30, folder=folder, norm_every=3)


def fsdp(rank: int, folder: Path) -> Found:
    return train(sharded(net(width=15)), rank, lr=0.1, n_steps=30, folder=folder, norm_every=3)


def fsdp1(rank: int, folder: Path) -> Found:
    """The older FSDP, whose parameters are plain tensors that differ between the ranks."""
    model = FullyShardedDataParallel(net(), device_id=torch.device("cpu"), use_orig_params=True)
    return train(model, rank, lr=0.1, n_steps=10, folder=folder, norm=norm_of_parts, norm_every=1)


def fsdp_clipped(rank: int, folder: Path) -> Found:
    return train(sharded(net()), rank, lr=0.1, n_steps=10, folder=folder, clip=0.1)


def fsdp_in_copies(rank: int, folder: Path) -> Found:
    """HSDP: pairs of ranks share the shards, and both pairs have all of them."""
    model = sharded(net(), mesh=init_device_mesh("cpu", (2, 2), mesh_dim_names=("copy", "shard")))
    return train(model, rank, lr=0.1, n_steps=10, folder=folder, norm_every=1)


def tensor_parallel(rank: int, folder: Path) -> Found:
    """The two layers are split over all ranks; what lies between them is whole on each."""
    mesh = init_device_mesh("cpu", (distributed.get_world_size(),))
    model = nn.Sequential(net(), nn.LayerNorm(2))
    parallelize_module(model[0], mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    return train(model, 0, lr=0.1, n_steps=10, folder=folder, norm_every=1)


def fsdp_and_tensor_parallel(rank: int, folder: Path) -> Found:
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "model"))
    model = net()
    parallelize_module(model, mesh["model"], {"0": ColwiseParallel(), "2": RowwiseParallel()})
    fully_shard(model, mesh=mesh["data"])
    return train(
        model, mesh["data"].get_local_rank(), lr=0.1, n_steps=10, folder=folder, norm_every=1
    )


def fsdp_without_sync(rank: int, folder: Path) -> Found:
    """Three micro-batches a step, of which the last alone brings the gradients to their shards."""
    model, told = net(), Told()
    whole_model: Any = fully_shard(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = lrwatch.attach(optimizer, run_dir=False, sinks=[told])
    logged = []
    for step in range(8):
        total = 0.0
        for micro in range(3):
            whole_model.set_requires_gradient_sync(micro == 2)
            loss = loss_on(model, 3 * step + micro, rank) / 3
            loss.backward()
            total += loss.item()
        logged.append(mean(total))
        optimizer.step()
        optimizer.zero_grad()
    watch.close()
    return {**seen(told, watch), "logged": logged}


def ddp_acts(rank: int, folder: Path) -> Found:
    model = DistributedDataParallel(net())
    return train(model, rank, lr=10.0, n_steps=90, folder=folder, poisoned=70, backoff=True)


def one_is_asked(rank: int, folder: Path) -> Found:
    """As ``ddp_acts``; in each step that is agreed upon a handler of rank 1 saves the watch."""
    take, limit_s = SharedSteps.take, together.TIMEOUT_S
    together.TIMEOUT_S = 5.0

    def interrupted(self: SharedSteps, *args: Any) -> None:
        take(self, *args)
        signal.raise_signal(signal.SIGUSR1)

    def save(number: int, frame: object) -> None:
        for watch in list(_watches.values()):
            watch.state_dict()

    if rank:
        signal.signal(signal.SIGUSR1, save)
        SharedSteps.take = interrupted  # type: ignore[assignment, method-assign]
    try:
        return ddp_acts(rank, folder)
    finally:
        SharedSteps.take, together.TIMEOUT_S = take, limit_s  # type: ignore[method-assign]


def fsdp_acts(rank: int, folder: Path) -> Found:
    model = sharded(net())
    return train(model, rank, lr=10.0, n_steps=90, folder=folder, poisoned=70, backoff=True)


def one_is_resumed(rank: int, folder: Path) -> Found:
    """The state of an earlier run, at a lower rate, is given to rank 0 alone."""
    model, told = DistributedDataParallel(net()), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    watch = lrwatch.attach(optimizer, model, run_dir=False, backoff=True, sinks=[told])
    if rank == 0:
        state = watch.state_dict()
        state["controller"]["ladder"]["scale"] = 0.25
        watch.load_state_dict(state)
    for step in range(30):
        optimizer.zero_grad()
        loss_on(model, step, rank).backward()
        optimizer.step()
    watch.close()
    return {**seen(told, watch), "weights": weights(model)}


def disarmed(rank: int, folder: Path) -> Found:
    """Asked for on the last rank alone."""
    model, told = DistributedDataParallel(net()), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=10.0)
    watch = lrwatch.attach(optimizer, run_dir=False, backoff=True, sinks=[told])
    for step in range(30):
        if step == 20 and rank == distributed.get_world_size() - 1:
            watch.disarm()
        optimizer.zero_grad()
        loss_on(model, step, rank).backward()
        optimizer.step()
    watch.close()
    return {**seen(told, watch), "weights": weights(model)}


def alone(
    rank: int, n_steps: int, after: Callable[[int], None] = lambda step: None, **settings: Any
) -> Found:
    """Every rank trains a model of its own."""
    model, told = net(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = lrwatch.attach(optimizer, run_dir=False, sinks=[told], **settings)
    logged = []
    for step in range(n_steps):
        optimizer.zero_grad()
        loss = loss_on(model, step, rank)
        loss.backward()
        logged.append(loss.item())
        optimizer.step()
        after(step)
    watch.close()
    return {**seen(told, watch), "logged": logged}


def one_ends_early(rank: int, folder: Path) -> Found:
    return alone(rank, 20 if rank else 50)


def one_lags_behind(rank: int, folder: Path) -> Found:
    """Rank 1 begins when rank 0 has made all of its steps: neither can have waited."""
    store = distributed.distributed_c10d._get_default_store()
    if rank:
        store.wait(["rank 0 is through"])

    def after(step: int) -> None:
        if step == 199:
            store.set(f"rank {rank} is through", "")
            store.wait(["rank 1 is through"])

    return alone(rank, 200, after)


def one_never_steps(rank: int, folder: Path) -> Found:
    """Rank 1 has a watch that acts, too, but none of its steps ever comes."""
    together.TIMEOUT_S = 0.3
    return alone(rank, 0 if rank else 20, backoff=True)


def one_acts(rank: int, folder: Path) -> Found:
    return alone(rank, 20, backoff=rank == 0)


def two_losses(rank: int, folder: Path) -> Found:
    """A generator and a discriminator: both losses go backward before either steps."""
    generator, discriminator = DistributedDataParallel(net(1)), DistributedDataParallel(net(2))
    models, told = (generator, discriminator), (Told(), Told())
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    watches = [
        lrwatch.attach(optimizer, run_dir=folder, name=name, sinks=[sink])
        for optimizer, name, sink in zip(optimizers, ("g", "d"), told, strict=True)
    ]
    logged: list[list[float]] = [[], []]
    for step in range(10):
        losses = [loss_on(model, step, rank) for model in models]
        for optimizer, loss, log in zip(optimizers, losses, logged, strict=True):
            optimizer.zero_grad()
            loss.backward()
            log.append(mean(loss.item()))
        for optimizer in optimizers:
            optimizer.step()
    for watch in watches:
        watch.close()
    return {"losses": [sink.losses for sink in told], "logged": logged}


def one_forks(rank: int, folder: Path) -> Found:
    """As a DataLoader does: rank 1 forks while steps wait for rank 0, and its children ask."""
    model, told = DistributedDataParallel(net()), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch: Any = lrwatch.attach(optimizer, run_dir=False, sinks=[told])
    codes = []
    for step in range(20):
        if rank and step % 10 == 5:
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    watch._judge._shared._together._steps._store = None  # to ask it would raise
                    code = 0 if (watch.alerts, watch.verdict) == ([], "undecided") else 2
                finally:
                    os._exit(code)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        optimizer.zero_grad()
        loss_on(model, step, rank).backward()
        optimizer.step()
    watch.close()
    return {**seen(told, watch), "codes": codes}


SCENARIOS: dict[str, Scenario] = {
    f.__name__: f
    for f in (
        ddp, fsdp, fsdp1, fsdp_clipped, fsdp_in_copies, tensor_parallel, fsdp_and_tensor_parallel,
        fsdp_without_sync, ddp_acts, fsdp_acts, disarmed, one_ends_early, one_lags_behind,
        one_never_steps, one_acts, one_is_resumed, one_is_asked, one_forks, two_losses,
    )
}  # fmt: skip


def main(folder: Path, *names: str) -> None:
    torch.set_num_threads(1)
    together.CLOSING_S = leader.PATIENCE_S = 60.0  # A busy machine must not fail a test.
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    found = {}
    for name in names:
        found[name] = SCENARIOS[name](rank, folder / name)
        distributed.barrier()
    (folder / f"rank{rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()
    leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
