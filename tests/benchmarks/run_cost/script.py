"""The training that is watched: ``python -m tests.benchmarks.run_cost.script NAME N_STEPS``."""

import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lrwatch.loop import short_step
from tests.benchmarks.run_cost.inside import Inside
from tests.benchmarks.run_cost.stretches import Stretches
from tests.benchmarks.run_cost.switch import Switch
from tests.benchmarks.usage import other_threads_s

N_ROWS, WIDTH = 96, 512


class Model(nn.Module):
    """Layers of 512, whose step takes about 10 ms."""

    def __init__(self) -> None:
        super().__init__()
        layers = [part for _ in range(3) for part in (nn.Linear(WIDTH, WIDTH), nn.Tanh())]
        self.layers = nn.Sequential(*layers, nn.Linear(WIDTH, 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"loss": (self.layers(x) - x.mean(1, keepdim=True)).square().mean()}


class Rows(Dataset[Any]):
    """As many rows as are asked for, of few that differ."""

    def __init__(self, n: int) -> None:
        self._rows = torch.randn(1024, WIDTH)
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"x": self._rows[index % 1024]}


def transformers(rows: Rows, step: Callable[[], None]) -> None:
    """The Trainer of Hugging Face, as it comes: AdamW, clipping, a linear schedule."""
    import transformers

    class Steps(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            step()

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder,
            num_train_epochs=1,
            per_device_train_batch_size=N_ROWS,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            learning_rate=1e-4,
        )
        transformers.Trainer(Model(), arguments, train_dataset=rows, callbacks=[Steps()]).train()


def lightning(rows: Rows, step: Callable[[], None]) -> None:
    """The Trainer of Lightning with automatic optimization."""
    import lightning

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()

        def training_step(self, batch: dict[str, Tensor], i: int) -> Tensor:
            found: Tensor = self.model(**batch)["loss"]
            return found

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-4)

    class Steps(lightning.Callback):  # type: ignore[misc]
        def on_train_batch_start(self, *args: Any) -> None:
            step()

    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", callbacks=[Steps()], **dict.fromkeys(quiet, False)
    )
    trainer.fit(Module(), DataLoader(rows, batch_size=N_ROWS))


def main(name: str, n_steps: int) -> None:
    """Train, and print what was measured."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    # What is due by the clock is due by processor time: on a busy machine not at every step.
    for module in (time, short_step):
        vars(module)["perf_counter"] = time.thread_time
    switches: list[Switch] = []
    inside = Inside()
    inside.prepare()

    def switch() -> Callable[[bool], None]:
        switches.append(Switch(inside))
        return switches[0].turn

    stretches = Stretches(switch, lambda: (time.thread_time(), inside.spent_s))
    globals()[name](Rows(n_steps * N_ROWS), stretches.step)
    stretches.end()
    threads_s = other_threads_s() / switches[0].n_steps
    print(json.dumps({"rounds": stretches.rounds, "threads": threads_s}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
