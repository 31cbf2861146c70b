"""Two processes, trouble on one of them: both act alike and stay bit-identical."""

import multiprocessing
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from lrwatch.control import build_controller
from lrwatch.records import Action


def rank_main(rank: int, world: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world
    )
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    model = nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.Adam(model.parameters(), lr=3.0)
    actions: list[Action] = []
    controller = build_controller(
        True, optimizer=optimizer, model=model, write_action=actions.append
    )
    torch.manual_seed(100 + rank)
    for step in range(90):
        x = torch.randn(16, 2)
        loss = nn.functional.cross_entropy(model(x), (x.norm(dim=1) > 1.2).long())
        optimizer.zero_grad()
        loss.backward()
        seen = float("nan") if rank == 1 and step == 70 else loss.item()
        if controller.before_step(optimizer, step, seen, None) is not False:
            optimizer.step()
        controller.after_step(optimizer, step)
    taken = [(a.step, a.kind, a.scale) for a in actions]
    weights = [p.detach() for p in net.parameters()]
    torch.save((taken, weights), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_all_ranks_act_alike_on_what_one_of_them_saw(tmp_path: Path) -> None:
    world = 2
    context = multiprocessing.get_context("spawn")
    ranks = [
        context.Process(target=rank_main, args=(rank, world, str(tmp_path)))
        for rank in range(world)
    ]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    assert [process.exitcode for process in ranks] == [0] * world
    found: list[Any] = [
        torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(world)
    ]
    taken, weights = found[0]
    assert "rewind" in {kind for _, kind, _ in taken}
    assert (70, "skip") in {(step, kind) for step, kind, _ in taken}
    for other_taken, other_weights in found[1:]:
        assert other_taken == taken
        assert all(torch.equal(a, b) for a, b in zip(weights, other_weights, strict=True))
