"""A training on several ranks under a framework: ``torchrun -m tests.frameworks.ranked NAME DIR``.

The data are dealt out by the framework, so that every rank sees its own; the rate is far too high.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn

import lrwatch
import lrwatch.loop.frameworks.watches
from tests.frameworks.tiny import batches, linear
from tests.loop.training import Told
from tests.ranks.trained import actions, leave

LR, N_BATCHES = 5.0, 120
told = Told()
logged: list[float] = []
watches: list[lrwatch.Watch] = []


class Model(nn.Module):
    """Gives the loss itself, and keeps what it was on this rank."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = linear()

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        loss = ((self.layer(x) - y) ** 2).mean()
        logged.append(loss.item())
        return {"loss": loss}


def attach(optimizer: Any, model: Any, **settings: Any) -> lrwatch.Watch:
    """What callbacks attach by, with a sink of ours."""
    watches.append(lrwatch.attach(optimizer, model, sinks=[told], **settings))
    return watches[-1]


def trained_by_lightning(folder: Path, model: Model) -> None:
    import lightning

    from lrwatch.hooks.lightning import LrwatchCallback

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: list[Tensor], i: int) -> Tensor:
            found: Tensor = self.model(*batch)["loss"]
            return found

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=LR)

    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        callbacks=[LrwatchCallback(run_dir=str(folder), backoff=True, stderr=False)],
        **dict.fromkeys(quiet, False),
    )
    trainer.fit(Module(), batches(N_BATCHES))


def trained_by_fabric(folder: Path, model: Model) -> None:
    import lightning

    from lrwatch.hooks.fabric import attach as attach_to

    fabric = lightning.Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    wrapped, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=LR))
    loader = fabric.setup_dataloaders(batches(N_BATCHES))
    watch = attach_to(
        fabric, optimizer, run_dir=str(folder), backoff=True, stderr=False, sinks=[told]
    )
    watches.append(watch)
    for x, y in loader:
        optimizer.zero_grad()
        fabric.backward(wrapped(x, y)["loss"])
        optimizer.step()
    watch.close()


def trained_by_transformers(folder: Path, model: Model) -> None:
    import transformers

    from lrwatch.hooks.transformers import LrwatchCallback

    arguments = transformers.TrainingArguments(
        str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=16,
        learning_rate=LR,
        lr_scheduler_type="constant",
        max_grad_norm=0.0,
        optim="sgd",
        use_cpu=True,
        ddp_backend="gloo",
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )
    loader = batches(N_BATCHES)
    data = [{"x": x, "y": y} for xs, ys in loader for x, y in zip(xs, ys, strict=True)]
    callback = LrwatchCallback(run_dir=str(folder), backoff=True, stderr=False)
    transformers.Trainer(model, arguments, train_dataset=data, callbacks=[callback]).train()


def trained_by_accelerate(folder: Path, model: Model) -> None:
    import accelerate

    from lrwatch.hooks.accelerate import attach as attach_to

    accelerator = accelerate.Accelerator(cpu=True)
    wrapped, optimizer, loader = accelerator.prepare(
        model, torch.optim.SGD(model.parameters(), lr=LR), batches(N_BATCHES)
    )
    settings: dict[str, Any] = {"backoff": True, "stderr": False, "sinks": [told]}
    watch = attach_to(accelerator, optimizer, run_dir=str(folder), **settings)
    watches.append(watch)
    for x, y in loader:
        accelerator.backward(wrapped(x, y)["loss"])
        optimizer.step()
        optimizer.zero_grad()
    watch.close()


def main(framework: str, folder: Path) -> None:
    warnings.simplefilter("ignore")
    setattr(lrwatch.loop.frameworks.watches, "attach", attach)  # noqa: B010  (not a name of the module's own)
    model = Model()
    globals()[f"trained_by_{framework}"](folder, model)
    found = {
        "world": distributed.get_world_size(),
        "logged": logged,
        "losses": told.losses,
        "actions": actions(told),
        "verdict": watches[0].verdict,
        "weights": torch.cat([p.detach().flatten() for p in model.parameters()]).tolist(),
    }
    (folder / f"rank{os.environ['RANK']}.json").write_text(json.dumps(found))
    leave()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
