"""The loss per image of a training by Ultralytics, which sums over batches before backward()."""

import math
from typing import Any

import torch

from lrwatch.loop.frameworks.harmless import harmless
from lrwatch.loop.frameworks.said import say_loss
from lrwatch.ranks import job


class ImageLoss:
    """Says the loss of every step as the mean over its images.

    Most tasks multiply the loss by the number of images before backward(), some do not: the first
    batch shows it, beside the parts of the loss that the trainer logs. With several devices it is
    also multiplied by their number.

    Args:
        trainer: About to train; its callbacks and two of its methods are taken until the end.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._step, self._preprocess = trainer.optimizer_step, trainer.preprocess_batch
        self._n_images = 0
        self._is_summed: bool | None = None
        self._losses: list[torch.Tensor] = []
        trainer.optimizer_step = self._before_step
        trainer.preprocess_batch = self._count
        trainer.add_callback("on_train_batch_end", self._take)
        trainer.add_callback("teardown", self._end)

    def _count(self, batch: Any) -> Any:
        batch = self._preprocess(batch)
        self._n_images = len(batch["img"])
        return batch

    def _before_step(self) -> None:
        self._say()
        self._step()

    @harmless
    def _say(self) -> None:
        self._take(self._trainer)
        losses, self._losses = self._losses, []
        if losses:
            say_loss(self._trainer.optimizer, torch.stack(losses).mean())

    @harmless
    def _take(self, trainer: Any) -> None:
        """Take the loss of the batch that went backward, once."""
        n_images, self._n_images = self._n_images, 0
        if not n_images or trainer.loss is None:
            return
        if self._is_summed is None:
            items = trainer.loss_items  # by name, or a tensor in versions before 8.4.120
            parts = sum(map(float, items.values() if isinstance(items, dict) else items))
            self._is_summed = not float(trainer.loss.detach()) < math.sqrt(n_images) * parts
        n = (n_images if self._is_summed else 1) * job.n_ranks()
        self._losses.append(trainer.loss.detach() / n)

    @harmless
    def _end(self, trainer: Any) -> None:
        trainer.optimizer_step, trainer.preprocess_batch = self._step, self._preprocess


def by_default(module: Any) -> None:
    """Have every trainer say its loss per image, for ``lrwatch run``; no edit is needed.

    Args:
        module: ``ultralytics.utils.callbacks.base``.
    """
    module.default_callbacks["on_train_start"].append(_say_per_image)


@harmless
def _say_per_image(trainer: Any) -> None:
    ImageLoss(trainer)
