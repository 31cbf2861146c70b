"""The loss rises and stays up."""

import math
from typing import ClassVar

from lrwatch.detectors.detector import Detector
from lrwatch.detectors.rates_to_try import LAUNCH, after_blow_up
from lrwatch.records import Alert, Kind, Severity, Side
from lrwatch.stats.blocks import Blocks
from lrwatch.stats.signals import Signals

_ARMED_AFTER = 12
_RECORDS = 3
_EARLY = 8
_CALMER = 0.8
_COMES_BACK = 0.85
_FALLS = 0.9


class Divergence(Detector):
    """Alerts when the loss stays above its level, or its level stands far above its best.

    Four ways lead to it. *Leap*: up within the first steps, by far more than it moves afterwards,
    and still there after 8. *Lasting*: ``patience`` losses in a row above the expected band, whose
    level is frozen meanwhile, half as high again as any rise of the younger half of the run.
    *Running away*: three records in a row, each rise at least twice the one before; in the first 32
    steps that says that the rate is too high, as nothing else grows so from the start. *Slow*: the
    median of the last 32 losses gave back more than ``share`` of all that the run had gained, and
    by six times the noise; only an ``info`` where the noise has shrunk since the best, as that is
    how the loss of a policy gradient goes back to zero. Critical when the loss is above its start.
    A loss that leapt and falls again (a harder task, a new curriculum) is not diverging.

    Does not catch: losses that rise from the first step on without a jump, as in reinforcement
    learning (nothing was gained that could be lost). NaN is skipped (non_finite tells it), zero
    spread makes every rise count, negative losses are as good as any, 12 losses are learned first.

    Reference: E. S. Page, "Continuous Inspection Schemes", 1954 (judging against the best level).

    Args:
        patience: Losses in a row above the band, >= 2.
        share: Part of the gain that may be given back, in (0, 1].
    """

    kind: ClassVar[Kind] = "divergence"
    SETTINGS = ("_patience", "_share")

    def __init__(self, *, patience: int = 6, share: float = 0.3) -> None:
        if patience < 2:
            raise ValueError(f"patience must be >= 2, got {patience}")
        if not 0 < share <= 1:
            raise ValueError(f"share must be in (0, 1], got {share}")
        self._patience = patience
        self._share = share
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._record = -math.inf
        self._rise = 0.0
        self._records = 0
        self._slow = 0
        self._worst = 0.0
        self._first_out = 0

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if s.loss != s.loss:
            return None
        running = self._running_away(s)
        if s.n == _EARLY:
            return self._leap(s) or running
        if s.n < _ARMED_AFTER:
            return running
        if s.loss > s.high:
            return self._above(s) or running
        if s.fresh_before:
            return self._level(s)
        return running

    def _running_away(self, s: Signals) -> Alert | None:
        """Three records in a row, each a rise at least twice the one before."""
        if s.n == 1:
            self._record = s.loss
            return None
        rise = s.loss - max(self._record, s.recent.median if len(s.recent) >= 8 else -math.inf)
        if rise <= 0.0:
            self._records = 0
            self._rise = 0.0
            return None
        self._records = self._records + 1 if rise >= 2.0 * self._rise else 0
        self._rise = rise
        self._record = max(self._record, s.loss)
        spread = max(s.first_spread, s.swing)
        if self._records <= _RECORDS or s.loss - s.start < 3.0 * spread:
            return None
        text = f"each rise of the loss doubles the last, now {s.loss:.4g}"
        return self._say(s, "critical", text, s.step, "too_high" if s.n < LAUNCH else None)

    def _leap(self, s: Signals) -> Alert | None:
        """The loss leapt in the first steps and stayed up there."""
        rises = [b - a for a, b in zip(s.first, s.first[1:], strict=False)]
        top = max(s.first) - s.start
        rest = sorted(map(abs, rises[3:]))
        up = top > 0.0 and min(s.first[3:]) - s.start > 0.5 * top
        if not up or max(rises[:3]) < 0.5 * top or rest[len(rest) // 2] > 0.1 * top:
            return None
        text = f"loss leapt from {s.start:.4g} to {max(s.first):.4g} at once and stays there"
        return self._say(s, "warning", text, s.start_step)

    def _above(self, s: Signals) -> Alert | None:
        lasting = s.outside + 1 >= self._patience and s.rise() >= 1.5 and s.z() >= 8.0
        if not lasting or not s.matters() or not s.stands_out() or _falling(s):
            return None
        worse = s.loss > s.start and s.outside + 1 >= 2 * self._patience
        text = f"loss {s.loss:.4g} above its band ({s.high:.4g}) for {s.outside + 1} values"
        return self._say(s, "critical" if worse else "warning", text, s.onset)

    def _level(self, s: Signals) -> Alert | None:
        gained = max(s.start, s.first_level) - s.best
        lost = s.recent.median - s.best
        noise = s.recent.noise
        if gained <= 4.0 * noise or lost <= self._share * gained or s.n < 40:
            self._slow = 0
            self._worst = 0.0
            return self._recover(s, gained, lost)
        self._worst = max(self._worst, lost)
        if lost <= 6.0 * noise:
            self._slow = 0
            return self._recover(s, gained, lost)
        if self._slow == 0:
            self._first_out = s.step
        self._slow += 1
        if self._slow < 3 or lost < _COMES_BACK * self._worst:
            return None
        text = f"loss level {s.recent.median:.4g} gave back {lost / gained:.0%} of what was gained"
        severity: Severity = "critical" if lost > gained and self._slow >= 6 else "warning"
        if _noise_since_best(s.blocks) < _CALMER:
            severity, text = "info", f"{text}, while its noise shrank, as in reinforcement learning"
        return self._say(s, severity, text, self._first_out)

    def _recover(self, s: Signals, gained: float, lost: float) -> Alert | None:
        if self.severity is None or lost > 0.15 * max(gained, 0.0) + 2.0 * s.recent.noise:
            return None
        return self.close(s, f"loss level is back at {s.recent.median:.4g}")

    def _say(
        self, s: Signals, severity: Severity, text: str, onset: int, side: Side | None = None
    ) -> Alert | None:
        instead = after_blow_up(s)
        return self.tell(
            s,
            severity,
            text,
            onset=onset,
            verdict=side,
            advice=instead.start_again(s.lr)
            if instead
            else "go back to a checkpoint from before the rise and lower the rate to a third",
            value=s.loss,
            limit=s.high,
            evidence={
                "start": s.start,
                "best": s.best,
                "level": s.recent.median,
                **(instead.evidence(s.lr) if instead else {}),
            },
        )


def _falling(s: Signals) -> bool:
    """Whether the younger half of an excursion is clearly lower than its older half."""
    heights = [x - s.recent.median for x in (*s.recent.values[-s.outside :], s.loss)]
    half = len(heights) // 2
    return sum(heights[-half:]) < _FALLS * sum(heights[:half])


def _noise_since_best(blocks: Blocks) -> float:
    """Noise of the loss over the last eighth of the run, over that around its best block."""
    means, changes = blocks.means(), blocks.column("change")
    n = len(means)
    near = max(1, n // 8)
    best = means.index(min(means))
    then = sorted(changes[max(0, best - near) : best + near + 1])
    now = sorted(changes[-near:])
    middle = then[len(then) // 2]
    return now[len(now) // 2] / middle if middle > 0.0 else math.inf
