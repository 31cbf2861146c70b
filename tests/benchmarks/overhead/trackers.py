"""What a user would log with instead: each told the same three numbers at every step."""

import os
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn

Log = Callable[[int, Tensor], None]
Begin = Callable[[nn.Module, Path], tuple[Log, Callable[[], None]]]

RATE, NORM = 1e-3, 1.0


class Within:
    """Adds up processor time that is spent within the training step: a hook of a gradient's."""

    def __init__(self) -> None:
        self.total_s = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start_s = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.total_s += time.thread_time() - start_s

        return timed


within_backward = Within()


def summary_writer(model: nn.Module, folder: Path) -> tuple[Log, Callable[[], None]]:
    """torch.utils.tensorboard, three scalars."""
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(folder))

    def log(step: int, loss: Tensor) -> None:
        writer.add_scalar("loss", loss.item(), step)
        writer.add_scalar("grad_norm", NORM, step)
        writer.add_scalar("lr", RATE, step)

    return log, writer.close


def wandb_offline(model: nn.Module, folder: Path) -> tuple[Log, Callable[[], None]]:
    """W&B without network, one log call of three numbers."""
    wandb: Any = import_module("wandb")

    run = wandb.init(mode="offline", dir=str(folder), settings={"silent": True, "console": "off"})
    return (lambda step, loss: run.log(named(loss), step=step)), run.finish


def wandb_watch(model: nn.Module, folder: Path) -> tuple[Log, Callable[[], None]]:
    """W&B without network, and histograms of all gradients at its default, every hundredth step."""
    wandb: Any = import_module("wandb")
    history: Any = import_module("wandb.integration.torch.wandb_torch").TorchHistory
    log, close = wandb_offline(model, folder)
    history.log_tensor_stats = within_backward.around(history.log_tensor_stats)
    wandb.watch(model, log="gradients", log_freq=100)
    return log, close


def mlflow_batch(model: nn.Module, folder: Path) -> tuple[Log, Callable[[], None]]:
    """MLflow into a local database, three metrics a call."""
    mlflow: Any = import_module("mlflow")

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.start_run()
    return (lambda step, loss: mlflow.log_metrics(named(loss), step=step)), mlflow.end_run


def trackio_local(model: nn.Module, folder: Path) -> tuple[Log, Callable[[], None]]:
    """Trackio into a local database."""
    os.environ["TRACKIO_DIR"] = str(folder)
    trackio: Any = import_module("trackio")

    trackio.init(project="overhead", embed=False)
    return (lambda step, loss: trackio.log(named(loss), step=step)), trackio.finish


def named(loss: Tensor) -> dict[str, float]:
    """The three numbers under their names."""
    return {"loss": loss.item(), "grad_norm": NORM, "lr": RATE}


TRACKERS: dict[str, Begin] = {
    "SummaryWriter": summary_writer,
    "W&B offline": wandb_offline,
    "W&B and its watch": wandb_watch,
    "MLflow, sqlite": mlflow_batch,
    "Trackio": trackio_local,
}
