"""A watched run: either kind of it, polled without ever failing, and seen at a glance."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.live.attached import AttachedRun
from lrwatch.live.deeds import Deeds
from lrwatch.live.glance import Glance
from lrwatch.live.judged import JudgedLog
from lrwatch.live.kind import has_ledger
from lrwatch.records import Action, Alert
from lrwatch.sinks.history import standing_entries
from lrwatch.sinks.ledger_line import Entry

_N_ENTRIES = 50


class WatchedRun:
    """One run of several: what is wrong with its files is shown, and tried again.

    A log is given up for the ledger as soon as lrwatch writes one.

    Args:
        path: The run; it may be missing for now.
        asked: Names of columns that the user gave, by quantity.
        name: What to call it.
    """

    def __init__(self, path: Path, asked: Mapping[str, str | None], *, name: str) -> None:
        self.path = path
        self.name = name
        self._asked = asked
        self._run: AttachedRun | JudgedLog | None = None
        self._entries: deque[Entry] = deque(maxlen=_N_ENTRIES)
        self._n_alerts = 0
        self._deeds = Deeds()
        self._n_starts = 0
        self._failure = ""

    def poll(self, now_s: float, *, max_steps: int | None = None) -> list[Entry]:
        """The alerts and actions that came since the last call."""
        found: list[Entry] = []
        try:
            for entry in self._kind().poll(now_s, max_steps=max_steps):
                self._take(entry)
                if entry.record is not None:
                    found.append(entry)
            self._forget()
            self._failure = ""
        except (LrwatchError, OSError) as error:
            self._failure = str(error)
        except Exception as error:  # a defect of ours, in one file: it must not end the others
            self._failure = f"{type(error).__name__}: {error}"
        return found

    def settle(self) -> None:
        """Take the last step into account, as no more is waited for."""
        for entry in self._kind().settle():
            self._take(entry)

    def glance(self, now_s: float) -> Glance:
        """The run as it is now."""
        run = self._kind()
        measures = run.measures
        return Glance(
            name=self.name,
            format=run.format,
            verdict=run.verdict,
            step=measures.step,
            steps_per_s=measures.pulse.steps_per_s,
            age_s=measures.pulse.age_s(now_s),
            is_stale=measures.pulse.is_stale(now_s) and not run.is_over,
            is_over=run.is_over,
            is_behind=run.is_behind,
            loss=measures.loss,
            grad_norm=measures.grad_norm,
            lr=measures.lr,
            applied=run.applied,
            steps=measures.steps,
            deeds=self._deeds,
            entries=tuple(self._entries),
            n_alerts=self._n_alerts,
            n_damaged=run.n_damaged,
            problem=(self._failure or run.problem).removeprefix(f"{self.path}: "),
        )

    @property
    def is_behind(self) -> bool:
        """Whether the last poll left some of what is there for the next one."""
        return self._run is not None and self._run.is_behind

    def close(self) -> None:
        """Let go of the files."""
        if self._run is not None:
            self._run.close()

    def _forget(self) -> None:
        """What was told of a run is nothing to the one that was started anew in its log."""
        n_starts = self._kind().n_starts
        if n_starts != self._n_starts:
            self._entries.clear()
            self._n_starts, self._n_alerts = n_starts, 0

    def _restart(self, opening: Entry) -> None:
        """What was told of the steps from which the run begins anew stands no longer."""
        kept = standing_entries([*self._entries, opening])
        self._n_alerts -= sum(map(_is_opened, self._entries)) - sum(map(_is_opened, kept))
        self._entries = deque(kept, maxlen=_N_ENTRIES)
        if opening.raw.get("start_step") == 0:
            self._n_alerts, self._deeds = 0, Deeds()

    def _take(self, entry: Entry) -> None:
        self._forget()
        if entry.record is None:
            self._restart(entry)
            return
        self._entries.append(entry)
        if isinstance(entry.record, Action):
            self._deeds.take(entry.record)
        self._n_alerts += _is_opened(entry)

    def _kind(self) -> AttachedRun | JudgedLog:
        if isinstance(self._run, AttachedRun):
            return self._run
        if has_ledger(self.path) and not any(self._asked.values()):
            self.close()
            self._entries.clear()
            self._n_alerts, self._deeds = 0, Deeds()
            self._run = AttachedRun(self.path)
        elif self._run is None:
            self._run = JudgedLog(self.path, self._asked)
        return self._run


def _is_opened(entry: Entry) -> bool:
    return isinstance(entry.record, Alert) and entry.record.state == "opened"
