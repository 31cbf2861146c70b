"""``lrwatch run`` watches the loops of frameworks without an edit of the script."""

import json
from pathlib import Path

import pytest

import lrwatch
from tests.launch.started import watched

HEAD = """
import json, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
torch.manual_seed(0)
losses = []
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def forward(self, x):
        loss = (self.layer(x) - x.sum(1, keepdim=True)).square().mean()
        losses.append(loss.item())
        return {"loss": loss}
data = torch.randn(320, 4)
loader = torch.utils.data.DataLoader([row for row in data], batch_size=16)
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
"""
LIGHTNING = """
import lightning
class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = model
    def training_step(self, x, i):
        return self.model(x)["loss"]
    def configure_optimizers(self):
        return optimizer
quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", **dict.fromkeys(quiet, False))
trainer.fit(Module(), loader)
"""
FABRIC = """
import lightning
fabric = lightning.Fabric(accelerator="cpu")
model, optimizer = fabric.setup(model, optimizer)
for x in loader:
    optimizer.zero_grad()
    fabric.backward(model(x)["loss"])
    optimizer.step()
"""
TRANSFORMERS = """
import transformers
arguments = transformers.TrainingArguments(
    "out", num_train_epochs=1, per_device_train_batch_size=16, use_cpu=True, report_to=[],
    save_strategy="no", logging_strategy="no", disable_tqdm=True,
)
data = [{"x": row} for row in data]
transformers.Trainer(model, arguments, train_dataset=data).train()
"""
ACCELERATE = """
import accelerate
accelerator = accelerate.Accelerator(cpu=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for x in loader:
    with accelerator.accumulate(model):
        accelerator.backward(model(x)["loss"])
        optimizer.step()
        optimizer.zero_grad()
"""


@pytest.mark.parametrize("loop", [LIGHTNING, FABRIC, TRANSFORMERS, ACCELERATE])
def test_the_losses_are_those_that_the_model_gave(tmp_path: Path, loop: str) -> None:
    (tmp_path / "script.py").write_text(f"{HEAD}{loop}\nprint(json.dumps(losses))\n")
    ended = watched("--run-dir", "run", "script.py", cwd=tmp_path)
    assert ended.code == 0, ended.stderr
    losses = json.loads(ended.stdout.splitlines()[-1])
    assert len(losses) == 20
    steps = list(lrwatch.read(next((tmp_path / "run").rglob("lrwatch"))))
    assert [steps[0].step, steps[-1].step] == [0, 19]
    assert [steps[0].loss, steps[-1].loss] == pytest.approx([losses[0], losses[-1]], rel=1e-6)
    assert "lrwatch: " in ended.stderr
    assert "(20 steps" in ended.stderr
