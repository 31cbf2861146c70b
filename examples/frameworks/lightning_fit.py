"""Lightning: one callback more watches the fit; with ``backoff`` it saves one that is too hot."""

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lrwatch.hooks.lightning import LrwatchCallback


class Regression(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 1))

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        loss = nn.functional.mse_loss(self.model(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=10.0, momentum=0.9)


torch.manual_seed(0)
inputs = torch.randn(4096, 20)
targets = torch.sin(inputs @ torch.randn(20, 1))
watch = LrwatchCallback(backoff=True)
trainer = Trainer(
    max_epochs=4,
    accelerator="cpu",
    callbacks=[watch],
    enable_progress_bar=False,
    enable_model_summary=False,
    logger=False,
    enable_checkpointing=False,
)
trainer.fit(Regression(), DataLoader(TensorDataset(inputs, targets), 64, shuffle=True))

print("loss:", "below 0.6" if trainer.callback_metrics["loss"] < 0.6 else "not saved")
