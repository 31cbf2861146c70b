"""Ray Tune: a sweep of rates ends the trials that are lost, and says how many steps that saved."""

import os
from typing import Any

import ray
import torch
from ray import tune
from torch import nn

from lrwatch.hooks.ray import LrwatchStopper, attach

N_STEPS = 300


def train(config: dict[str, Any]) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    inputs = torch.randn(4096, 20)
    targets = torch.sin(inputs @ torch.randn(20, 1))
    model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"], momentum=0.9)
    with attach(optimizer, model, stderr=False) as watch:
        for step in range(N_STEPS):
            rows = torch.randint(len(inputs), (64,))
            loss = nn.functional.mse_loss(model(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 9:
                tune.report({"loss": loss.item(), "step": step + 1, "lrwatch": watch.verdict})


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    stopper = LrwatchStopper()
    results = tune.Tuner(
        train,
        param_space={"lr": tune.grid_search([0.01, 0.1, 10.0])},
        run_config=tune.RunConfig(stop=stopper, storage_path=os.path.abspath("runs"), verbose=0),
    ).fit()
    saved = sum(N_STEPS - result.metrics["step"] for result in results)
    best = results.get_best_result("loss", "min").config["lr"]
    print(f"best rate: {best}; {saved} of {len(results) * N_STEPS} steps saved")
    print(f"{len(stopper.stopped)} of {len(results)} trials ended early")
