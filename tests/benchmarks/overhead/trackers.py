"""What a user would log with instead: each told the same three numbers at every step."""

import os
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
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


def lightning_monitors(model: nn.Module, folder: Path) -> tuple[Log, Callable[[], None]]:
    """Lightning's monitor of the rate and its TensorBoard logger, at every step.

    They are called as its Trainer calls them, which itself takes far longer and is left out.
    """
    logger: Any = import_module("lightning.pytorch.loggers").TensorBoardLogger(str(folder))
    monitor: Any = import_module("lightning.pytorch.callbacks").LearningRateMonitor("step")
    loop = SimpleNamespace(_batches_that_stepped=0)
    trainer = SimpleNamespace(
        loggers=[logger],
        optimizers=[torch.optim.SGD(model.parameters(), lr=RATE)],
        lr_scheduler_configs=[],
        callback_metrics={},
        strategy=SimpleNamespace(root_device="cpu"),
        fit_loop=SimpleNamespace(epoch_loop=loop),
        _logger_connector=SimpleNamespace(should_update_logs=True),
    )
    monitor.on_train_start(trainer)

    def log(step: int, loss: Tensor) -> None:
        loop._batches_that_stepped = step
        monitor.on_train_batch_start(trainer)
        logger.log_metrics({"loss": loss.item(), "grad_norm": NORM}, step=step)

    return log, logger.experiment.close


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
    "Lightning's monitors": lightning_monitors,
}
