"""A glance: all that a screen shows of one run at one moment."""

from dataclasses import dataclass, field

from lrwatch.live.deeds import Deeds
from lrwatch.live.series import Series
from lrwatch.records import Verdict
from lrwatch.sinks.ledger_line import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One run at one moment.

    Attributes:
        name: What to call it.
        format: What writes its log, in one word; empty if that is not known.
        verdict: Which way the rate is wrong, as far as is known by now.
        step: Number of the last step; None before the first.
        steps_per_s: How many steps a second; None if that is not known.
        age_s: Seconds since the last step; None before the first.
        is_stale: Whether nothing has come for far longer than usual.
        is_over: Whether the watch of the run was closed, so that nothing more is to come.
        is_behind: Whether more of the log is there than was read by now.
        loss: The losses.
        grad_norm: The gradient norms.
        lr: The rates, as the schedule set them.
        applied: The rates, as the back-off scaled them; None where it did not.
        steps: Numbers of the steps that have a loss.
        deeds: What the back-off did.
        entries: The last alerts and actions, the newest last.
        n_alerts: How many alerts were opened so far.
        n_damaged: Lines or records that could not be read.
        problem: Why there is nothing to show; empty if there is.
    """

    name: str
    format: str = ""
    verdict: Verdict = "undecided"
    step: int | None = None
    steps_per_s: float | None = None
    age_s: float | None = None
    is_stale: bool = False
    is_over: bool = False
    is_behind: bool = False
    loss: Series = field(default_factory=Series)
    grad_norm: Series = field(default_factory=Series)
    lr: Series = field(default_factory=Series)
    applied: Series | None = None
    steps: Series = field(default_factory=Series)
    deeds: Deeds = field(default_factory=Deeds)
    entries: tuple[Entry, ...] = ()
    n_alerts: int = 0
    n_damaged: int = 0
    problem: str = ""
