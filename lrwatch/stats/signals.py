"""What every detector sees of a run: the value now, the level it stood at, and the run's shape."""

import math

from lrwatch.records import Step
from lrwatch.stats.blocks import Blocks
from lrwatch.stats.changes import Changes
from lrwatch.stats.recent import Recent
from lrwatch.stats.rises import Rises
from lrwatch.stats.state import Stateful

FIRST = 8
_REFRESH_EVERY = 8
_EXCURSION = 6.0
_NEW_LEVEL_AFTER = 24
_PART = 0.07
_LITTLE = 0.01
_SQUARABLE = 1e140
_NOT_YET: tuple[int, object] = (-1, None)


class Signals(Stateful):
    """Statistics of one run, updated once a step and shared by all detectors.

    Levels are frozen while the loss is outside of what they lead to expect, so that they never
    learn from the values they judge; after 24 values out there, the new level is accepted.

    Args:
        total_steps: Steps that the run will take, if known.

    Attributes:
        looked_at: The last shape taken, after how many losses: a cache, no state.
        n: Finite losses seen.
        step, loss, grad_norm, lr: The step judged now; NaN where absent or non-finite.
        onset: Step at which the loss left its expected band, or ``step`` while it is inside.
        outside: Losses in a row above the band.
        start: First loss, ``n_below`` losses lay below it; ``start_norm`` the first gradient norm.
        recent, norms: Last losses, and last logs of gradient norms.
        blocks: The whole run.
        rises: How far losses used to stand above their level.
        changes: Rises that no update can have made.
        high: Upper end of the expected band; NaN before the first 8 losses.
        swing: How far the loss ranged over the younger half of the run, noise included.
        drift: As in :class:`Step`, for as much summed rate in both halves; NaN if not known.
        review: True at steps a tenth of the run apart, when its whole shape is worth a look.
        fresh: True once levels were taken anew after this step; ``fresh_before`` after the last.
    """

    SETTINGS = ("total_steps", "looked_at")

    def __init__(self, total_steps: int | None = None) -> None:
        self.total_steps = total_steps
        self.looked_at = _NOT_YET
        self.n = self.n_norm = self.n_below = 0
        self.step = -1
        self.loss = math.nan
        self.grad_norm = math.nan
        self.lr = math.nan
        self.lr_peak = 0.0
        self.lr_rising_n = 0
        self.start = math.nan
        self.start_step = 0
        self.start_norm = math.nan
        self.peak = -math.inf
        self.best = math.inf
        self.norm_peak = 0.0
        self.recent = Recent()
        self.norms = Recent()
        self.blocks = Blocks()
        self.rises = Rises()
        self.changes = Changes()
        self.high = math.nan
        self.swing = 0.0
        self.outside = 0
        self.onset = 0
        self.fresh = self.fresh_before = False
        self.last_loss = math.nan
        self.skipped, self.drift = False, math.nan
        self.loss_was_bad = self.norm_was_bad = False
        self.over_line = math.inf
        self.review = False
        self._next_review = 20
        self.first: list[float] = []
        self._last = math.nan
        self._top = 0.0
        self._log_start_norm = 0.0

    @property
    def low(self) -> float:
        """Lower end of the expected band; NaN before the first 8 losses."""
        return 2.0 * self.recent.median - self.high

    def z(self) -> float:
        """How far the loss is above its level, in units of the recent noise."""
        rise = self.loss - self.recent.median
        if rise <= 0.0 or len(self.recent) < FIRST:
            return 0.0
        noise = max(self.recent.noise, 1e-3 * self.swing)
        return rise / noise if noise > 0.0 else math.inf

    def rise(self) -> float:
        """How far the loss is above its level, in units of its swing."""
        rise = self.loss - self.recent.median
        if rise <= 0.0 or len(self.recent) < FIRST:
            return 0.0
        return rise / self.swing if self.swing > 0.0 else math.inf

    @property
    def first_level(self) -> float:
        """Median of the first 8 losses."""
        ordered = sorted(self.first)
        return ordered[len(ordered) // 2] if ordered else math.nan

    @property
    def first_spread(self) -> float:
        """Range of the first 8 losses without their outliers; 0 before the third."""
        ordered = sorted(self.first)
        quarter = len(ordered) // 4
        return ordered[-1 - quarter] - ordered[quarter] if len(ordered) > 2 else 0.0

    def matters(self) -> bool:
        """Whether the loss undoes a part of what was gained: less of it if beyond all noise."""
        lost = self.loss - self.recent.median
        return lost > (_LITTLE if self.z() >= 25.0 else _PART) * self.gained

    def stands_out(self, times: float = 1.5) -> bool:
        """Whether the loss is above its level by that many times its highest rise of late."""
        return self.loss - self.recent.median >= times * self.rises.highest

    @property
    def gained(self) -> float:
        """How far the level of the loss has come down from its first losses, >= 0."""
        if self.best == math.inf:
            return 0.0
        return max(self.start - self.best, self.first_level - self.best, 0.0)

    def update(self, step: Step) -> None:
        """Take one step into account; whole numbers and those of NumPy, too, become floats."""
        self.looked_at = _NOT_YET
        self.step = int(step.step)
        self.skipped = bool(step.skipped)
        self._take_rate(step.lr)
        self._take_norm(step.grad_norm)
        self._take_loss(step.loss)
        if step.drift is not None:
            self.drift = step.drift * self.blocks.rate_of_halves()

    def _take_rate(self, lr: float | None) -> None:
        if lr is None or not 0.0 <= lr < math.inf:
            return
        self.lr = lr = float(lr)
        if lr > self.lr_peak * 1.001:
            self.lr_peak = lr
            self.lr_rising_n = self.n

    def _take_norm(self, norm: float | None) -> None:
        self.norm_was_bad = norm is not None and not math.isfinite(norm) and not self.skipped
        if norm is None or not math.isfinite(norm) or norm < 0.0:
            self.grad_norm = math.nan
            return
        self.grad_norm = norm = float(norm)
        self.n_norm += 1
        if self.n_norm == 1:
            self.start_norm = norm
            self._log_start_norm = math.log(norm) if norm > 0.0 else 0.0
        self.norm_peak = max(self.norm_peak, norm)

    def _take_loss(self, loss: float | None) -> None:
        if loss is None or not math.isfinite(loss):
            self.loss_was_bad = loss is not None and not self.skipped
            self.loss = math.nan
            self.fresh_before = self.review = False
            return
        self.fresh_before, self.fresh = self.fresh, False
        self.review = self.n >= self._next_review
        if self.review:
            self._next_review = self.n + max(4, self.n // 10)
        self.loss_was_bad = False
        self.loss = self.last_loss = loss = float(loss)
        if self.n == 0:
            self.start = self._last = loss
            self.start_step = self.step
        if self.n < FIRST:
            self.first.append(loss)
        self.n += 1
        if loss > self.peak:
            self.peak = loss
        elif loss < self.start:
            self.n_below += 1

    def learn(self) -> None:
        """Let the levels learn from the step just judged."""
        loss = self.loss
        if loss != loss:
            return
        self.looked_at = _NOT_YET
        high = self.high
        out = loss > high
        self.outside = self.outside + 1 if out else 0
        if self.outside <= 1:
            self.onset = self.step
        self.changes.learn(loss, self.lr, self.outside, self.norms)
        kept = high if out else loss
        norm = self.grad_norm
        log_norm, norm_n, fall = 0.0, 0, 0.0
        if norm > 0.0:
            log_norm, norm_n = math.log(norm), 1
            self.norms.push(log_norm)
            log_norm -= self._log_start_norm
            fall = kept - self.start if abs(kept - self.start) < _SQUARABLE else 0.0
        self.blocks.add(
            kept,
            loss - kept,
            abs(kept - self._last),
            self.lr if self.lr == self.lr else 1.0,
            log_norm,
            norm_n,
            1 if loss > self.over_line else 0,
            fall,
        )
        self._last = kept
        self._learn_rise(out)
        self.recent.push(loss)
        frozen = 0 < self.outside < _NEW_LEVEL_AFTER
        if not frozen and (self.n <= 32 or self.n % _REFRESH_EVERY == 0):
            self._refresh()

    def _learn_rise(self, out: bool) -> None:
        """An excursion out of the band is one rise, and no usual one before it is over."""
        rise = self.loss - self.recent.median
        if rise > self._top:
            self._top = rise
        if not out:
            self.rises.add(self._top)
            self._top = 0.0

    def _refresh(self) -> None:
        self.fresh = True
        self.recent.refresh()
        if self.n >= 16 and self.recent.median < self.best:
            self.best = self.recent.median
        if len(self.norms) >= FIRST:
            self.norms.refresh()
        if self.n >= 16 and self.over_line == math.inf:
            self.over_line = self.start + 3.0 * self.recent.noise
        if len(self.blocks) >= 2:
            self.swing = self.blocks.swing()
        if len(self.recent) >= FIRST:
            noise = max(self.recent.noise, 0.05 * self.swing)
            self.high = self.recent.median + _EXCURSION * noise
