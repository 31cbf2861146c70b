"""A callback that is given to another framework's trainer says what it is for."""

from pathlib import Path

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

import lrwatch.hooks.lightning
import lrwatch.hooks.transformers
from tests.frameworks.test_transformers import train


def test_lightnings_callback_says_so_to_the_trainer_of_transformers(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="it is for the Trainer of Lightning; other"):
        train(tmp_path, lrwatch.hooks.lightning.LrwatchCallback())


def test_the_callback_of_transformers_says_so_to_lightnings_trainer(tmp_path: Path) -> None:
    callback = lrwatch.hooks.transformers.LrwatchCallback()
    trainer = Trainer(
        callbacks=[callback],
        default_root_dir=tmp_path,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    with pytest.raises(AttributeError, match="it is for the Trainer of Transformers; other"):
        trainer.fit(BoringModel())
