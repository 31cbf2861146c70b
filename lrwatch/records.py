"""What flows through lrwatch: a :class:`Step` in, an :class:`Alert` or an :class:`Action` out.

Live hooks and readers of old logs both make Steps, so everything above judges one kind of record.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, get_args

Kind = Literal[
    "overshoot",
    "oscillation",
    "divergence",
    "stall",
    "non_finite",
    "exploding_gradient",
    "vanishing_gradient",
    "lr_too_high",
    "lr_too_low",
]
Severity = Literal["info", "warning", "critical"]
Side = Literal["too_high", "too_low"]
Verdict = Literal["too_high", "too_low", "healthy", "undecided"]
AlertState = Literal["opened", "raised", "closed"]
ActionKind = Literal["skip", "backoff", "rewind", "ramp", "stop", "outcome", "disarm"]

KINDS: tuple[Kind, ...] = get_args(Kind)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

Evidence = Mapping[str, float | int | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One optimizer step, as plain floats; None means "not reported".

    Attributes:
        step: Number of the optimizer step, from 0. It may jump, repeat or go back (resume, rewind).
        loss: Training loss of this step, unscaled; any sign and unit.
        grad_norm: L2 norm of all gradients, before clipping, >= 0.
        lr: Learning rate that the first parameter group was updated with, >= 0: the schedule's,
            times the factor of the back-off.
        time: Wall-clock time, in seconds since the epoch.
        skipped: True where the gradient scaler of mixed precision left the weights unchanged.
        drift: How much of the way that the weights made in the first half of the run the second
            half made again: 1 where they go on as before, 0 where they go back and forth. Known at
            some steps of a live run only.
    """

    step: int
    loss: float | None = None
    grad_norm: float | None = None
    lr: float | None = None
    time: float | None = None
    skipped: bool = False
    drift: float | None = None


class Point(NamedTuple):
    """One training step as the run directory shows it; a tuple, as one is made at every step.

    Attributes:
        step: What was seen at the step.
        lo: Lower end of the expected band of the loss, NaN while there is none.
        hi: Upper end of the band.
        lrs: Scheduled learning rate of every parameter group; empty where not known.
        lr_scale: Factor that the back-off puts on every rate, 1 where it does nothing.
    """

    step: Step
    lo: float = math.nan
    hi: float = math.nan
    lrs: tuple[float, ...] = ()
    lr_scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One finding about a run, or a change of one that was reported before.

    Attributes:
        kind: What is wrong, one of :data:`KINDS`.
        severity: ``"critical"`` is worth being woken up for.
        step: Step at which the alert was raised.
        onset: First step that shows the trouble, <= ``step``.
        message: What was seen, against which limit, since which step; one line.
        advice: What to try; one line, empty where nothing can be justified.
        verdict: Which way the rate is wrong, where that is known.
        lr: Learning rate at ``step``.
        value: The number that crossed the limit, in the unit of the evidence.
        limit: The limit, in the unit of ``value``.
        evidence: Named numbers behind the message.
        state: ``"opened"`` at first, ``"raised"`` when the severity rose, ``"closed"`` on recovery
            (then of severity ``"info"``).
        trouble: Number of the trouble in this run, from 1; shared by all alerts about it.
    """

    kind: Kind
    severity: Severity
    step: int
    onset: int
    message: str
    advice: str = ""
    verdict: Side | None = None
    lr: float | None = None
    value: float | None = None
    limit: float | None = None
    evidence: Evidence = field(default_factory=dict)
    state: AlertState = "opened"
    trouble: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One intervention of the back-off, written before it is applied, or its outcome after.

    Attributes:
        kind: What is done; ``"outcome"`` reports on an earlier action.
        step: Step at which it is done.
        reason: Why, in one line.
        trouble: Number of the trouble it answers, as in :attr:`Alert.trouble`; 0 if none.
        lr_before: Effective learning rate before, or None where it does not change.
        lr_after: Effective learning rate after.
        scale: Factor on the schedule's rate from this action on, in (0, 1].
        to_step: Step whose weights are brought back, for ``"rewind"``.
        helped: For ``"outcome"``: whether the run recovered.
        dry_run: True where nothing was changed and the record says what would have been.
    """

    kind: ActionKind
    step: int
    reason: str
    trouble: int = 0
    lr_before: float | None = None
    lr_after: float | None = None
    scale: float | None = None
    to_step: int | None = None
    helped: bool | None = None
    dry_run: bool = False


def plain(value: Any) -> Any:
    """The value as strict JSON holds it: a non-finite float becomes ``"NaN"`` or ``"Infinity"``."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def to_dict(record: Alert | Action) -> dict[str, Any]:
    """The fields of a record, in order, as strict JSON can hold them."""
    found: dict[str, Any] = plain(asdict(record))
    return found
