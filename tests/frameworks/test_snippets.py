"""The snippet on each framework's page runs, once there is what it leaves to the reader."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.documentation.pages import DOCS, snippets

PARTS = """
import torch
from tests.frameworks.tiny import batches, linear
model, data = linear(), batches(20)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
"""

# What comes before the snippet, and what trains after it.
AROUND = {
    "accelerate": (
        PARTS
        + """
from accelerate import Accelerator
accelerator = Accelerator(cpu=True, project_dir=".")
model, optimizer, data = accelerator.prepare(model, optimizer, data)
""",
        """
for x, y in data:
    optimizer.zero_grad()
    accelerator.backward(((model(x) - y) ** 2).mean())
    optimizer.step()
accelerator.save_state("state")
watch.close()
""",
    ),
    "fabric": (
        PARTS
        + """
from lightning.fabric import Fabric
fabric = Fabric(accelerator="cpu", devices=1)
model, optimizer = fabric.setup(model, optimizer)
""",
        """
for x, y in data:
    optimizer.zero_grad()
    fabric.backward(((model(x) - y) ** 2).mean())
    optimizer.step()
watch.close()
""",
    ),
    "fastai": (
        """
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner as FastaiLearner
from torch.nn.functional import mse_loss
from tests.frameworks.tiny import batches, linear
rows = [row for batch in batches(20) for row in zip(*batch, strict=True)]
data, model = DataLoaders(DataLoader(rows, bs=16), DataLoader(rows[:32], bs=16)), linear()
def Learner(*arguments, **settings):
    return FastaiLearner(*arguments, mse_loss, **settings)
""",
        """
with learner.no_logging():
    learner.fit(1, 0.05)
""",
    ),
    "ignite": (
        PARTS
        + """
from ignite.engine import Engine
def update(engine, batch):
    optimizer.zero_grad()
    loss = ((model(batch[0]) - batch[1]) ** 2).mean()
    loss.backward()
    optimizer.step()
    return loss.item()
trainer = Engine(update)
""",
        "trainer.run(data, max_epochs=1)",
    ),
    "keras": (
        """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.05), "mse")
x = numpy.random.default_rng(0).normal(size=(320, 8)).astype("float32")
y = x.sum(1, keepdims=True)
""",
        "",
    ),
    "lightning": (
        PARTS
        + """
import functools
from lightning.pytorch import LightningModule, Trainer as LightningTrainer
class Regression(LightningModule):
    def __init__(self):
        super().__init__()
        self.model = linear()
    def training_step(self, batch, index):
        return ((self.model(batch[0]) - batch[1]) ** 2).mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)
Trainer = functools.partial(
    LightningTrainer, accelerator="cpu", max_epochs=1, enable_progress_bar=False, devices=1
)
""",
        "trainer.fit(Regression(), data)",
    ),
    "optuna": (
        "import optuna",
        """
def objective(trial):
    loss = 1.0
    for step in range(60):
        trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned
        loss *= trial.suggest_float("lr", 1.5, 2.0)
    return loss
study.optimize(objective, n_trials=2)
assert [trial.state.name for trial in study.trials] == ["PRUNED", "PRUNED"]
""",
    ),
    "ray": (
        """
import functools, os, types
import ray, torch
from ray.tune import RunConfig, Tuner
ray.init(num_cpus=1, include_dashboard=False, object_store_memory=80_000_000, log_to_driver=False)
here = functools.partial(RunConfig, storage_path=os.getcwd(), verbose=0)
tune = types.SimpleNamespace(Tuner=Tuner, RunConfig=here)
def train(config):
    from ray import tune
    from lrwatch.hooks.ray import attach
    model = torch.nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=10.0)
    with attach(optimizer, model, stderr=False) as watch:
        for _ in range(20):
            x = torch.randn(16, 8)
            optimizer.zero_grad()
            loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
            loss.backward()
            optimizer.step()
            tune.report({"loss": loss.item(), "lrwatch": watch.verdict})
""",
        """
(result,) = tuner.fit()
ray.shutdown()
assert result.metrics["training_iteration"] < 20
""",
    ),
    "transformers": (
        """
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments
sequences = (torch.arange(64)[:, None] + torch.arange(8)) % 32
data = [{"input_ids": ids, "labels": ids} for ids in sequences]
model = GPT2LMHeadModel(
    GPT2Config(vocab_size=32, n_positions=8, n_embd=16, n_layer=1, n_head=2, bos_token_id=0)
)
args = TrainingArguments(
    "out", max_steps=10, use_cpu=True, report_to="none", save_strategy="no", disable_tqdm=True
)
""",
        "trainer.train()",
    ),
    "ultralytics": (
        """
import functools
from pathlib import Path
from ultralytics import YOLO as UltralyticsYOLO
from tests.frameworks import boxes
boxes.pictures(Path("data").absolute()).rename("my.yaml")
tiny = boxes.model(Path.cwd())
def YOLO(weights):
    model = UltralyticsYOLO(tiny)
    short = {**boxes.QUIET, "project": str(Path.cwd()), "epochs": 2}
    model.train = functools.partial(model.train, **short)
    return model
""",
        "",
    ),
}
PACKAGES = {"fabric": "lightning"}
# The pruner judges reports; a trial of Ray that is ended at once may have written nothing yet.
WITHOUT_A_RUN = {"optuna", "ray"}
HERE = [page for page in AROUND if find_spec(PACKAGES.get(page, page))]


def test_the_page_of_every_framework_has_its_snippet_run() -> None:
    pages = {page.stem for page in (DOCS / "frameworks").glob("*.md")}
    assert pages - {"plain"} == set(AROUND)
    assert HERE


@pytest.mark.parametrize("page", HERE)
def test_a_snippet_trains_and_leaves_a_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    (shown,) = snippets((DOCS / "frameworks" / f"{page}.md").read_text("utf-8"), " sketch")
    before, after = AROUND[page]
    names: dict[str, Any] = {"__name__": "snippet"}
    for part in (before, shown, after):
        exec(compile(part, page, "exec"), names)
    assert page in WITHOUT_A_RUN or any(tmp_path.rglob("lrwatch/verdict.json"))
