"""What the policy sees before an update, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MoveKind = Literal["skip", "backoff", "rewind", "ramp", "stop", "outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One step, just before its update.

    Attributes:
        step: Number of the optimizer step.
        loss: Loss of this batch at the present weights.
        grad_norm: Norm of the gradients; None where unknown.
        rate: Learning rate as scheduled, >= 0.
        moved: Computes how far the weights are from the first ones, in units of their size.
    """

    step: int
    loss: float
    grad_norm: float | None
    rate: float
    moved: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What to do instead of, or before, the update.

    Attributes:
        kind: As the action is recorded; ``"skip"`` and ``"rewind"`` leave out the update.
        reason: Why, in one line.
        scale: Scale from now on; None: as it is.
        load: Snapshot to bring back.
        save: Snapshot to take before that.
        buffers: Whether the model's buffers come back, too.
        helped: For ``"outcome"``, which changes nothing: whether what was done before helped.
    """

    kind: MoveKind
    reason: str
    scale: float | None = None
    load: str | None = None
    save: str | None = None
    buffers: bool = True
    helped: bool | None = None
