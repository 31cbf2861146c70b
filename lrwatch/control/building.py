"""How :func:`lrwatch.attach` comes by a controller: one of its own, or tied to another's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from lrwatch.control.controller import BackoffController
from lrwatch.control.following import Follower
from lrwatch.control.levels import Levels
from lrwatch.control.owner import owner_of
from lrwatch.policy.settings import Backoff
from lrwatch.ranks.together import Together
from lrwatch.records import Action


def build_controller(
    backoff: Any,
    *,
    optimizer: Optimizer,
    model: nn.Module | None = None,
    write_action: Callable[[Action], None],
    levels: Levels | None = None,
    surrogate: bool = False,
    total_steps: int | None = None,
    disarm_file: Path | None = None,
    together: Together | None = None,
) -> BackoffController | Follower:
    """Make the controller that ``attach(..., backoff=...)`` asks for.

    ``backoff`` is what the user gave: True, a policy object, or another watch's controller; the
    rest is what :class:`BackoffController` takes. A model that was not named is looked for.

    Raises:
        ValueError: If ``backoff`` is neither True nor a :class:`Backoff` nor the ``backoff`` of
            another watch; if that one has begun to train.
    """
    if isinstance(backoff, BackoffController):
        return backoff.followed_by(optimizer)
    settings = Backoff() if backoff is True else backoff
    if not isinstance(settings, Backoff):
        raise ValueError(
            "backoff must be True, False or a lrwatch.Backoff (or another watch's backoff), "
            f"got {backoff!r}"
        )
    return BackoffController(
        settings,
        optimizer=optimizer,
        model=owner_of(optimizer) if model is None else model,
        write_action=write_action,
        levels=levels,
        surrogate=surrogate,
        total_steps=total_steps,
        disarm_file=disarm_file,
        together=together,
    )
