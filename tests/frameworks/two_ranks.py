"""Ultralytics on two ranks of a machine without a GPU: its own code does that only on devices."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.models.yolo.detect import DetectionTrainer

torch.set_num_threads(1)

ddp = nn.parallel.DistributedDataParallel


def without_devices(model: nn.Module, device_ids: Any = None, **settings: Any) -> nn.Module:
    return ddp(model, **settings)


class OnCpu(DetectionTrainer):
    """Takes part in a job of two ranks, and says at the end what its weights are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.world_size = int(os.environ.get("WORLD_SIZE", "0"))
        self.add_callback("teardown", told)

    def _setup_ddp(self) -> None:
        torch.distributed.init_process_group("gloo")

    def _setup_train(self) -> None:
        nn.parallel.DistributedDataParallel = without_devices  # type: ignore[assignment,misc]
        super()._setup_train()

    def validate(self) -> tuple[dict[str, float], float]:
        return {}, 0.0

    def final_eval(self) -> None:
        return


def told(trainer: Any) -> None:
    weights = trainer.model.module.model[0].conv.weight.flatten()[:8].tolist()
    rank = os.environ.get("RANK", "none")
    Path(trainer.args.project, f"rank-{rank}.json").write_text(json.dumps(weights))
