"""The lines of ``lrwatch live`` where there is no terminal: alerts as they come, and a status."""

import sys
from collections.abc import Sequence

from lrwatch.live.glance import Glance
from lrwatch.live.sparkline import duration, short
from lrwatch.sinks.ledger_line import Entry
from lrwatch.sinks.lines import line, utc
from lrwatch.sinks.printable import printable


class Lines:
    """Prints every alert at once, and a status when it is another verdict or time has passed.

    Args:
        is_colored: Whether to colour the levels.
        every_s: Seconds between two lines of status of a run.
    """

    def __init__(self, *, is_colored: bool, every_s: float) -> None:
        self._is_colored = is_colored
        self._every_s = every_s
        self._told: dict[str, tuple[float, tuple[object, ...]]] = {}

    def entry(self, name: str, entry: Entry) -> None:
        """Print an alert or an action."""
        if entry.record is not None:
            shown = line(entry.record, time_s=entry.time, color=self._is_colored)
            self._print(f"{printable(name, limit=40)}: {shown}")

    def statuses(self, glances: Sequence[Glance], now_s: float) -> None:
        """Print how the runs are, as far as that is due."""
        for glance in glances:
            told_s, told = self._told.get(glance.name, (-self._every_s, ()))
            is_still = glance.is_stale or glance.is_over
            last = glance.step if is_still else None
            state = (glance.verdict, glance.is_stale, glance.is_over, glance.problem, last)
            is_due = now_s - told_s >= self._every_s and not is_still
            if not glance.is_behind and (state != told or is_due):
                self._told[glance.name] = now_s, state
                self._print(f"{printable(glance.name, limit=40)}: {utc(now_s)}  {_status(glance)}")

    def _print(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _status(glance: Glance) -> str:
    if glance.problem:
        return f"{glance.verdict}  {printable(glance.problem)}"
    words = [glance.verdict, "no steps yet" if glance.step is None else f"step={glance.step}"]
    named = {"loss": glance.loss, "grad_norm": glance.grad_norm, "lr": glance.lr}
    named |= {} if glance.applied is None else {"lr_applied": glance.applied}
    for name, series in named.items():
        words += [] if series.last is None else [f"{name}={short(series.last, 4)}"]
    if glance.is_over:
        words.append("ended")
    elif glance.is_stale and glance.age_s is not None:
        words.append(f"STALE, last step {duration(glance.age_s)} ago")
    elif glance.steps_per_s is not None:
        words.append(f"{short(glance.steps_per_s)} steps/s")
    return "  ".join(words)
