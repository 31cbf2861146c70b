"""What a user may settle about the back-off."""

import numbers
from dataclasses import dataclass
from typing import Literal, get_args

Rung = Literal["skip", "backoff", "rewind", "stop"]
RUNGS: tuple[Rung, ...] = get_args(Rung)
Where = Literal["device", "host"]
WHERE: tuple[Where, ...] = get_args(Where)
_POSITIVE = ("cooldown", "budget", "hold", "snapshot_every", "memory_cap")
_SHARES = ("factor", "floor", "margin", "max_lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Bounds of the back-off.

    Attributes:
        factor: What the rate is multiplied with at one notch down, in (0, 1).
        floor: Smallest scale on the schedule's rate; below it the run is stopped, in (0, 1).
        margin: Further factor, once, below the first rate that held after a launch that was too
            hot, where ``trials`` may not look for a better one, in (0, 1).
        cooldown: Quiet steps before the rate goes one notch up again, and after an action of a
            dry run before the next is considered, >= 1.
        budget: Changes of the rate or the weights in one run; when they are spent only updates
            are skipped, >= 1.
        max_lost: Share of the steps so far that trials may cost, beyond a first 100, in (0, 1).
        hold: Updates in a row that are skipped before the data count as changed, >= 1.
        snapshot_every: Steps between snapshots, at least; later one in 20 of the steps so far, and
            where that takes over half a per cent of the time, up to one in 10.
        memory_cap: Bytes that all snapshots together may take, >= 1.
        where: Where snapshots lie: ``"device"``, beside the weights, or ``"host"``, in the memory
            of the processor.
        ramp: Go back up after trouble that did not come from the rate.
        trials: Compare rates on the run itself: after a launch that was too hot, a lower one from
            the start where nothing was learnt, and in place where the loss stands still.
        settle: Try a lower rate in place where progress is merely slow, too, and take it back where
            it gains no more than time would. Off at first: where a rate of this run has brought
            trouble, or an alert says that it is too high, that is done in any case, and a healthy
            run that is merely slow is not to be touched.
        dry_run: Only write what would be done.
        rungs: What may be done at all: ``"skip"``, ``"backoff"``, ``"rewind"`` and ``"stop"``.

    Raises:
        TypeError: If a number is none.
        ValueError: If one of them is out of its range.
    """

    factor: float = 0.3
    floor: float = 1e-5
    margin: float = 0.15
    cooldown: int = 24
    budget: int = 60
    max_lost: float = 0.1
    hold: int = 30
    snapshot_every: int = 10
    memory_cap: int = 4 * 2**30
    where: Where = "device"
    ramp: bool = True
    trials: bool = True
    settle: bool = False
    dry_run: bool = False
    rungs: tuple[Rung, ...] = RUNGS

    def __post_init__(self) -> None:
        for name in (*_SHARES, *_POSITIVE):
            if not isinstance(getattr(self, name), numbers.Real):
                raise TypeError(f"{name} must be a number, got {getattr(self, name)!r}")
        for name in _SHARES:
            value = getattr(self, name)
            if not 0 < value < 1:
                raise ValueError(f"{name} must be > 0 and < 1, got {value}")
        for name in _POSITIVE:
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}")
        if self.where not in WHERE:
            raise ValueError(f"where must be one of {', '.join(WHERE)}, got {self.where!r}")
        if isinstance(self.rungs, str):
            raise TypeError(f"rungs must be a tuple of names, got {self.rungs!r}")
        for rung in self.rungs:
            if rung not in RUNGS:
                raise ValueError(f"rungs must be among {', '.join(RUNGS)}, got {rung!r}")
