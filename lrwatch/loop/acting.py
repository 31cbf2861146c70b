"""Builds what acts on the run of one optimizer, where the user wants that."""

from typing import Any

from torch import nn
from torch.optim import Optimizer

from lrwatch.loop.backoff.intervention import Intervention
from lrwatch.loop.backoff.levels import JudgeLevels
from lrwatch.loop.ears import Ears
from lrwatch.loop.places.place import Place


def intervention(
    backoff: Any,
    optimizer: Optimizer,
    model: nn.Module | None,
    ears: Ears,
    place: Place | None,
) -> Intervention | None:
    """A controller behind its door, which the judge of these ears tells; None without back-off."""
    if backoff is False or backoff is None:
        return None
    from lrwatch.control import build_controller

    controller = build_controller(
        backoff,
        optimizer=optimizer,
        model=model,
        write_action=ears.judge.write_action,
        levels=JudgeLevels(ears.judge),
        surrogate=bool(ears.surrogate),
        total_steps=ears.total_steps,
        disarm_file=None if place is None else place.disarm_file,
        together=ears.together,
    )
    made = Intervention(controller)
    ears.judge.on_alerts = made.hear
    ears.judge.on_passed = made.passed
    return made
