"""A run that is stopped and resumed: the watch is part of the checkpoint, and goes on judging."""

import tempfile
from pathlib import Path

import torch
from torch import nn

import lrwatch


def train(checkpoint: Path, until: int) -> str:
    torch.manual_seed(0)
    model = nn.Linear(20, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with lrwatch.attach(optimizer, run_dir=checkpoint.parent / "run") as watch:
        if checkpoint.exists():
            state = torch.load(checkpoint)
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            watch.load_state_dict(state["watch"])
        while watch.n_steps < until:
            inputs = torch.randn(32, 20)
            optimizer.zero_grad()
            loss = (model(inputs) - inputs.sum(1, keepdim=True)).square().mean()
            loss.backward()
            optimizer.step()
        state = {"model": model, "optimizer": optimizer, "watch": watch}
        torch.save({name: part.state_dict() for name, part in state.items()}, checkpoint)
        return watch.verdict


with tempfile.TemporaryDirectory() as folder:
    checkpoint = Path(folder) / "checkpoint.pt"
    print("after 200 steps:", train(checkpoint, 200))
    print("after 400 steps:", train(checkpoint, 400))
